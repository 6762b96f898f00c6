"""`make scale`: what a sign-in, a check by the full path and a list of sessions cost, with few accounts and with many.

    python tests/load/scale.py [--accounts 1000000] [--each 5] [--seconds 2] [--rounds 3]

Two databases are filled, one with a thousand accounts and one with as many as were asked for, each account with
some sessions. A server on each; they take turns. Milliseconds are of processor time of the server: what others do to
the machine meanwhile is not in them. SQLite.
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
from tests.load import checks, generator, machine, served
from tests.load.bench_run import WARM, require_good
from tests.load.generator import Load
from tests.load.served import Prepared, Served

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


@dataclass(frozen=True)
class Filled:
    """A database with so many accounts, each with some sessions, whose secrets are `checks.SECRET` by number."""

    prepared: Prepared
    file: Path
    sessions: int


def fill(folder: Path, accounts: int, each: int, tell: Callable[[int], None]) -> Filled:
    """Make a database in a folder. `tell` is told of rows as they are written."""
    folder.mkdir()
    file = folder / "dragoman.db"
    prepared = served.prepare(f"sqlite:///{file}", PEOPLE)
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        # Nobody uses it yet, and what is lost is made again.
        for pragma in ("synchronous=OFF", "cache_size=-500000", "temp_store=MEMORY"):
            db.execute(f"PRAGMA {pragma}")
        first = db.execute("SELECT min(number) FROM accounts").fetchone()[0]
        for numbers in _batches(first + PEOPLE, first + accounts):
            _add_accounts(db, numbers)
            tell(len(numbers))
        for numbers in _batches(0, accounts * each):
            _add_sessions(db, numbers, first, accounts)
            tell(len(numbers))
        db.execute("ANALYZE")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Filled(prepared, file, accounts * each)


def _batches(start: int, stop: int) -> Iterator[range]:
    return (range(begin, min(begin + BATCH, stop)) for begin in range(start, stop, BATCH))


def _add_accounts(db: sqlite3.Connection, numbers: range) -> None:
    now = time.time_ns() // 1000
    db.execute("BEGIN")
    db.executemany(
        ACCOUNT,
        ((n, uuid.uuid4().hex, f"user-{n}", f"user-{n}@scale.test", now, now) for n in numbers),
    )
    names = ((name, n, kind) for n in numbers for name, kind in _names(n))
    db.executemany(NAME, names)
    db.execute("COMMIT")


def _names(number: int) -> Sequence[tuple[str, str]]:
    return ((f"user-{number}", "username"), (f"user-{number}@scale.test", "email"))


def _add_sessions(db: sqlite3.Connection, numbers: range, first: int, accounts: int) -> None:
    now = time.time_ns() // 1000
    made = (
        (sha256(checks.SECRET.format(n).encode()).digest(), first + n % accounts, now, now, now + A_QUARTER)
        for n in numbers
    )
    db.execute("BEGIN")
    db.executemany(checks.FILL["sqlite"], sorted(made))
    db.execute("COMMIT")


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


def measure(databases: Sequence[Filled], folder: Path, seconds: float, rounds: int) -> list[dict[str, float]]:
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
                )
            )
            for each in databases
        ]
        for _ in range(rounds):
            for server, filled, costs in zip(servers, databases, found, strict=True):
                for name, requests in asked(server, filled, dice).items():
                    costs[name].append(_cost(server, requests, CONNECTIONS[name], seconds))
    return [{name: median(costs) for name, costs in each.items()} for each in found]


def _cost(server: Served, requests: list[str], connections: int, seconds: float) -> float:
    with machine.watching(server.process) as watch:
        tally = generator.run(Load(server.port, requests, connections, seconds, WARM))
    require_good(tally)
    return watch.served / tally.answers * 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, measure, print; how many of the figures grew by more than they may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=FEW, help="accounts of the small database")
    parser.add_argument("--each", type=int, default=5, help="sessions of an account")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the databases are made, and removed again")
    told = parser.parse_args(arguments)
    sizes = (told.few, told.accounts)
    with tempfile.TemporaryDirectory(prefix="dragoman-scale-", dir=told.folder) as folder:
        with Progress(console=Console(stderr=True)) as progress:
            databases = [_filled(progress, Path(folder), size, told.each) for size in sizes]
        few, many = measure(databases, Path(folder), told.seconds, told.rounds)
        heavy = databases[-1].file.stat().st_size / 2**20
    print(f"{'ms of processor time':<24} {sizes[0]:>12,} {sizes[1]:>12,} accounts   ({heavy:,.0f} MiB)")
    grown = {name: many[name] / few[name] for name in CONNECTIONS}
    for name, growth in grown.items():
        verdict = "reached" if growth <= MAY_GROW else "missed"
        print(
            f"{name:<24} {few[name]:>12.2f} {many[name]:>12.2f} {growth:>6.2f} x  (at most {MAY_GROW}) {verdict}"
        )
    return sum(growth > MAY_GROW for growth in grown.values())


def _filled(progress: Progress, folder: Path, accounts: int, each: int) -> Filled:
    task: TaskID = progress.add_task(f"{accounts:,} accounts, {accounts * each:,} sessions", total=None)
    progress.update(task, total=accounts * (each + 1) - PEOPLE)
    return fill(folder / str(accounts), accounts, each, lambda rows: progress.advance(task, rows))


if __name__ == "__main__":
    sys.exit(main())
