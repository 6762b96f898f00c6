"""What one request costs PostgreSQL: its own processor time, the journal it writes, and round trips.

    python tests/load/database_costs.py [--requests 2000] [--sessions 1000000]

How many requests a second one server carries follows from it: a core-second by the time of one. The server of the
tests is used, with the settings of one that must lose nothing; requests come over HTTP, one after the other.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

# Run as a file Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

import httpx2
import psycopg
from sqlalchemy import event, text
from tests.conftest import MASTER_KEY
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.houses import connected
from tests.load import machine
from tests.load.engines import DURABLE
from tests.load.scale_sessions import fill
from tests.people import somebody
from tests.postgres import Server
from tests.running import Running, configured, running

from dragoman.core.database import Database
from dragoman.core.work import Core

WARM = 50  # requests before what is counted: by then each statement is prepared
ACCOUNTS = 100


@dataclass(frozen=True)
class Cost:
    """Of one request: milliseconds of the server's processors, bytes of its journal, round trips; its own duration."""

    name: str
    processor: float
    journal: float
    trips: float
    took: float

    def __str__(self) -> str:
        return (
            f"{self.name:<28}{self.processor:>10.2f}{self.journal:>10.0f}{self.trips:>8.1f}{self.took:>10.2f}"
            f"{1000 / self.processor:>14.0f}"
        )


HEAD = f"{'':<28}{'ms of CPU':>10}{'journal':>10}{'trips':>8}{'ms taken':>10}{'/s and core':>14}"


class Meter:
    """Reads what a server has spent so far."""

    def __init__(self, server: Server, core: Core) -> None:
        self._server = server
        self._core = core
        self.trips = 0
        event.listen(core.database.engine, "begin", self._count_unit)
        self._execute: Any = psycopg.Cursor.execute

    def _count_unit(self, _connection: object) -> None:
        self.trips += 2  # its BEGIN and its COMMIT

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count every statement as well, also those that go past SQLAlchemy."""

        def counted(cursor: Any, *args: Any, **named: Any) -> Any:
            self.trips += 1
            return self._execute(cursor, *args, **named)

        with patch.object(psycopg.Cursor, "execute", counted):
            yield

    def processor(self) -> float:
        """Milliseconds that its processes have run, so long as they live."""
        return machine.spent_below(self._server.pid) * 1000

    def journal(self) -> int:
        """Bytes of journal that it has written."""
        with self._core.database.reading() as db:
            written: int = db.scalar(text("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))
        return int(written)

    def cost(self, name: str, request: Callable[[], object], times: int) -> Cost:
        """What a request costs, on the average of so many."""
        for _ in range(WARM):
            request()
        journal, processor, self.trips = self.journal(), self.processor(), 0
        begun = time.perf_counter()
        with self.counting():
            for _ in range(times):
                request()
        took = (time.perf_counter() - begun) * 1000
        trips, processor = self.trips, self.processor() - processor
        return Cost(name, processor / times, (self.journal() - journal) / times, trips / times, took / times)


class Now(FakeClock):
    """The time as it is, where a test's own is asked for: so that the journal is what it would be."""

    def __call__(self) -> datetime:
        """Now."""
        return datetime.now(UTC)


@contextmanager
def served(sessions: int) -> Iterator[tuple[Server, Running]]:
    """A server with a database of so many sessions, both gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="dragoman-costs-"))
    server = Server(folder, **{**DURABLE, "autovacuum": "on"})
    try:
        url = server.url(server.migrated)
        roomy = {"address_free_attempts": 1_000_000}
        settings = configured(url, master_key=MASTER_KEY, throttle=roomy, log={"level": "error"})
        with running(settings, cheap_hasher(), Now()) as node:
            numbers = [
                somebody(node.core, f"filler{n}@example.org", password=None).number for n in range(ACCOUNTS)
            ]
            database = Database(url, connections=1, in_haste=False)
            fill(Core(database, node.core.tools, node.core.rules), numbers[0], ACCOUNTS, sessions)
            database.dispose()
            yield server, node
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Caller:
    """Somebody who signs in, asks who they are and refreshes, over a kept connection."""

    def __init__(self, node: Running, line: httpx2.Client) -> None:
        self._line = line
        self._url = node.url
        somebody(node.core)
        self._login = {"email": "alice@example.org", "password": PASSWORD}
        self._held = {"authorization": f"Bearer {self._sign_in_at_immich()['accessToken']}"}
        self._pair = self._asked("POST", "/aivo/auth/v1/login", json=self._login)

    def _asked(self, method: str, path: str, **named: Any) -> Any:
        answer = self._line.request(method, f"{self._url}{path}", **named)
        answer.raise_for_status()
        return answer.json()

    def _sign_in_at_immich(self) -> Any:
        return self._asked("POST", "/immich/api/auth/login", json=self._login)

    def operations(self) -> dict[str, Callable[[], object]]:
        """What is measured, by name."""
        return {
            "session checked (Immich)": self._who,
            "sign-in (Immich)": self._sign_in_at_immich,
            "refresh (Aivo)": self._refresh,
            "token checked (Aivo)": self._who_at_aivo,
        }

    def _who(self) -> object:
        return self._asked("GET", "/immich/api/users/me", headers=self._held)

    def _who_at_aivo(self) -> object:
        held = {"authorization": f"Bearer {self._pair['accessToken']}"}
        return self._asked("GET", "/aivo/auth/v1/me", headers=held)

    def _refresh(self) -> object:
        body = {"refreshToken": self._pair["refreshToken"]}
        self._pair = self._asked("POST", "/aivo/auth/v1/refresh", json=body)
        return self._pair


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    told = parser.parse_args()
    with served(told.sessions) as (server, node), connected() as line:
        caller, meter = Caller(node, line), Meter(server, node.core)
        print(HEAD)
        for name, request in caller.operations().items():
            print(meter.cost(name, request, told.requests), flush=True)


if __name__ == "__main__":
    main()
