"""Where facts are kept: one process's way to the database, whichever engine that is.

The rules of storage (docs/decisions/0015-storage.md) live here and beside: SQLite's in `sqlite.py`, what
columns are made of in `columns.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy import Connection, Engine, Row, Select, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import QueuePool

from dragoman.core.errors import DatabaseUnfit
from dragoman.core.sqlite import FORGETFUL, WRITES, Turn, begin_sqlite, prepare_file, set_up_sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]


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
