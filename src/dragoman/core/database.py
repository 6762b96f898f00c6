"""Where facts are kept: one process's way to the database, whichever engine that is.

The rules of storage (docs/decisions/0015-storage.md) live here and beside: each engine's own in `sqlite.py`
and `postgresql.py`, what columns are made of in `columns.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from sqlalchemy import Connection, Engine, Row, Select, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from dragoman.core.errors import DatabaseUnfit, Unavailable
from dragoman.core.sqlite import (
    WRITES,
    Glances,
    Turn,
    identity_of,
    is_read_only,
    make_sqlite_engine,
    make_writer,
    prepare_file,
)

if TYPE_CHECKING:
    from sqlalchemy import QueuePool
    from sqlalchemy.dialects import postgresql

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]


class Database:
    """One process's way to the database: `reading()` and `writing()` lend a connection in a transaction.

    `url` is `sqlite:///FILE` or `postgresql+psycopg://…`; `connections` is the size of the pool, of which
    one waits at most a second for (then `sqlalchemy.exc.TimeoutError`); `glances` is how many more are for
    `glancing()` alone, on PostgreSQL. `in_haste`: a statement that takes seconds
    is given up on PostgreSQL; not so for jobs that fill tables.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        connections: int = 20,
        glances: int = 1,
        pool_timeout: float = 1.0,
        in_haste: bool = True,
    ) -> None:
        self.url = make_url(url)
        self.connections = connections
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._turn: Turn | None = None
        self._opened: tuple[Path, tuple[int, int]] | None = None
        if self.is_sqlite:
            file = self.file
            prepare_file(file)
            self._opened = (file, identity_of(file))
            self._turn = Turn(file.with_name(file.name + ".writer"))
            self._glances: Glances | Engine = Glances(self.url)
            self.engine = make_sqlite_engine(self.url, connections=connections, pool_timeout=pool_timeout)
        else:
            from dragoman.core.postgresql import make_engine  # noqa: PLC0415 - the driver, for PostgreSQL alone

            made = partial(make_engine, self.url, pool_timeout=pool_timeout, in_haste=in_haste)
            self.engine = made(connections=connections)
            # Of their own: to make a connection of the others' so, and not so again, costs as much as to ask.
            self._glances = made(connections=glances, isolation_level="AUTOCOMMIT")
        self._writer = self.engine.execution_options(**{WRITES: True})
        self._kept: dict[
            bool, Connection
        ] = {}  # who has the turn writes through one of these: durably, or not
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

    @property
    def connections_in_use(self) -> int:
        """How many connections are lent now."""
        return cast("QueuePool", self.engine.pool).checkedout()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state and cannot write."""
        self._see_to_the_file()
        with self._reader.begin() as connection:
            yield connection

    def glancing(self) -> AbstractContextManager[Connection]:
        """For single statements that read, with as little around them as there can be.

        On SQLite, which needs no other machine, it waits for nobody, and is for one thread alone. On PostgreSQL each
        statement is a transaction of its own: to begin and to end one would be two more ways there and back.
        """
        self._see_to_the_file()
        return self._glances.connect() if isinstance(self._glances, Engine) else self._glances.begun()

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Connection]:
        """A transaction that may write, committed when the body ends well, rolled back otherwise.

        Not `durable`: everybody sees it and it outlives this process, but until the next durable one it may be
        lost with the power; so SQLite need not wait for the disk.
        """
        if self._turn is None:
            with self._writer.begin() as connection:
                yield connection
            return
        self._see_to_the_file()
        # Before the connection: whoever waits for the turn must not hold what others need.
        with self._turn.taken():
            connection = self._kept_for_writing(durable=durable)
            try:
                with connection.begin():
                    yield connection
            except DBAPIError as error:
                del self._kept[durable]  # in which state it is, nobody knows: the next writer opens another
                connection.close()
                if is_read_only(error.orig):
                    # What was opened while the disk took no writes never will write, not even when the disk does.
                    self.engine.dispose()
                raise

    def _see_to_the_file(self) -> None:
        """Refuse `Unavailable` while the SQLite file is not where it was.

        Open connections would write to it wherever it is now, and what they write would be lost with it.
        """
        if self._opened is not None and identity_of(self._opened[0]) != self._opened[1]:
            raise Unavailable(
                retry_after=timedelta(seconds=60),
                why=f"{self._opened[0]} is another file than the one that was opened: start anew to use it",
            )

    def _kept_for_writing(self, *, durable: bool) -> Connection:
        """The connection that writes, outside the pool. Only whoever has the turn may ask for it.

        To make a reader of a connection, or a writer again, makes SQLite forget every statement it has prepared,
        and to prepare one takes several times as long as to run it.
        """
        kept = self._kept.get(durable)
        if kept is None:
            kept = self._writer.connect()
            kept.detach()
            make_writer(kept, durable=durable)
            self._kept[durable] = kept
        return kept

    def dispose(self) -> None:
        """Close every connection."""
        while self._kept:
            self._kept.popitem()[1].close()
        self.engine.dispose()
        self._glances.dispose()
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
