"""PostgreSQL, asked so that nobody waits for ever: not for a machine that vanished, nor for one that is frozen.

For PostgreSQL alone: whoever keeps facts in SQLite need not import the driver.
"""

from __future__ import annotations

import select
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from psycopg import Connection, OperationalError, errors
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

if TYPE_CHECKING:
    from psycopg.abc import PQGen
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.engine.interfaces import Dialect as Spoken
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

T = TypeVar("T")

# libpq's parameters (its documentation, section 34.1.2): what a machine that vanished costs whoever asks it.
CONNECTION: Mapping[str, str | int] = {
    "application_name": "dragoman",
    "connect_timeout": 3,  # seconds, for each host that is named
    "target_session_attrs": "read-write",  # a standby, after the roles were changed, is no database of ours
    "tcp_user_timeout": 5000,  # milliseconds that what was sent may stay unacknowledged
    "keepalives_idle": 5,  # seconds of waiting for an answer; then it is asked whether anybody is there
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
# What a session of the server's is told.
SESSION: Mapping[str, str] = {
    "timezone": "UTC",
    "lock_timeout": "2s",  # as long as a writer waits for its turn on SQLite
    "statement_timeout": "5s",
    # A node that is frozen in the middle of a unit must not keep others from what it locked.
    "idle_in_transaction_session_timeout": "30s",
}
# The server ends a statement by itself before that; whoever has heard nothing by then hears nothing at all.
ANSWERS_WITHIN = 8.0  # seconds
QUIET = 1.0  # seconds during which a database that did not even let us in is not asked again


def make_engine(
    url: URL,
    *,
    connections: int,
    pool_timeout: float,
    in_haste: bool,
    isolation_level: Literal["READ COMMITTED", "AUTOCOMMIT"] = "READ COMMITTED",
) -> Engine:
    """An engine whose connections are made, and given up, as this module says. See `Database`."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=pool_timeout,
        hide_parameters=True,  # an exception's text goes to the log
        isolation_level=isolation_level,
        connect_args=connect_args(url, in_haste=in_haste),
    )
    event.listen(engine, "checkout", refuse_lost)
    if in_haste:
        event.listen(engine, "do_connect", Door())
    return engine


def connect_args(url: URL, *, in_haste: bool) -> dict[str, Any]:
    """What libpq is told beside the URL; what stands in the URL's own query wins."""
    session = SESSION if in_haste else {"timezone": SESSION["timezone"]}
    options = [f"-c {name}={value}" for name, value in session.items()]
    own = url.query.get("options", ())
    options += [own] if isinstance(own, str) else own  # of one parameter told twice the last is in force
    told = {name: value for name, value in CONNECTION.items() if name not in url.query}
    return {**told, "options": " ".join(options)}


class Impatient(Connection[Any]):
    """A connection that is given up when the server, or what is between, has said nothing for too long."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = ANSWERS_WITHIN) -> T:
        """What comes of the exchange. An `OperationalError` when nothing does within `timeout` seconds."""
        try:
            return super().wait(gen, interval, timeout)
        except OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # it is still waited for
                self.pgconn.finish()
                raise OperationalError(f"no answer within {timeout} seconds") from None
            raise


class Door:
    """Where connections are made. It stays shut for a moment after nobody answered.

    Else each thread would wait in vain, one request after the other, while the database is away.
    """

    def __init__(self) -> None:
        self._shut_until = 0.0

    def __call__(
        self, _spoken: Spoken, _entry: ConnectionPoolEntry, args: Sequence[Any], named: dict[str, Any]
    ) -> Impatient:
        """A new connection. An `OperationalError` when there is none to be had."""
        if time.monotonic() < self._shut_until:
            raise OperationalError("it did not answer a moment ago")
        try:
            return Impatient.connect(*args, **named)
        except errors.ConnectionTimeout:
            self._shut_until = time.monotonic() + QUIET
            raise


def refuse_lost(
    connection: DBAPIConnection, _entry: ConnectionPoolEntry, _lent: PoolProxiedConnection
) -> None:
    """When a connection is lent: whether the server has hung up since. The pool then makes another in its place.

    An idle connection has nothing to read but its end. To look costs 4 µs; to ask the server, as SQLAlchemy's
    pre-ping does, 40 µs and a round trip.
    """
    driver: Any = connection
    watched = select.poll()
    watched.register(driver.pgconn.socket, select.POLLIN)
    if watched.poll(0):
        raise DisconnectionError("the database has ended this connection")
