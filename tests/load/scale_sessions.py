"""Sessions by the million: what it takes to list an account's, to end one, and to end a hundred thousand.

    python tests/load/scale_sessions.py [--sessions 1000000] [--engine sqlite|postgresql]

What is asked of a few sessions is timed in the core and over HTTP, at a server in a process of its own. What
these processes wait for a processor that others use is not counted. Prints a table of milliseconds; `tests/unit/core/test_scale.py` holds the same figures to their bounds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

# Run as a file Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import text
from tests.conftest import MASTER_KEY
from tests.fakes import cheap_hasher, rules
from tests.load import machine, served
from tests.postgres import fresh_postgres

from dragoman.core import accounts, session_ends, sessions, sweep
from dragoman.core.accounts import NewAccount
from dragoman.core.database import Database
from dragoman.core.principals import Presented, Principal, identify
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, Session
from dragoman.core.work import Core, Origin, Tools, UnitOfWork
from dragoman.migrations import bring_up

Result = TypeVar("Result")
Timings = Mapping[str, Sequence[float]]

ORIGIN = Origin("immich", address="192.0.2.7", network="192.0.2.7", agent="scale", request_id="scale")
OWN = 1_000  # sessions of an account that is looked at
TRIES = 20  # accounts that are looked at
ROUNDS = 4  # the quietest counts: what else the machine does is not ours
WARM = 12  # PostgreSQL's driver prepares what it has seen five times; a server has seen all
MANY = 100_000  # sessions of the account whose sessions are all ended

# The engine makes the rows: a million that travel through a driver would be a test of the driver.
FILL = {
    "sqlite": """
        WITH RECURSIVE made(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < :rows)
        INSERT INTO sessions (id, digest, account_number, dialect, epoch, device, os, address, agent,
                              created_at, seen_at, idle_until, attributes)
        SELECT lower(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || 'a' || substr(hex(randomblob(8)), 2)),
               randomblob(32), :account + n % :accounts, 'immich', 0, 'Chrome',
               'Linux', '192.0.2.7', 'scale', :now - n, :now - n, :idle, '{}' FROM made""",
    "postgresql": """
        INSERT INTO sessions (id, digest, account_number, dialect, epoch, device, os, address, agent,
                              created_at, seen_at, idle_until, attributes)
        SELECT gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), :account + n % :accounts, 'immich', 0,
               'Chrome', 'Linux', '192.0.2.7', 'scale', :now - n * interval '1 microsecond',
               :now - n * interval '1 microsecond', :idle, '{}' FROM generate_series(1, :rows) AS n""",
}


@dataclass(frozen=True)
class Spread:
    """How many milliseconds something took: mostly, in all but one case of twenty, and at most."""

    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, took: Sequence[float]) -> Spread:
        """Of so many times."""
        return cls(median(took), quantiles(took, n=20, method="inclusive")[-1], max(took))

    def __str__(self) -> str:
        return f"{self.p50:8.1f} {self.p95:8.1f} {self.longest:8.1f}"


@dataclass(frozen=True)
class Figures:
    """Milliseconds. Of the sessions that `ended` no more than a thousand are counted; `swept` are all of them.

    `sweeping` is how long units of the broom's kept other writers waiting.
    """

    filling: float
    opening: Spread
    using: Spread
    listing: Spread
    ending_one: Spread
    listing_over_http: Spread
    ending_over_http: Spread
    ending_many: float
    ended: int
    still_alive: int
    sweeping: Spread
    swept: int


@contextmanager
def core_at(url: str) -> Iterator[Core]:
    """A core on a database, which may take its time for a million rows."""
    database = Database(url, connections=2, in_haste=False)
    yield Core(database, Tools(cheap_hasher()), rules())
    database.dispose()


@contextmanager
def sqlite_url() -> Iterator[str]:
    """A new SQLite database."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/scale.db"
        database = Database(url, connections=1)
        bring_up(database)
        database.dispose()
        yield url


def fill(core: Core, first_account: int, accounts_: int, rows: int) -> None:
    """Add rows of sessions, dealt out to so many accounts from the first on, each at an instant of its own."""
    now = core.tools.clock()
    later = now + timedelta(days=90)
    moments: dict[str, object] = {"now": now, "idle": later}
    if core.database.is_sqlite:
        moments = {name: int(each.timestamp() * 1e6) for name, each in (("now", now), ("idle", later))}
    with core.database.writing() as db:
        statement = text(FILL[core.database.engine.dialect.name])
        db.execute(statement, {"account": first_account, "accounts": accounts_, "rows": rows, **moments})
        if not core.database.is_sqlite:
            db.execute(text("ANALYZE sessions"))  # as PostgreSQL does by itself within a minute


def timed(use: Callable[[], Result], *others: int) -> tuple[float, Result]:
    """How many milliseconds it took this process and others, which take turns, and what came of it."""
    before = {process: machine.waits(process) for process in (os.getpid(), *others)}
    began = time.perf_counter()
    result = use()
    took = time.perf_counter() - began
    # Of a process's threads that wait at once, only the one counts that waits longest: else more is left out than was lost.
    lost = sum(
        max((now - waits.get(thread, now) for thread, now in machine.waits(process).items()), default=0)
        for process, waits in before.items()
    )
    return (took - lost) * 1000, result


def backends(core: Core) -> Sequence[int]:
    """The processes of PostgreSQL that serve a core's database."""
    if core.database.is_sqlite:
        return ()
    with core.database.reading() as db:
        return db.scalars(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")).all()


def in_unit(core: Core, use: Callable[[UnitOfWork], Result], *, writes: bool) -> Result:
    """What comes of something in a unit of work of its own."""
    with core.begin(ORIGIN, writes=writes) as uow:
        return use(uow)


def add(uow: UnitOfWork, name: str) -> int:
    """The number of a new account."""
    return accounts.add(uow, NewAccount(username=name), None).number


def open_one(core: Core, number: int) -> Secret:
    """The secret of a new session of an account."""
    return in_unit(core, lambda uow: sessions.open_session(uow, number, Device()), writes=True)[1]


def use(core: Core, secret: Secret) -> Principal:
    """Who is calling with a secret."""
    return in_unit(core, lambda uow: identify(uow, Presented("session", secret)), writes=False)


def listed(core: Core, number: int) -> Sequence[Session]:
    """An account's sessions."""
    return in_unit(core, lambda uow: sessions.owned(uow, number, "immich"), writes=False)


def end(core: Core, one: Session) -> None:
    """End a session."""
    in_unit(core, lambda uow: session_ends.end_one(uow, one.account_number, "immich", one.id), writes=True)


def end_all(core: Core, number: int) -> int:
    """End an account's sessions. How many were counted."""
    return in_unit(core, lambda uow: session_ends.end_all(uow, number), writes=True)


def sweep_all(core: Core) -> tuple[int, Sequence[float]]:
    """How many rows of sessions were swept, and for how long each unit kept other writers waiting."""
    held: list[float] = []
    real = core.begin

    @contextmanager
    def begin(origin: Origin, *, writes: bool, durable: bool = True) -> Iterator[UnitOfWork]:
        began = time.perf_counter()
        with real(origin, writes=writes, durable=durable) as uow:
            yield uow
        held.append((time.perf_counter() - began) * 1000)

    core.begin = begin  # type: ignore[method-assign]
    swept = 0
    while found := sweep.sweep(core, ORIGIN, batch=1000, most_batches=20)["sessions"]:
        swept += found
    return swept, held


def quietest(measured: Callable[[], Timings]) -> dict[str, Spread]:
    """How long each of the timings of a round took, each in its own quietest round."""
    rounds = [{name: Spread.of(took) for name, took in measured().items()} for _ in range(ROUNDS)]
    return {name: min((one[name] for one in rounds), key=lambda spread: spread.p95) for name in rounds[0]}


def in_core(core: Core, numbers: Sequence[int]) -> Timings:
    """What is asked of a few sessions of each account, in the core."""
    others = backends(core)
    opening = [timed(partial(open_one, core, number), *others) for number in numbers]
    using = [timed(partial(use, core, secret), *others) for _, secret in opening]
    listing, ending = [], []
    for number in numbers:
        took, found = timed(partial(listed, core, number), *others)
        listing.append(took)
        ending.append(timed(partial(end, core, found[OWN // 2]), *others)[0])
    return {
        "opening": [took for took, _ in opening],
        "using": [took for took, _ in using],
        "listing": listing,
        "ending_one": ending,
    }


def over_http(core: Core, line: HTTPConnection, server: int, tokens: Sequence[str]) -> Timings:
    """The same as clients ask it of a server, at Immich's addresses: an answer is read to its end."""
    others = (server, *backends(core))
    listing, ending = [], []
    for token in tokens:
        took, found = timed(partial(asked, line, "GET", "/sessions", token, 200), *others)
        of = json.loads(found)[OWN // 2]["id"]
        listing.append(took)
        ending.append(timed(partial(asked, line, "DELETE", f"/sessions/{of}", token, 204), *others)[0])
    return {"listing_over_http": listing, "ending_over_http": ending}


def of_a_few(core: Core, url: str, folder: Path, numbers: Sequence[int]) -> dict[str, Spread]:
    """What is asked of a few sessions of each account, once core and server have been asked before."""
    for _ in range(WARM):
        in_core(core, numbers[:1])
    spread = quietest(partial(in_core, core, numbers))
    tokens = [open_one(core, number).reveal() for number in numbers]
    me, told = "/immich/api/users/me", {"DRAGOMAN_MASTER_KEY": MASTER_KEY}
    with (
        served.serving(url, folder / "server.log", first=me, token=tokens[0], told=told) as server,
        closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as line,
    ):
        for _ in range(WARM):
            over_http(core, line, server.process.pid, tokens[:1])
        return spread | quietest(partial(over_http, core, line, server.process.pid, tokens))


def asked(line: HTTPConnection, method: str, path: str, token: str, status: int) -> bytes:
    """The body of an answer. `RuntimeError` if that has another status."""
    line.request(method, f"/immich/api{path}", headers={"Authorization": f"Bearer {token}"})
    response = line.getresponse()
    body = response.read()
    if response.status != status:
        raise RuntimeError(f"{method} {path}: {response.status}")
    return body


def measure(core: Core, url: str, folder: Path, total: int) -> Figures:
    """Fill a core's database, at `url`, with sessions, 100 000 of them one account's, and measure.

    The log of the server there goes to the folder.
    """
    crowd = max(1, (total - MANY) // OWN)
    numbers = [in_unit(core, partial(add, name=f"user{n}"), writes=True) for n in range(crowd)]
    many = in_unit(core, partial(add, name="many"), writes=True)
    filling, _ = timed(lambda: fill(core, numbers[0], crowd, crowd * OWN))
    fill(core, many, 1, MANY)
    spread = of_a_few(core, url, folder, numbers[:TRIES])
    for _ in range(WARM):
        end_all(core, numbers[-1])
    ending_many, ended = timed(partial(end_all, core, many), *backends(core))
    still_alive = len(listed(core, many))
    swept, held = sweep_all(core)
    return Figures(
        filling=filling,
        **spread,
        ending_many=ending_many,
        ended=ended,
        still_alive=still_alive,
        sweeping=Spread.of(held),
        swept=swept,
    )


def main() -> None:
    """Measure on an engine, or on each, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=ENGINES)
    told = parser.parse_args()
    for engine in [told.engine] if told.engine else ENGINES:
        with ENGINES[engine]() as url, core_at(url) as core, tempfile.TemporaryDirectory() as folder:
            figures = measure(core, url, Path(folder), told.sessions)
        print(f"{engine}, {told.sessions} sessions; load average {os.getloadavg()[0]:.1f}")
        print(f"  {'ms':<18} {'p50':>8} {'p95':>8} {'longest':>8}")
        for name, value in vars(figures).items():
            shown = f"{value:8.1f}" if isinstance(value, float) else f"{value!s:>8}"
            print(f"  {name.replace('_', ' '):<18} {shown}")


ENGINES: Mapping[str, Callable[[], AbstractContextManager[str]]] = {
    "sqlite": sqlite_url,
    "postgresql": fresh_postgres,
}

if __name__ == "__main__":
    main()
