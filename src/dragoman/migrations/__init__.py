"""The schema is brought up to date at start: by one process, in one transaction, the others waiting.

A process whose schema is current, which is nearly every start, reads one row and never imports Alembic.
There is no way down: a backup is the way back. A program starts on a schema newer than its own if that says that it
can: each revision names the oldest program that goes on working, and the newest one's word stands in the database.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from dragoman.core.errors import DatabaseUnfit
from dragoman.core.sqlite import WRITES, begin_sqlite, is_busy, set_up_sqlite

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from dragoman.core.database import Database

HEAD = "0013"  # the newest revision in versions/; a test compares
FOLDER = Path(__file__).parent
PATIENCE = 60.0  # seconds that one process waits for another's migration
UNFINISHED = "unfinished "
ADVISORY_LOCK = int.from_bytes(b"dragoman")  # any number will do that other programs are unlikely to take


class Stamp(NamedTuple):
    """What the database says of its schema."""

    revision: str
    oldest_program: str | None  # the newest revision that this program knows; None: the schema does not say


class SchemaTooNew(DatabaseUnfit):
    """The schema is newer than this program, which cannot work on it."""


class Unfinished(DatabaseUnfit):
    """The database is being filled from another, and not all is there."""


class SchemaBusy(DatabaseUnfit):
    """Another process has been migrating, or holding what a migration needs, for longer than we wait."""


def bring_up(
    database: Database, *, head: str = HEAD, versions: Path = FOLDER / "versions", patience: float = PATIENCE
) -> list[str]:
    """Bring the schema to `head`; the revisions applied, oldest first, which is mostly none.

    All or nothing, in one transaction on both engines. Raises `SchemaTooNew`, `Unfinished` and `SchemaBusy`;
    whatever else a migration raises, the schema is as it was. `versions` is the folder of revisions and `patience`
    in seconds: tests bring their own.
    """
    with database.reading() as db:
        if serves(db, head):
            return []
    migrating = _migrating_sqlite if database.is_sqlite else _migrating_postgresql
    with migrating(database, patience) as db:
        return bring_up_within(db, head=head, versions=versions)


def bring_up_within(db: Connection, *, head: str = HEAD, versions: Path = FOLDER / "versions") -> list[str]:
    """`bring_up` in a transaction that somebody else has begun, of a database that nobody else uses."""
    return [] if serves(db, head) else _upgrade(db, versions)


def revision_of(db: Connection) -> str | None:
    """The revision that the schema is at; None where there is no schema yet."""
    stamp = _stamp(db)
    return None if stamp is None else stamp.revision


def serves(db: Connection, head: str) -> bool:
    """Whether a program whose newest revision is `head` can work on the schema as it is. Raises `Unfinished`."""
    stamp = _stamp(db)
    if stamp is not None and stamp.revision.startswith(UNFINISHED):
        raise Unfinished(
            "the database was not filled to the end: run the same `dragoman db copy` again, which goes on where "
            "it was"
        )
    if stamp is None or stamp.oldest_program is None:
        return stamp is not None and stamp.revision == head
    # Revisions are four digits, so that they are in order as texts. Before `head` there is something to do.
    return stamp.oldest_program <= head <= stamp.revision


def _stamp(db: Connection) -> Stamp | None:
    """The one row of Alembic's table, to which we have added the oldest program that the schema is good for."""
    if not inspect(db).has_table("alembic_version"):
        return None
    row = db.execute(text("SELECT * FROM alembic_version")).mappings().one_or_none()
    return None if row is None else Stamp(row["version_num"], row.get("oldest_program"))


def _name_oldest_program(db: Connection, oldest: str) -> None:
    if "oldest_program" not in {column["name"] for column in inspect(db).get_columns("alembic_version")}:
        db.execute(text("ALTER TABLE alembic_version ADD COLUMN oldest_program VARCHAR(32)"))
    db.execute(text("UPDATE alembic_version SET oldest_program = :oldest"), {"oldest": oldest})


def revision(database: Database) -> str | None:
    """As `revision_of`, in a transaction of its own."""
    with database.reading() as db:
        return revision_of(db)


def unfinished(name: str) -> str:
    """What stands for the revision while the database is filled from the installation `name`.

    No program serves half of what there was: to none is this a revision.
    """
    return f"{UNFINISHED}{name}"


def set_revision(database: Database, revision: str) -> None:
    """Say that the schema, which is current, is at `HEAD` or `unfinished`."""
    with database.writing() as db:
        db.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def _upgrade(db: Connection, versions: Path) -> list[str]:
    # Alembic costs some 100 ms and 10 MB: only a start that migrates pays for them.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    config.attributes["connection"] = db
    script = ScriptDirectory.from_config(config)
    current = revision_of(db)
    ours = [revision.revision for revision in script.walk_revisions()][::-1]
    if current is not None and current not in ours:
        raise SchemaTooNew(
            f"the database is at revision {current}, on which this version of Dragoman cannot work (it knows "
            f"{ours[-1]} and before): run the newer version, or restore a backup made by this one"
        )
    command.upgrade(config, "head")
    _name_oldest_program(db, script.get_revisions("head")[0].module.oldest_program)
    return ours if current is None else ours[ours.index(current) + 1 :]


@contextmanager
def _migrating_sqlite(database: Database, patience: float) -> Iterator[Connection]:
    lock_file = database.file.with_name(database.file.name + ".migrate")
    engine = create_engine(
        database.url,
        poolclass=NullPool,
        connect_args={"isolation_level": None, "check_same_thread": False},
        execution_options={WRITES: True},
    )

    def set_up(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        set_up_sqlite(connection, record)
        # SQLite changes a table by replacing it, and dropping the old one would delete what refers to it.
        # Within a transaction the pragma does nothing. https://sqlite.org/lang_altertable.html#otheralter
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
        cursor.close()

    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", begin_sqlite)
    with _file_locked(lock_file, patience), _transaction(engine) as db:
        yield db
        broken = db.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise DatabaseUnfit(f"the migration would leave rows that refer to nothing: {broken[:5]}")


@contextmanager
def _migrating_postgresql(database: Database, patience: float) -> Iterator[Connection]:
    from dragoman.core.postgresql import connect_args  # noqa: PLC0415 - for PostgreSQL alone

    engine = create_engine(
        database.url,
        poolclass=NullPool,
        isolation_level="READ COMMITTED",
        connect_args=connect_args(database.url, in_haste=False),
    )
    with _transaction(engine) as db:
        # Ends with the transaction, and with the connection of a process that dies; bounds every lock that
        # the migration itself waits for as well.
        db.execute(text("SELECT set_config('lock_timeout', :patience, true)"), {"patience": f"{patience}s"})
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        yield db


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.begin() as db:
            yield db
    except OperationalError as error:
        if is_wait_over(error):
            raise _busy() from error
        raise
    finally:
        engine.dispose()


def is_wait_over(error: OperationalError) -> bool:
    """Whether the database says that somebody else held a lock for too long."""
    lock_not_available = "55P03"  # PostgreSQL
    return getattr(error.orig, "sqlstate", None) == lock_not_available or is_busy(error.orig)


@contextmanager
def _file_locked(file: Path, patience: float) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise _busy() from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _busy() -> SchemaBusy:
    return SchemaBusy(
        "another process is migrating the database, or holding what the migration needs: try later"
    )
