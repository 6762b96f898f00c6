"""Going through a dialect by its contract: requests made of operations, over real HTTP, answers read by shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, get_args

import httpx2
import pytest
from pydantic import BaseModel
from tests.fakes import FakeClock, do
from tests.houses import connected
from tests.laws.journey import Journey, Step
from tests.running import Running, configured, running

from dragoman import app
from dragoman.client.conversation import Manners, read_answer, unseen
from dragoman.core import api_keys, sessions
from dragoman.core.accounts import Account
from dragoman.core.passwords import Hasher
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin
from dragoman.dialects import discover
from dragoman.exchange import Exchange
from dragoman.handlers import Bound
from dragoman.releases import Release
from dragoman.serving import Dialect
from dragoman.settings import DialectSettings
from dragoman.wire import Access, InPath, Operation, Work, asked, places

DIALECTS = discover()


def releases_of(dialect: Dialect) -> Sequence[str]:
    """The releases that a dialect can be told to speak, or "" for the only one."""
    speaks = dialect.settings.model_fields.get("speaks")
    return get_args(speaks.annotation) if speaks is not None else ("",)


SPOKEN = [pytest.param(d, r, id=f"{d.name}-{r}" if r else d.name) for d in DIALECTS for r in releases_of(d)]


def journey_of(dialect: Dialect) -> Journey:
    """What the laws are told of a dialect. Fails where nobody has told them."""
    module = f"tests.laws.journeys.{dialect.name}"
    if find_spec(module) is None:
        pytest.fail(f"the dialect {dialect.name} has no journey: write tests/laws/journeys/{dialect.name}.py")
    journey: Journey = import_module(module).JOURNEY
    return journey


def manners_of(dialect: Dialect) -> Manners:
    """The manners of a dialect's own client."""
    manners: Manners = import_module(f"dragoman.dialects.{dialect.name}").Client.manners
    return manners


def has_keys(dialect: Dialect) -> bool:
    """Whether a product knows API keys that are something else than what a sign-in gives."""
    show = manners_of(dialect).credentials
    return bool(show(None, "key")) and show(None, "key") != show("key", None)


def error_of(dialect: Dialect, release: str) -> type[BaseModel]:
    """The shape of a refusal's JSON in a release."""
    shapes = journey_of(dialect).error
    return shapes.get(release, shapes.get("", BaseModel))


def told_to_speak(dialect: Dialect, release: str) -> DialectSettings:
    """A dialect's settings, with this release or the one spoken unless told otherwise."""
    told: dict[str, Any] = {"speaks": release} if release else {}
    return dialect.settings(path=f"/{dialect.name}", **told)


def release_of(dialect: Dialect, name: str) -> Release:
    """A release by its name."""
    return dialect.release(told_to_speak(dialect, name))


def operations_of(dialect: Dialect, release: str = "") -> list[Operation[Any, Any]]:
    """The operations of a dialect, as far as a release (or the one spoken unless told otherwise) has them."""
    spoken = release_of(dialect, release or releases_of(dialect)[0])
    return [operation for operation in dialect.api.operations() if spoken.has(operation)]


def exchange_of(
    dialect: Dialect,
    release: str = "",
    operation: Operation[Any, Any] | None = None,
    request_id: str = "a-request",
) -> Exchange:
    """A request for an operation, as the dialect's speech is told of it."""
    path = operation.path if operation else "/nowhere"
    scope = {"type": "http", "method": operation.method if operation else "GET", "path": path}
    exchange = Exchange(
        {**scope, "headers": [(b"host", b"localhost")], "query_string": b""},
        path=path,
        mount=f"/{dialect.name}",
        host="localhost",
        origin=Origin(dialect.name, request_id=request_id),
        secure=False,
        operation=operation,
    )
    exchange.release = release_of(dialect, release or releases_of(dialect)[0])
    return exchange


@dataclass
class Traveller:
    """A client of one dialect at a running server, with the token of its last sign-in and all it was told."""

    server: Running
    dialect: Dialect
    line: httpx2.Client
    token: str | None = None
    answers: dict[str, Any] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    @property
    def journey(self) -> Journey:
        """What the laws were told."""
        return journey_of(self.dialect)

    @property
    def manners(self) -> Manners:
        """The manners of the dialect's own client."""
        return manners_of(self.dialect)

    @property
    def operations(self) -> Mapping[str, Operation[Any, Any]]:
        """What is served, by name."""
        release = self.server.app._board.mounted.by_path[f"/{self.dialect.name}"].app.release
        return {o.name: o for o in self.dialect.api.operations() if release.has(o)}

    @property
    def reading(self) -> list[Step]:
        """A step for everything that can be read without being told how, and of which nothing else is told."""
        told = {step.operation for step in self.journey.steps}
        return [Step(n) for n, o in self.operations.items() if reads_by_itself(o) and n not in told]

    def send(
        self, operation: Operation[Any, Any], headers: Mapping[str, str], body: Any = None
    ) -> httpx2.Response:
        """A request for an operation with these headers; in its path stands something plausible."""
        path = operation.path
        shape: type[BaseModel] = operation.takes
        for place, name in places(shape).values():
            if place is InPath:
                path = path.replace("{" + name + "}", "00000000-0000-4000-8000-000000000000")
        return self.request(operation.method, path, headers, body)

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: Any = None
    ) -> httpx2.Response:
        """Any request below the mount."""
        url = f"{self.server.url}/{self.dialect.name}{path}"
        return self.line.request(method, url, headers=dict(headers), json=body)

    def shown(self, step: Step) -> Mapping[str, str]:
        """What shows who takes a step."""
        key = None if step.key is None else step.key(self.answers)
        return self.manners.credentials(self.token if key is None else None, key)

    def ask(self, step: Step, **more: str) -> httpx2.Response:
        """Ask for what a step says, without minding the answer. `more` are headers."""
        operation = self.operations[step.operation]
        ask = asked(operation.takes, **step.told(self.answers))
        self.secrets.update(unseen(ask))
        sent = operation.sent(ask)
        credentials = {} if operation.access is Access.PUBLIC else self.shown(step)
        of_page = {} if step.headers is None else step.headers(self.answers)
        url = f"{self.server.url}/{self.dialect.name}{sent.path}"
        return self.line.request(
            operation.method,
            url,
            params=dict(sent.query) or None,
            json=sent.body,
            headers={**credentials, **of_page, **more},
        )

    def understand(self, step: Step, response: httpx2.Response) -> Any:
        """An answer that is as the step says: a success, read by its shape and remembered."""
        operation = self.operations[step.operation]
        said = f"{step.operation}: {response.status_code} {response.text}"
        if step.refused is not None:
            assert response.status_code == step.refused, said
            return None
        assert response.status_code < 300, said
        answer = read_answer(operation.gives, response, response.content)
        self.answers[step.operation] = answer
        self.secrets.update(unseen(answer))
        self.token = self.manners.token_in(answer) or self.token
        if operation in self.manners.signs_out:
            self.token = None
        return answer

    def take(self, step: Step) -> Any:
        """Take a step; the answer."""
        return self.understand(step, self.ask(step))

    def steps(self) -> Iterator[Step]:
        """The journey as far as the release goes, and on the way everything that can be read without being told how."""
        served, reading = self.operations, self.reading
        first, *others, last = [step for step in self.journey.steps if step.operation in served]
        share = math.ceil(len(reading) / max(1, len(others)))
        yield first
        for step in others:
            yield step
            known = self.token is not None
            now = [r for r in reading if known or served[r.operation].access.is_open][:share]
            reading = [r for r in reading if r not in now]
            yield from now
        yield from reading
        yield last


def reads_by_itself(operation: Operation[Any, Any]) -> bool:
    """Whether an operation writes nothing and takes nothing: it can be called without being told how."""
    takes_nothing = not any(info.is_required() for info in operation.takes.model_fields.values())
    return operation.work in (Work.NOTHING, Work.GLANCES, Work.READS) and takes_nothing


@contextmanager
def travelling(
    url: str, hasher: Hasher, clock: FakeClock, dialect: Dialect, release: str = "", **told: Any
) -> Iterator[Traveller]:
    """A traveller of a dialect at a server of its own."""
    own = {"dialects": {dialect.name: {"speaks": release}}} if release else {}
    settings = configured(url, **own, **told)
    with running(settings, hasher, clock) as server, connected() as line:
        journey_of(dialect).beforehand(server.core)
        yield Traveller(server, dialect, line)


def serving_instead(
    monkeypatch: pytest.MonkeyPatch, dialect: Dialect, handler: Callable[..., Any], *operations: str
) -> Dialect:
    """The dialect with another handler for some operations, or all, discovered in place of all dialects."""
    bound = tuple(
        Bound(b.operation, handler) if not operations or b.operation.name in operations else b
        for b in dialect.bound
    )
    changed = Dialect(**{**dialect.__dict__, "bound": bound})
    monkeypatch.setattr(app, "discover", lambda: [changed])
    return changed


def credential_of(core: Core, account: Account, dialect: Dialect) -> str:
    """What an account holds up in a dialect once it is signed in, got without a password."""
    made = journey_of(dialect).credential
    return session_of(core, account, dialect.name) if made is None else made(core, account)


def session_of(core: Core, account: Account, dialect: str) -> str:
    """The secret of a session of an account in a dialect, opened without a password."""
    return do(core, sessions.open_session, account.number, Device(), origin=Origin(dialect))[1].reveal()


def key_of(core: Core, account: Account, dialect: str, **named: Any) -> Secret:
    """An API key of an account in a dialect that may do everything."""
    return do(core, api_keys.issue, account.number, dialect, name="key", permissions=["all"], **named)[1]
