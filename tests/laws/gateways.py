"""A gateway of the tests' own: it asks two nodes on one database whether requests may pass."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import FakeClock, cheap_hasher
from tests.houses import connected
from tests.laws.travel import credential_of, manners_of
from tests.people import somebody
from tests.postgres import fresh_postgres
from tests.running import Running, configured, running

from dragoman import readings
from dragoman.core.accounts import Account
from dragoman.core.work import Core
from dragoman.serving import Dialect

# The machine may be busy with other tests: how long a check waits is the subject of one of them alone.
PATIENT = timedelta(seconds=30)
IDENTITY = ("account", "number", "admin", "actor", "name", "email", "groups")
GATEWAY = {
    "server": {"trusted_proxies": "127.0.0.0/8"},
    "check": {"original_uri": "X-Forwarded-Uri"},
    "master_key": MASTER_KEY,
    "throttle": {"address_free_attempts": 1_000_000},
}


@dataclass
class Gateway:
    """Two nodes, `here` and `there`, that share a database and a clock."""

    here: Running
    there: Running
    line: httpx2.Client
    _names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def core(self) -> Core:
        """The core of the node that is called `here`."""
        return self.here.core

    @property
    def clock(self) -> FakeClock:
        """What both nodes take for the time."""
        return self.here.clock

    def somebody(self, **facts: Any) -> Account:
        """A new account, of nobody else's name."""
        return somebody(self.core, f"somebody-{next(self._names)}@example.org", **facts)

    def shown(self, account: Account, dialect: Dialect) -> Mapping[str, str]:
        """The headers by which a signed-in account shows what it holds."""
        return manners_of(dialect).credentials(credential_of(self.core, account, dialect), None)

    def ask(
        self,
        dialect: Dialect | str,
        headers: Mapping[str, str],
        node: Running | None = None,
        method: str = "GET",
    ) -> httpx2.Response:
        """What a node says to a request with these headers."""
        name = dialect if isinstance(dialect, str) else dialect.name
        return self.line.request(method, f"{(node or self.here).url}/{name}/check", headers=dict(headers))

    def passes(self, dialect: Dialect | str, headers: Mapping[str, str], node: Running | None = None) -> bool:
        """Whether a node lets a request pass; if not, it says 401."""
        status = self.ask(dialect, headers, node).status_code
        assert status in {204, 401}
        return status == 204


def identity(answer: httpx2.Response) -> dict[str, str]:
    """What an answer tells of whose the request is."""
    prefix = "x-dragoman-"
    return {name.removeprefix(prefix): v for name, v in answer.headers.items() if name.startswith(prefix)}


@contextmanager
def gateway(engine: str, folder: Path, template: Path, **told: Any) -> Iterator[Gateway]:
    """Two nodes on a database of an engine."""
    clock = FakeClock()
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(readings, "PATIENCE", PATIENT)
        if engine == "postgresql":
            url = stack.enter_context(fresh_postgres())
        else:
            url = f"sqlite:///{folder}/dragoman.db"
            shutil.copy(template, folder / "dragoman.db")
        settings = configured(url, **{**GATEWAY, **told})
        here, there = (stack.enter_context(running(settings, cheap_hasher(), clock)) for _ in range(2))
        yield Gateway(here, there, stack.enter_context(connected()))
