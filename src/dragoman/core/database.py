"""Where facts are kept: the engine, one writer at a time on SQLite, and instants that are always UTC.

The rules of storage (docs/decisions/0015-storage.md) live here and nowhere else: which BEGIN a unit
emits, who may write next, and what makes a place unfit for a database.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    Row,
    Select,
    Table,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from dragoman.core.errors import Unavailable

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
    from sqlalchemy.pool import ConnectionPoolEntry

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

WRITES = "dragoman_writes"
FORGETFUL = "dragoman_forgetful"
PATIENCE = timedelta(seconds=2)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# File systems on which SQLite's WAL is not safe: locks or shared memory are not the machine's own.
NETWORK_FILE_SYSTEMS = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gfs",
        "gfs2",
        "ocfs2",
        "beegfs",
        "davfs",
        "ncpfs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.rclone",
        "fuse.davfs2",
    ]
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows only in INTEGER columns


class DatabaseUnfit(Exception):
    """The database cannot be used as configured; the text says why and what would do."""


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond: timestamptz on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is not None and value.tzinfo is None:
            # PostgreSQL would take it for an instant of the connection's own zone.
            raise ValueError("an instant has a time zone")
        if value is None or dialect.name != "sqlite":
            return value
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return EPOCH + timedelta(microseconds=int(value))
        moment: datetime = value.astimezone(UTC)
        return moment


class Bag(TypeDecorator[Any]):
    """A JSON value: JSONB on PostgreSQL, whose part of SQLAlchemy is imported only there."""

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - see above

        return dialect.type_descriptor(JSONB(none_as_null=True))


class Turn:
    """One writer at a time: first come, first served in this process, then by `flock` between processes.

    Waiting for SQLite's own lock instead is a lottery: with 32 writers its p99 was 800 ms against 31 ms
    in a queue, at the same rate.
    """

    def __init__(self, lock_file: Path, patience: timedelta = PATIENCE) -> None:
        self._lock_file = lock_file
        self._patience = patience.total_seconds()
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()
        self._file: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the turn for the body. `Unavailable` when it does not come within the patience."""
        deadline = time.monotonic() + self._patience
        self._take(deadline)
        try:
            self._lock_out_other_processes(deadline)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor(), fcntl.LOCK_UN)
        finally:
            self._pass_on()

    def _take(self, deadline: float) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise Unavailable(retry_after=timedelta(seconds=1), why="too many writers are waiting")
        # The turn was handed to us between the time-out and the guard: it is ours.

    def _pass_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def _lock_out_other_processes(self, deadline: float) -> None:
        pause = 0.0005
        while True:
            try:
                fcntl.flock(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise Unavailable(
                        retry_after=timedelta(seconds=1), why="another process is writing"
                    ) from None
                time.sleep(pause)
                pause = min(pause * 2, 0.008)
            else:
                return

    def _descriptor(self) -> int:
        if self._file is None:
            self._file = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Database:
    """One process's way to the database: `reading()` and `writing()` lend a connection in a transaction.

    `url` is `sqlite:///FILE` or `postgresql+psycopg://…`; `connections` is the size of the pool, of which
    one waits at most a second for (then `sqlalchemy.exc.TimeoutError`).
    """

    def __init__(self, url: str | URL, *, connections: int = 20, pool_timeout: float = 1.0) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turn: Turn | None = None
        if self.is_sqlite:
            file = self.file
            prepare_file(file)
            self._turn = Turn(file.with_name(file.name + ".writer"))
        self.engine = self._make_engine(connections, pool_timeout)
        self._writer = self.engine.execution_options(**{WRITES: True})
        self._forgetful_writer = self.engine.execution_options(**{WRITES: True, FORGETFUL: True})
        self._reader = self.engine
        if not self.is_sqlite:
            # Else each of a reader's statements would see another state; SQLite has it so by itself.
            one_state = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._reader = self.engine.execution_options(**one_state)

    @property
    def file(self) -> Path:
        """The SQLite file."""
        if not self.url.database or self.url.database == ":memory:":
            raise DatabaseUnfit("an SQLite database needs a file: sqlite:///data/dragoman.db")
        return Path(self.url.database)

    def _make_engine(self, connections: int, pool_timeout: float) -> Engine:
        if not self.is_sqlite:
            return create_engine(
                self.url,
                poolclass=QueuePool,
                pool_size=connections,
                max_overflow=0,
                pool_timeout=pool_timeout,
                hide_parameters=True,  # an exception's text goes to the log
                isolation_level="READ COMMITTED",
                connect_args={"connect_timeout": 3, "options": "-c timezone=UTC"},
            )
        engine = create_engine(
            self.url,
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=pool_timeout,
            hide_parameters=True,
            # Connections are lent to one thread at a time; transactions are begun by the event below.
            connect_args={"isolation_level": None, "check_same_thread": False},
        )
        event.listen(engine, "connect", set_up_sqlite)
        event.listen(engine, "begin", begin_sqlite)
        return engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state and cannot write."""
        with self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that may write, committed when the body ends well, rolled back otherwise.

        Not `durable`: everybody sees it and it outlives this process, but until the next durable one it may be
        lost with the power; so SQLite need not wait for the disk.
        """
        with ExitStack() as stack:
            if self._turn is not None:
                # Before the connection: whoever waits for the turn must not hold what others need.
                stack.enter_context(self._turn.taken())
            writer = self._writer if durable else self._forgetful_writer
            yield stack.enter_context(writer.begin())

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        if self._turn is not None:
            self._turn.close()


def insert(db: Connection, table: Table) -> postgresql.Insert:
    """An INSERT that knows ON CONFLICT: both engines spell it alike, SQLAlchemy in two classes."""
    return insert_on(db.dialect.name, table)


def insert_on(engine: str, table: Table) -> postgresql.Insert:
    """`insert` for an engine by its name, to prepare a statement: to build one costs more than to run it."""
    if engine == "sqlite":
        return cast("postgresql.Insert", sqlite.insert(table))
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 20 ms of a start, for PostgreSQL alone

    return postgresql.insert(table)


def set_up_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    _write_ahead(cursor)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",
        f"busy_timeout={int(PATIENCE.total_seconds() * 1000)}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _write_ahead(cursor: DBAPICursor) -> None:
    """Turn WAL on. Of several who open a fresh file at once, SQLite may tell all but one that it is busy, unwaited."""
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
        else:
            return


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite says that somebody else holds a lock: SQLITE_BUSY (5), SQLITE_LOCKED (6), and extended codes."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {5, 6}


def begin_sqlite(connection: Connection) -> None:
    # A reader never becomes a writer: a deferred upgrade fails at once with BUSY_SNAPSHOT.
    options = connection.get_execution_options()
    writes = options.get(WRITES, False)
    # Past SQLAlchemy, which would spend more on these two than SQLite does on the unit.
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute("PRAGMA query_only=OFF" if writes else "PRAGMA query_only=ON")
        if writes:
            driver.execute(
                "PRAGMA synchronous=NORMAL" if options.get(FORGETFUL) else "PRAGMA synchronous=FULL"
            )
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    except sqlite3.Error as error:
        raise OperationalError("BEGIN", None, error) from error


def prepare_file(file: Path) -> None:
    """Make an SQLite file's folder and the file, readable by its owner alone; refuse network file systems."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        kind = file_system_of(file.parent)
        if kind in NETWORK_FILE_SYSTEMS:
            raise DatabaseUnfit(
                f"{file.parent} lies on a network file system ({kind}), where SQLite can lose data: "
                "put the database on a local disk, or use PostgreSQL"
            )
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise DatabaseUnfit(f"the database {file} cannot be opened: {error.strerror}") from error


def file_system_of(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The type of the file system `folder` lies on, or None where the machine does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    where = folder.resolve()
    best, kind = -1, None
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        mount = Path(fields[4].replace("\\040", " "))
        if (where == mount or mount in where.parents) and len(mount.parts) >= best:
            best, kind = len(mount.parts), right.split(" ", 1)[0]
    return kind
