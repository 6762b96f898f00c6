"""One state of a database as one file, taken while it is served; and such a file, opened to be looked at.

SQLite copies itself (its online backup); PostgreSQL is dumped by its own tool, in the transaction that then tells
what the dump holds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import create_engine, func, select
from sqlalchemy.pool import NullPool

from dragoman.core import postgres_tools
from dragoman.core.errors import DatabaseUnfit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dragoman.core.database import Database


class SnapshotDamaged(DatabaseUnfit):
    """SQLite finds faults in the file."""


@contextmanager
def taken(database: Database, into: Path, environ: Mapping[str, str]) -> Iterator[Connection]:
    """Put one state of a database into the new file `into`; a transaction that sees that state."""
    taking = _of_sqlite(database, into) if database.is_sqlite else _of_postgresql(database, into, environ)
    with taking as db:
        yield db


@contextmanager
def _of_sqlite(database: Database, into: Path) -> Iterator[Connection]:
    into.touch(mode=0o600, exist_ok=False)
    source = f"file:{quote(str(database.file))}?mode=ro"
    with closing(sqlite3.connect(source, uri=True)) as served, closing(sqlite3.connect(into)) as copy:
        # All at once: in steps it would begin anew whenever somebody else writes. Nobody waits for it.
        served.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    with opened(into) as db:
        yield db


@contextmanager
def _of_postgresql(database: Database, into: Path, environ: Mapping[str, str]) -> Iterator[Connection]:
    into.touch(mode=0o600, exist_ok=False)
    with database.reading() as db:
        snapshot: str = db.execute(select(func.pg_export_snapshot())).scalar_one()
        postgres_tools.dump(database.url, into, snapshot, environ)
        yield db


@contextmanager
def opened(file: Path) -> Iterator[Connection]:
    """An SQLite file that nobody else has open, to be read. Raises `SnapshotDamaged`."""
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    try:
        with engine.connect() as db:
            faults = db.exec_driver_sql("PRAGMA integrity_check(1)").scalars().all()
            if faults != ["ok"] or db.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise SnapshotDamaged(f"SQLite finds faults in {file}: {faults[0]}")
            yield db
    finally:
        engine.dispose()
