"""`make scale`: what a sign-in, a check by the full path and a list of sessions cost, with few accounts and with many.

    python tests/load/scale.py [--engine sqlite|postgresql] [--accounts 1000000] [--each 5] [--seconds 2] [--rounds 3]

Two databases are filled, one with a thousand accounts and one with as many as were asked for, each account with
some sessions. A server on each; they take turns. Milliseconds are of processor time of the server, and of PostgreSQL:
what others do to the machine meanwhile is not in them.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

# Run as a file, Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.progress import Progress, TaskID
from sqlalchemy import text
from tests.load import checks, engines, generator, machine, served
from tests.load.bench_run import WARM, require_good
from tests.load.engines import ENGINES, TOLD, Engine
from tests.load.generator import Load
from tests.load.served import Prepared, Served

from dragoman.core.database import Database

FEW = 1_000
MAY_GROW = 1.25
BATCH = 20_000
SHOWN = 20_000  # requests that are prepared for a round
PEOPLE = 64  # who sign in
CONNECTIONS = {"sign-in": 8, "who am I": 16, "list of own sessions": 16}
MICROSECONDS = 1_000_000
A_QUARTER = 90 * 86_400 * MICROSECONDS

ACCOUNT = """INSERT INTO accounts (number, id, username, email, display_name, created_at, updated_at, attributes)
             VALUES (?, ?, ?, ?, 'Somebody', ?, ?, '{}')"""
NAME = "INSERT INTO account_names (folded, account_number, kind) VALUES (?, ?, ?)"
ACCOUNTS_AT_ONCE = """
    WITH made AS (
        INSERT INTO accounts (number, id, username, email, display_name, created_at, updated_at, attributes)
        SELECT n, gen_random_uuid(), 'user-' || n, 'user-' || n || '@scale.test', 'Somebody', now(), now(), '{}'
          FROM generate_series(CAST(:first AS int), :last) AS n
        RETURNING number, username, email)
    INSERT INTO account_names (folded, account_number, kind)
    SELECT username, number, 'username' FROM made UNION ALL SELECT email, number, 'email' FROM made"""


@dataclass(frozen=True)
class Filled:
    """A database with so many accounts, each with some sessions, whose secrets are `checks.SECRET` by number."""

    prepared: Prepared
    sessions: int


def fill(url: str, accounts: int, each: int, tell: Callable[[int], None]) -> Filled:
    """Fill a new database. `tell` is told of rows as they are written."""
    prepared = served.prepare(url, PEOPLE, TOLD)
    with closing(OnSQLite(url) if url.startswith("sqlite") else OnPostgreSQL(url)) as rows:
        for numbers in _batches(rows.first + PEOPLE, rows.first + accounts):
            rows.add_accounts(numbers)
            tell(len(numbers))
        for numbers in _batches(0, accounts * each):
            rows.add_sessions(numbers, accounts)
            tell(len(numbers))
        rows.finish()
    return Filled(prepared, accounts * each)


def _batches(start: int, stop: int) -> Iterator[range]:
    return (range(begin, min(begin + BATCH, stop)) for begin in range(start, stop, BATCH))


class OnSQLite:
    """Writes rows to an SQLite file, past Dragoman. `first` is the number of the first account that is there."""

    def __init__(self, url: str) -> None:
        self._db = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        # Nobody uses it yet, and what is lost is made again.
        for pragma in ("synchronous=OFF", "cache_size=-500000", "temp_store=MEMORY"):
            self._db.execute(f"PRAGMA {pragma}")
        self.first: int = self._db.execute("SELECT min(number) FROM accounts").fetchone()[0]

    def add_accounts(self, numbers: range) -> None:
        """Accounts with these numbers."""
        now = time.time_ns() // 1000
        self._db.execute("BEGIN")
        self._db.executemany(
            ACCOUNT,
            ((n, uuid.uuid4().hex, f"user-{n}", f"user-{n}@scale.test", now, now) for n in numbers),
        )
        self._db.executemany(NAME, ((name, n, kind) for n in numbers for name, kind in _names(n)))
        self._db.execute("COMMIT")

    def add_sessions(self, numbers: range, accounts: int) -> None:
        """Sessions with these numbers, dealt out to so many accounts."""
        now = time.time_ns() // 1000
        made = (
            (
                sha256(checks.SECRET.format(n).encode()).digest(),
                self.first + n % accounts,
                now,
                now,
                now + A_QUARTER,
            )
            for n in numbers
        )
        self._db.execute("BEGIN")
        self._db.executemany(checks.FILL["sqlite"], sorted(made))
        self._db.execute("COMMIT")

    def finish(self) -> None:
        """Count what is there, as a database that has been served for long."""
        self._db.execute("ANALYZE")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _names(number: int) -> Sequence[tuple[str, str]]:
    return ((f"user-{number}", "username"), (f"user-{number}@scale.test", "email"))


class OnPostgreSQL:
    """The same to PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._database = Database(url, connections=1, in_haste=False)
        with self._database.reading() as db:
            self.first: int = db.scalar(text("SELECT min(number) FROM accounts")) or 0

    def add_accounts(self, numbers: range) -> None:
        """Accounts with these numbers."""
        self._add(ACCOUNTS_AT_ONCE, numbers, {})

    def add_sessions(self, numbers: range, accounts: int) -> None:
        """Sessions with these numbers, dealt out to so many accounts."""
        self._add(checks.FILL["postgresql"], numbers, {"account": self.first, "accounts": accounts})

    def _add(self, statement: str, numbers: range, more: Mapping[str, int]) -> None:
        with self._database.writing() as db:
            db.execute(text(statement), {"first": numbers[0], "last": numbers[-1], **more})

    def finish(self) -> None:
        """Tidy up and count, as it does by itself before long."""
        alone = self._database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with alone.connect() as db:
            db.execute(text("VACUUM ANALYZE"))
            db.execute(text("CHECKPOINT"))

    def close(self) -> None:
        """Hang up."""
        self._database.dispose()


def asked(server: Served, filled: Filled, dice: random.Random) -> Mapping[str, list[str]]:
    """The requests of a round: people sign in, and sessions that are drawn from all are used."""
    port = server.port
    drawn = dice.sample(range(filled.sessions), min(filled.sessions, SHOWN))
    tokens = [checks.SECRET.format(number) for number in drawn]
    listing = "/immich/api/sessions"
    return {
        "sign-in": [served.login(port, email) for email in filled.prepared.emails],
        "who am I": [served.me(port, token) for token in tokens],
        "list of own sessions": [served.me(port, token, listing) for token in tokens],
    }


def measure(
    engine: Engine, databases: Sequence[Filled], folder: Path, seconds: float, rounds: int
) -> list[dict[str, float]]:
    """Milliseconds of processor time of each request on each database: medians of rounds that take turns."""
    dice = random.Random(7)
    found: list[dict[str, list[float]]] = [{name: [] for name in CONNECTIONS} for _ in databases]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                served.serving(
                    each.prepared.url,
                    folder / "server.log",
                    first="/immich/api/users/me",
                    token=each.prepared.tokens[0],
                    told=TOLD,
                )
            )
            for each in databases
        ]
        for _ in range(rounds):
            for server, filled, costs in zip(servers, databases, found, strict=True):
                for name, requests in asked(server, filled, dice).items():
                    costs[name].append(_cost(engine, server, requests, CONNECTIONS[name], seconds))
    return [{name: median(costs) for name, costs in each.items()} for each in found]


def _cost(engine: Engine, server: Served, requests: list[str], connections: int, seconds: float) -> float:
    before = engine.spent()
    with machine.watching(server.process) as watch:
        tally = generator.run(Load(server.port, requests, connections, seconds, WARM))
    require_good(tally)
    return (watch.served + engine.spent() - before) / tally.answers * 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, measure, print; how many of the figures grew by more than they may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=FEW, help="accounts of the small database")
    parser.add_argument("--each", type=int, default=5, help="sessions of an account")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the databases are made, and removed again")
    told = parser.parse_args(arguments)
    sizes = (told.few, told.accounts)
    with (
        tempfile.TemporaryDirectory(prefix="dragoman-scale-", dir=told.folder) as made,
        engines.started(told.engine, Path(made)) as engine,
    ):
        begun = time.monotonic()
        with Progress(console=Console(stderr=True)) as progress:
            databases = [_filled(progress, engine, size, told.each) for size in sizes]
        filled = time.monotonic() - begun
        few, many = measure(engine, databases, Path(made), told.seconds, told.rounds)
        heavy = engine.size(databases[-1].prepared.url) / 2**20
    print(f"{told.engine}, filled in {filled:.0f} s, measured in {time.monotonic() - begun - filled:.0f} s")
    print(f"{'ms of processor time':<24} {sizes[0]:>12,} {sizes[1]:>12,} accounts   ({heavy:,.0f} MiB)")
    grown = {name: many[name] / few[name] for name in CONNECTIONS}
    for name, growth in grown.items():
        verdict = "reached" if growth <= MAY_GROW else "missed"
        print(
            f"{name:<24} {few[name]:>12.2f} {many[name]:>12.2f} {growth:>6.2f} x  (at most {MAY_GROW}) {verdict}"
        )
    return sum(growth > MAY_GROW for growth in grown.values())


def _filled(progress: Progress, engine: Engine, accounts: int, each: int) -> Filled:
    task: TaskID = progress.add_task(f"{accounts:,} accounts, {accounts * each:,} sessions", total=None)
    progress.update(task, total=accounts * (each + 1) - PEOPLE)
    return fill(engine.new(f"with_{accounts}"), accounts, each, lambda rows: progress.advance(task, rows))


if __name__ == "__main__":
    sys.exit(main())
