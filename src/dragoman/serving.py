"""Contract and handlers in, ASGI out: decode, identify, begin, answer, commit, render. In that order.

A dialect hands over a `Dialect`: its contract, a handler for every operation of it, the way it reads
credentials and the way it says no. Everything else about serving it is here, once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ValidationError

from dragoman import traffic
from dragoman.asks import read_ask
from dragoman.core import permissions
from dragoman.core.errors import (
    CredentialRefused,
    NotSignedIn,
    Refusal,
    Throttled,
    Unavailable,
    UpstreamFailed,
)
from dragoman.core.principals import Named, Presented, Principal, identify
from dragoman.core.secrets import KeyForm, Secret, digest
from dragoman.core.work import Core, Tools, UnitOfWork
from dragoman.envelope import Envelope
from dragoman.exchange import JSON, Exchange, Malformed, Passed, Spoken, read_body, seconds, send_spoken
from dragoman.handlers import Bound, Call, Reply
from dragoman.log import get_logger
from dragoman.releases import ONLY, Release, dumped
from dragoman.routing import Routes
from dragoman.wire import Access, Api, Nothing, Operation, Work

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from dragoman.core.keys import Signing
    from dragoman.core.rules import Lifetime
    from dragoman.core.sessions import Device
    from dragoman.lanes import Lanes
    from dragoman.settings import DialectSettings

log = get_logger("dragoman.serving")


class Speech(Protocol):
    """How a dialect says no. Its `errors.py` is one of these."""

    def refused(self, exchange: Exchange, refusal: Refusal, /) -> Spoken: ...
    def malformed(self, exchange: Exchange, problem: Malformed, /) -> Spoken: ...
    def invalid(self, exchange: Exchange, shape: type[BaseModel], problem: ValidationError, /) -> Spoken: ...
    def not_found(self, exchange: Exchange, /) -> Spoken: ...
    def wrong_method(self, exchange: Exchange, allowed: Sequence[str], /) -> Spoken: ...
    def crashed(self, exchange: Exchange, /) -> Spoken: ...


@dataclass(frozen=True)
class Job:
    """A request for an operation: the credential that was held up (None where it is public), and what reads its ask."""

    exchange: Exchange
    bound: Bound
    presented: Presented | None
    read: Callable[[], BaseModel]

    @property
    def operation(self) -> Operation[Any, Any]:
        return self.bound.operation

    def handled(self, tool: UnitOfWork | Core | None, call: Call) -> Any:
        """The handler's answer. What an ask is worth is judged here, after the caller."""
        ask = self.read()
        self.exchange.reached = True
        return self.bound.handler(tool, call, ask)


def no_headers(_exchange: Exchange) -> Sequence[tuple[str, str]]:
    return ()


def open_gate(_exchange: Exchange, _settings: Any, _tools: Tools) -> Passed:
    return Passed()


def for_programs(_exchange: Exchange, spoken: Spoken) -> Spoken:
    return spoken


def no_device(_exchange: Exchange) -> Device | None:
    return None


def nothing_to_warm_up() -> Iterator[None]:
    return iter(())


def no_floor(_settings: Any) -> int:
    return 0


def only_release(_settings: Any) -> Release:
    return ONLY


@dataclass(frozen=True)
class Dialect:
    """One product's way of speaking, as `dialects/<name>/server.py` declares it.

    What a request is: `present` says which credential it holds up, for which it looks at no headers but
    `credential_headers` (where these are not said, it takes longer to check a credential that is known). `decode` reads its body, `device` what its caller
    runs on, where the session's is kept up to date. `gate` may turn it away before anything else is looked at. With
    `body_first`, a body that cannot be read is refused before the path is looked at; with `folds_case`, paths are
    found in any case.

    What is answered: `headers` go on every success, whose media type is `media`; `errors` says every no. `for_people`
    makes a page of an answer that a browser shows to somebody.

    Who may: an operation's permission is asked of API keys and, with `accounts_need_permissions`, of the account, too.
    `permissions` are all there are; `key_form` is what API keys look like, if the product has any. A dialect whose
    tokens are signed says how by its settings (`signing`), and `named` what session one of them names, or refuses.
    `password_floor` is the least length of a password that the product asks for itself, for the policy `legacy`.
    `attributes` is what an operator may say of an account for this product alone.

    Where it is: `where` tells people where its clients ask for the address. `at_origin` are paths that clients ask at
    the server's root even when the dialect is mounted below, `document_paths` the product's own addresses of its
    OpenAPI document. `releases` are all that can be spoken, by their names; `release` is the one that settings ask for.

    At a start: `warm_up` makes ready, in small steps, what a first request would wait for. `first_admin` is the call
    that makes the first administrator, with an example of a body, for `dragoman serve` to print.
    """

    name: str
    product: str
    api: type[Api]
    bound: Sequence[Bound]
    present: Callable[[Envelope], Presented | None]
    decode: Callable[[Exchange, bytes], Any]
    errors: Speech
    settings: type[DialectSettings]
    lifetime: Callable[[Any], Lifetime]
    where: str = ""
    credential_headers: Sequence[str] = ()
    password_floor: Callable[[Any], int] = no_floor
    accounts_need_permissions: bool = False
    warm_up: Callable[[], Iterator[None]] = nothing_to_warm_up
    permissions: Sequence[str] = ()
    key_form: KeyForm | None = None
    device: Callable[[Exchange], Device | None] = no_device
    headers: Callable[[Exchange], Sequence[tuple[str, str]]] = no_headers
    media: str = JSON
    gate: Callable[[Exchange, Any, Tools], Passed | Spoken] = open_gate
    for_people: Callable[[Exchange, Spoken], Spoken] = for_programs
    releases: Mapping[str, Release] = field(default_factory=dict)
    release: Callable[[Any], Release] = only_release
    folds_case: bool = False
    body_first: bool = False
    at_origin: Sequence[str] = ()
    document_paths: Sequence[str] = ()
    first_admin: tuple[Operation[Any, Any], Mapping[str, str]] | None = None
    signing: Callable[[Any], Signing] | None = None
    named: Callable[[UnitOfWork, Any, Secret], Named] | None = None
    attributes: type[BaseModel] | None = None


class DialectApp:
    """One dialect, served. An ASGI application in all but its first argument, the `Exchange`."""

    def __init__(
        self,
        dialect: Dialect,
        core: Core,
        settings: DialectSettings,
        *,
        lanes: Lanes,
        max_body: int,
    ) -> None:
        unserved = {o.name for o in dialect.api.operations()} ^ {b.operation.name for b in dialect.bound}
        if unserved:
            raise TypeError(
                f"{dialect.name}: not exactly the operations of the contract are served: {sorted(unserved)}"
            )
        self.dialect = dialect
        self.settings = settings
        self._core = core
        self._lanes = lanes
        self._max_body = max_body
        self.release = dialect.release(settings)
        served = [b for b in dialect.bound if self.release.has(b.operation)]
        self._routes = Routes(served, folds_case=dialect.folds_case)

    async def __call__(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        exchange.release = self.release
        try:
            unread = await self._read(exchange, receive)
            gate = self.dialect.gate(exchange, self.settings, self._core.tools)
            spoken = gate.noted_on(await self._answer(exchange, unread)) if isinstance(gate, Passed) else gate
            spoken = self.dialect.for_people(exchange, spoken)
        except Exception:
            log.exception("crashed", method=exchange.method, path=self._routes.loggable(exchange.path))
            spoken = self.dialect.errors.crashed(exchange)
        await self.say(send, exchange, spoken, begun)

    async def say(self, send: Send, exchange: Exchange, spoken: Spoken, begun: float) -> None:
        """Send an answer to a request that came at `begun`, by `time.perf_counter`, and log it."""
        await send_spoken(send, spoken)
        took = time.perf_counter() - begun
        operation = exchange.operation.name if exchange.operation else None
        traffic.count(self._core.tally, self.dialect.name, operation, spoken.status, took)
        # One line a request, also when it is refused: a crowd that finds the lane full is refused in thousands.
        say, why = (log.info, {}) if exchange.why is None else (log.warning, {"why": exchange.why})
        say(
            "answered",
            method=exchange.method,
            path=self._routes.loggable(exchange.path),
            operation=operation,
            status=spoken.status,
            ms=round(took * 1000, 1),
            **why,
        )

    async def _read(self, exchange: Exchange, receive: Receive) -> Malformed | None:
        """Read the body. Why it could not be: a gate has its say first."""
        try:
            exchange.body = await read_body(exchange, receive, self._max_body)
        except Malformed as malformed:
            return malformed
        return None

    async def _answer(self, exchange: Exchange, unread: Malformed | None) -> Spoken:
        """Route, decode, and answer in the right lane."""
        methods, parameters = self._routes.find(exchange.path)
        bound = methods.get("GET" if exchange.method == "HEAD" else exchange.method)
        exchange.operation = bound.operation if bound else None
        body: Any = None
        problem = unread
        try:
            body = None if unread else self.dialect.decode(exchange, exchange.body)
        except Malformed as malformed:
            problem = malformed
        if problem is not None and (self.dialect.body_first or problem.status == 413):
            return self.dialect.errors.malformed(exchange, problem)
        if bound is None:
            if methods:
                return self.dialect.errors.wrong_method(exchange, sorted(methods))
            return self.dialect.errors.not_found(exchange)
        try:
            return await self._in_lane(self._job(exchange, bound, problem or body, parameters))
        except Refusal as refusal:
            return self.refused(exchange, refusal)
        except ValidationError as invalid:
            return self.dialect.errors.invalid(exchange, bound.operation.takes, invalid)
        except Malformed as malformed:
            return self.dialect.errors.malformed(exchange, malformed)

    def _job(self, exchange: Exchange, bound: Bound, body: Any, parameters: Mapping[str, str]) -> Job:
        """Refuses `NotSignedIn` to whoever holds nothing up, which takes no storage and no turn to know."""
        presented: Presented | None = None
        if bound.operation.access is not Access.PUBLIC:
            presented = self.dialect.present(exchange)
            if presented is None and not bound.operation.access.is_open:
                raise NotSignedIn
        shape: type[BaseModel] = bound.operation.takes
        return Job(
            exchange, bound, presented, lambda: read_ask(shape, exchange, body, parameters, self.release)
        )

    async def _in_lane(self, job: Job) -> Spoken:
        if job.operation.work is Work.NOTHING:
            return self._rendered(job, job.handled(None, Call(job.exchange, self.settings)))
        if job.operation.work is Work.HASHES:
            return await self._lanes.hashing.run(lambda: self._by_core(job))
        if job.operation.work is Work.CALLS_OUT:
            return await self._lanes.outward.run(lambda: self._by_core(job))
        if job.operation.work is Work.GLANCES and self._is_quick(job.presented):
            # Somebody may be in the way, or something have to be written: a thread can wait.
            with suppress(Unavailable):
                return self._in_unit(job, self._core.glance(job.exchange.origin))
        writes = job.operation.work is Work.WRITES
        if writes and self._core.database.is_sqlite:
            return await self._with_others(job)
        return await self._lanes.plain.run(
            lambda: self._in_unit(job, self._core.begin(job.exchange.origin, writes=writes))
        )

    def _is_quick(self, presented: Presented | None) -> bool:
        """Whether to find out who is calling takes less than a hop to a thread: no other machine, no signature."""
        if not self._core.database.is_sqlite:
            return False
        if presented is None or presented.kind != "signed":
            return True
        return self._core.keyring.believed(digest(presented.secret)) is not None

    def _in_unit(self, job: Job, unit: AbstractContextManager[UnitOfWork]) -> Spoken:
        device = self._device(job)
        with unit as uow:
            answer = job.handled(uow, self._call(uow, job, device))
        return self._rendered(job, answer)

    async def _with_others(self, job: Job) -> Spoken:
        device = self._device(job)
        answer = await self._lanes.writing.run(
            self._core, job.exchange.origin, lambda uow: job.handled(uow, self._call(uow, job, device))
        )
        return self._rendered(job, answer)

    def _by_core(self, job: Job) -> Spoken:
        call = Call(job.exchange, self.settings)
        if job.presented is not None:
            device = self._device(job)
            with self._core.begin(job.exchange.origin, writes=False) as uow:
                call = self._call(uow, job, device)
        return self._rendered(job, job.handled(self._core, call))

    def _device(self, job: Job) -> Device | None:
        """What the caller runs on. Found out before a unit begins: a User-Agent not seen before takes its time."""
        has_device = job.presented is not None and job.presented.kind in ("session", "signed")
        return self.dialect.device(job.exchange) if has_device else None

    def _call(self, uow: UnitOfWork, job: Job, device: Device | None) -> Call:
        if job.presented is None:
            return Call(job.exchange, self.settings)
        visitors = job.operation.access in (Access.VISITOR, Access.WELCOME)
        try:
            found = identify(uow, self.named(uow, job.presented), device, visitors=visitors)
            principal = in_words_of(self.release, found)
            job.exchange.origin = uow.origin
        except CredentialRefused:
            if job.operation.access.is_open:
                return Call(job.exchange, self.settings)
            raise
        if job.operation.access is Access.ADMIN:
            principal.require_admin()
        permission = self.release.permission(job.operation)
        if permission is not None:
            principal.require_permission(permission)
            if self.dialect.accounts_need_permissions:
                permissions.require(uow, principal, permission)
        return Call(job.exchange, self.settings, principal)

    def named(self, uow: UnitOfWork, presented: Presented) -> Presented | Named:
        """What is looked up: of a signed token the session that it names. Refuses `SessionRefused`."""
        if presented.kind != "signed" or self.dialect.named is None:
            return presented
        return self.dialect.named(uow, self.settings, presented.secret)

    def _rendered(self, job: Job, answer: Any) -> Spoken:
        own: Sequence[tuple[str, str]] = ()
        if isinstance(answer, Reply):
            answer, own = answer.answer, answer.headers
        headers = (*own, *self.dialect.headers(job.exchange))
        status = self.release.status(job.operation)
        if isinstance(answer, Nothing):
            return Spoken(status, headers=headers)
        return Spoken(status, dumped(self.release, answer), self.dialect.media, headers)

    def refused(self, exchange: Exchange, refusal: Refusal) -> Spoken:
        """What the dialect says of a refusal, and when to come back."""
        spoken = self.dialect.errors.refused(exchange, refusal)
        if isinstance(refusal, Unavailable | UpstreamFailed):
            exchange.why = refusal.why
        if isinstance(refusal, Throttled | Unavailable):
            later = ("retry-after", str(seconds(refusal.retry_after)))
            return Spoken(spoken.status, spoken.body, spoken.media, (*spoken.headers, later))
        return spoken


def in_words_of(release: Release, principal: Principal) -> Principal:
    """The caller, whose key's permissions have the names of the release spoken now.

    A key keeps those it was given, and may be older than the choice of the release.
    """
    key = principal.api_key
    if key is None or not release.permissions:
        return principal
    return replace(principal, api_key=replace(key, permissions=release.spoken(key.permissions)))
