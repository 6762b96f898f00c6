"""Sessions by the million: what it takes to list an account's, to end one, and to end a hundred thousand.

    python tests/load/scale_sessions.py [--sessions 1000000] [--engine sqlite|postgresql]

Prints a table of milliseconds; `tests/unit/core/test_scale.py` holds the same figures to their bounds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import TypeVar

from sqlalchemy import text
from tests.fakes import cheap_hasher, rules
from tests.postgres import fresh_postgres

from dragoman.core import accounts, sessions, sweep
from dragoman.core.accounts import NewAccount
from dragoman.core.database import Database
from dragoman.core.principals import Presented, Principal, identify
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, Session
from dragoman.core.work import Core, Origin, Tools, UnitOfWork
from dragoman.migrations import bring_up

Result = TypeVar("Result")

ORIGIN = Origin("immich", address="192.0.2.7", network="192.0.2.7", agent="scale", request_id="scale")
OWN = 1_000  # sessions of an account that is looked at
TRIES = 15
MANY = 100_000  # sessions of the account whose sessions are all ended

# The engine makes the rows: a million that travel through a driver would be a test of the driver.
FILL = {
    "sqlite": """
        WITH RECURSIVE made(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < :rows)
        INSERT INTO sessions (id, digest, account_number, dialect, epoch, device, os, address, agent,
                              created_at, seen_at, idle_until, attributes)
        SELECT lower(hex(randomblob(16))), randomblob(32), :account + n % :accounts, 'immich', 0, 'Chrome', 'Linux',
               '192.0.2.7', 'scale', :now - n, :now - n, :idle, '{}' FROM made""",
    "postgresql": """
        INSERT INTO sessions (id, digest, account_number, dialect, epoch, device, os, address, agent,
                              created_at, seen_at, idle_until, attributes)
        SELECT gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), :account + n % :accounts, 'immich', 0,
               'Chrome', 'Linux', '192.0.2.7', 'scale', :now - n * interval '1 microsecond',
               :now - n * interval '1 microsecond', :idle, '{}' FROM generate_series(1, :rows) AS n""",
}


@dataclass(frozen=True)
class Figures:
    """Milliseconds: the best of some accounts', since what else the machine does is not ours.

    `sweeping` is how long 19 of 20 units of the broom's kept other writers waiting at most. Of the sessions that
    `ended` no more than a thousand are counted; `swept` are all of them.
    """

    filling: float
    opening: float
    using: float
    listing: float
    ending_one: float
    ending_many: float
    ended: int
    still_alive: int
    sweeping: float
    swept: int


@contextmanager
def sqlite_core(folder: Path) -> Iterator[Core]:
    """A core on a new SQLite database in a folder."""
    database = Database(f"sqlite:///{folder}/scale.db", connections=2)
    bring_up(database)
    yield Core(database, Tools(cheap_hasher()), rules())
    database.dispose()


@contextmanager
def postgresql_core() -> Iterator[Core]:
    """A core on a new PostgreSQL database."""
    with fresh_postgres() as url:
        database = Database(url, connections=2, in_haste=False)
        yield Core(database, Tools(cheap_hasher()), rules())
        database.dispose()


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


def timed(use: Callable[[], Result]) -> tuple[float, Result]:
    """How many milliseconds it took, and what came of it."""
    began = time.perf_counter()
    result = use()
    return (time.perf_counter() - began) * 1000, result


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
    in_unit(core, lambda uow: sessions.end_one(uow, one.account_number, "immich", one.id), writes=True)


def end_all(core: Core, number: int) -> int:
    """End an account's sessions. How many were counted."""
    return in_unit(core, lambda uow: sessions.end_all(uow, number), writes=True)


def sweep_all(core: Core) -> tuple[int, float]:
    """How many rows of sessions were swept, and for how long 19 of 20 units kept others waiting at most."""
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
    return swept, quantiles(held, n=20)[-1]


def measure(core: Core, total: int) -> Figures:
    """Fill a database with `total` sessions, one account having 100 000, and measure."""
    crowd = max(1, (total - MANY) // OWN)
    numbers = [in_unit(core, partial(add, name=f"user{n}"), writes=True) for n in range(crowd)]
    many = in_unit(core, partial(add, name="many"), writes=True)
    filling, _ = timed(lambda: fill(core, numbers[0], crowd, crowd * OWN))
    fill(core, many, 1, MANY)
    looked_at = numbers[:: max(1, crowd // TRIES)][:TRIES]
    for _ in range(12):  # PostgreSQL's driver prepares what it has seen five times; a server has seen all
        use(core, open_one(core, numbers[-1]))
        end(core, listed(core, numbers[-1])[0])
        end_all(core, numbers[-1])
    opening = [timed(partial(open_one, core, number)) for number in looked_at]
    using = [timed(partial(use, core, secret)) for _, secret in opening]
    listing = [timed(partial(listed, core, number)) for number in looked_at]
    ending = [timed(partial(end, core, found[OWN // 2])) for _, found in listing]
    ending_many, ended = timed(partial(end_all, core, many))
    still_alive = len(listed(core, many))
    swept, sweeping = sweep_all(core)
    return Figures(
        filling=filling,
        opening=min(took for took, _ in opening),
        using=min(took for took, _ in using),
        listing=min(took for took, _ in listing),
        ending_one=min(took for took, _ in ending),
        ending_many=ending_many,
        ended=ended,
        still_alive=still_alive,
        sweeping=sweeping,
        swept=swept,
    )


def main() -> None:
    """Measure on an engine, or on each, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    for engine in [asked.engine] if asked.engine else ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory() as folder:
            core = sqlite_core(Path(folder)) if engine == "sqlite" else postgresql_core()
            with core as made:
                figures = measure(made, asked.sessions)
        print(f"{engine}, {asked.sessions} sessions")
        for name, value in vars(figures).items():
            shown = f"{value:.1f}" if isinstance(value, float) else str(value)
            print(f"  {name.replace('_', ' '):<12} {shown:>10}")


if __name__ == "__main__":
    main()
