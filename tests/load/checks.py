"""The gateways' check beside a bare server: warm, and when every request shows another of a million sessions.

    python tests/load/checks.py [--seconds 2] [--rounds 5] [--sessions 1000000] [--engine sqlite|postgresql]

Bare and ours take turns, round by round.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

# Run as a file, Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

import psutil
from sqlalchemy import text
from tests.conftest import MASTER_KEY
from tests.load import generator, machine, served
from tests.load.generator import Load, Tally
from tests.load.served import Served
from tests.postgres import fresh_postgres

from dragoman.core.database import Database

CONNECTIONS = 32
WARM = 0.5
SETTLING = 3.0  # seconds after the start in which a server makes ready what first requests would wait for
BARE = Path(__file__).with_name("bare.py")
# The secrets of the sessions that are made: a number, which both the engine and the generator can count up to.
SECRET = "bench-session-{:09d}"
SHOWN = 60_000  # requests that are prepared for a round

FILL = {
    "sqlite": """
        INSERT INTO sessions (id, digest, account_number, dialect, epoch, device, os, address, agent,
                              created_at, seen_at, idle_until, attributes)
        VALUES (lower(hex(randomblob(16))), ?, ?, 'immich', 0, 'bench', 'Linux', '127.0.0.1', 'bench', ?, ?, ?, '{}')""",
    "postgresql": """
        INSERT INTO sessions (id, digest, account_number, dialect, epoch, device, os, address, agent,
                              created_at, seen_at, idle_until, attributes)
        SELECT gen_random_uuid(), sha256(('bench-session-' || lpad(n::text, 9, '0'))::bytea), :account + n % :accounts,
               'immich', 0, 'bench', 'Linux', '127.0.0.1', 'bench', now(), now(), now() + interval '90 days', '{}'
        FROM generate_series(CAST(:first AS int), :last) AS n""",
}


@dataclass(frozen=True)
class Round:
    """One round of one server: answers per second, processor time of each in microseconds, milliseconds of p99."""

    per_second: float
    cpu: float
    p99: float


def check(port: int, token: str) -> str:
    """A check as an HTTP message: with what browsers and gateways send along."""
    return (
        f"GET /immich/check HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bench\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )


@contextmanager
def bare_server(tokens: list[str], log: Path) -> Iterator[Served]:
    """The bare server in a process of its own."""
    port = served.free_port()
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, str(BARE), str(port)], stdin=subprocess.PIPE, stdout=said, stderr=said
        )
    try:
        assert process.stdin is not None
        process.stdin.write("\n".join(tokens).encode())
        process.stdin.close()
        begun = time.perf_counter()
        while not served.answers(port, "/", tokens[0]):
            time.sleep(0.01)
        yield Served(port, psutil.Process(process.pid), time.perf_counter() - begun)
    finally:
        process.terminate()
        process.wait()


def measured(server: Served, requests: list[str], seconds: float) -> Round:
    """A round of requests, all of which must succeed."""
    with machine.watching(server.process) as watch:
        tally = generator.run(Load(server.port, requests, CONNECTIONS, seconds, WARM))
    require_good(tally)
    return Round(tally.per_second, watch.served / tally.answers * 1e6, tally.p99)


def require_good(tally: Tally) -> None:
    """A server that refuses or breaks off is quick, and its figures say nothing.

    Of a hundred, one may be told to come later: PostgreSQL has a quarter of a second to say whose a session is.
    """
    answered = {"200", "204", "503"}
    if tally.lost or set(tally.statuses) - answered or tally.refused > tally.good / 100:
        raise SystemExit(f"not the answers that were expected: {tally.statuses}, {tally.lost} lost")


def fill(url: str, rows: int) -> None:
    """Add so many sessions, dealt out to the accounts that there are, whose secrets are `SECRET` by number."""
    database = Database(url, connections=1, in_haste=False)
    with database.writing() as db:
        people = db.execute(text("SELECT min(number), count(*) FROM accounts")).one()
        if database.is_sqlite:
            now = time.time_ns() // 1000
            later = now + 90 * 86_400 * 1_000_000
            made = (
                (sha256(SECRET.format(n).encode()).digest(), people[0] + n % people[1], now, now, later)
                for n in range(rows)
            )
            db.connection.dbapi_connection.executemany(FILL["sqlite"], made)  # type: ignore[union-attr]
        else:
            db.execute(
                text(FILL["postgresql"]),
                {"account": people[0], "accounts": people[1], "first": 0, "last": rows - 1},
            )
            db.execute(text("ANALYZE sessions"))  # as PostgreSQL does by itself within a minute
    database.dispose()


def warm(server: Served, bare: Served, tokens: list[str], seconds: float, rounds: int) -> Mapping[str, float]:
    """Sessions that are known, ours and the bare server's in turn: medians, and the medians of their ratios."""
    time.sleep(SETTLING)
    ours, theirs = [check(server.port, each) for each in tokens], [check(bare.port, each) for each in tokens]
    pairs = [(measured(bare, theirs, seconds), measured(server, ours, seconds)) for _ in range(rounds)]
    return {
        "check": median(own.per_second for _, own in pairs),
        "check_bare": median(least.per_second for least, _ in pairs),
        "check_ratio": median(own.per_second / least.per_second for least, own in pairs),
        "check_cpu": median(own.cpu for _, own in pairs),
        "check_bare_cpu": median(least.cpu for least, _ in pairs),
        "check_cpu_ratio": median(least.cpu / own.cpu for least, own in pairs),
        "check_p99": median(own.p99 for _, own in pairs),
        "check_p99_ratio": median(own.p99 / least.p99 for least, own in pairs),
    }


def cold(server: Served, rows: int, seconds: float, rounds: int) -> Mapping[str, float]:
    """Every request shows another session of so many, none of them twice within a round."""
    dice = random.Random(7)
    done = []
    for _ in range(rounds):
        shown = dice.sample(range(rows), min(rows, SHOWN))
        requests = [check(server.port, SECRET.format(number)) for number in shown]
        done.append(measured(server, requests, seconds))
    return {
        "check_any": median(each.per_second for each in done),
        "check_any_cpu": median(each.cpu for each in done),
        "check_any_p99": median(each.p99 for each in done),
    }


def measure(folder: Path, *, engine: str, rows: int, seconds: float, rounds: int) -> Mapping[str, float]:
    """All figures on one engine, with everything it needs in `folder`."""
    log = folder / "server.log"
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/dragoman.db"
        if engine == "postgresql":
            url = stack.enter_context(fresh_postgres())
        told = {"DRAGOMAN_MASTER_KEY": MASTER_KEY}
        prepared = served.prepare(url, 64, told)
        fill(url, rows)
        tokens = list(prepared.tokens)
        serving = served.serving(url, log, first="/immich/api/users/me", token=tokens[0], told=told)
        server = stack.enter_context(serving)
        bare = stack.enter_context(bare_server(tokens, log))
        found = {**warm(server, bare, tokens, seconds, rounds), **cold(server, rows, seconds, rounds)}
        return {**found, "check_memory": machine.resident(server.process)}


def main() -> None:
    """Measure on an engine, or on each, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"])
    told = parser.parse_args()
    for engine in [told.engine] if told.engine else ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory(prefix="dragoman-checks-") as folder:
            found = measure(
                Path(folder), engine=engine, rows=told.sessions, seconds=told.seconds, rounds=told.rounds
            )
        print(f"{engine}, {told.sessions} sessions")
        for name, value in found.items():
            print(f"  {name.replace('_', ' '):<18} {value:>12,.2f}")


if __name__ == "__main__":
    main()
