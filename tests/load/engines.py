"""Databases for the instruments that take long: SQLite files, or those of a PostgreSQL of their own that loses nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url, text
from tests.conftest import MASTER_KEY
from tests.load import machine
from tests.postgres import Server

from dragoman.core.database import Database

ENGINES = ("sqlite", "postgresql")
# What a PostgreSQL of the tests is told otherwise. It is vacuumed by hand, so that no worker's time is in what is measured.
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}
TOLD = {"DRAGOMAN_MASTER_KEY": MASTER_KEY}  # what a server on either engine is told


class Engine(Protocol):
    """Makes databases, and says what they take."""

    def new(self, name: str) -> str:
        """The URL of a database that does not exist yet, or is empty."""

    def spent(self) -> float:
        """Seconds of processor time of processes of the database's own."""

    def size(self, url: str) -> int:
        """Bytes of a database on the disk."""


class SQLite:
    """Files in a folder, in the processes of whoever opens them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self, name: str) -> str:
        """A file in a folder of its own."""
        (self._folder / name).mkdir()
        return f"sqlite:///{self._folder / name}/dragoman.db"

    def spent(self) -> float:
        """None."""
        return 0.0

    def size(self, url: str) -> int:
        """The file's."""
        return Path(url.removeprefix("sqlite:///")).stat().st_size


class PostgreSQL:
    """Databases of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def new(self, name: str) -> str:
        """An empty database."""
        self._server.execute(f'CREATE DATABASE "{name}"')
        return self._server.url(name).replace("+psycopg", "")

    def spent(self) -> float:
        """The server's and its connections', as long as these are open."""
        return machine.spent_below(self._server.pid)

    def size(self, url: str) -> int:
        """What it says itself."""
        database = Database(url, connections=1)
        with database.reading() as db:
            size: int = db.scalar(text("SELECT pg_database_size(:name)"), {"name": make_url(url).database})
        database.dispose()
        return size


@contextmanager
def started(engine: str, folder: Path) -> Iterator[Engine]:
    """An engine, whose files are removed afterwards: SQLite's with the folder, PostgreSQL's at once."""
    if engine == "sqlite":
        yield SQLite(folder)
        return
    # Not in the folder: PostgreSQL is not run by root, whose folders others may not enter.
    own = Path(tempfile.mkdtemp(prefix="dragoman-postgresql-"))
    try:
        server = Server(own, **DURABLE)
        try:
            yield PostgreSQL(server)
        finally:
            server.stop()
    finally:
        shutil.rmtree(own, ignore_errors=True)
