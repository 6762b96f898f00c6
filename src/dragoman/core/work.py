"""One request's transaction, instant and tools.

    with core.begin(origin, writes=True) as uow:
        answer = use_case(uow, …)

Leaving the body normally commits. A `Refusal` rolls everything back and then writes only its evidence;
an accident writes nothing. A database that cannot answer is `Unavailable`, never a no.
"""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dragoman.core.changes import Changes
from dragoman.core.errors import Refusal, Unavailable
from dragoman.core.keys import Keyring
from dragoman.core.last_seen import LastSeen
from dragoman.core.tally import Tally
from dragoman.core.web import Web, nowhere

if TYPE_CHECKING:
    from dragoman.core.database import Database
    from dragoman.core.mail import Mailer
    from dragoman.core.passwords import Hasher
    from dragoman.core.rules import Rules
    from dragoman.core.sealing import Sealer

Clock = Callable[[], datetime]
Dice = Callable[[int], bytes]


def system_clock() -> datetime:
    """Now, in UTC. The one place that looks at the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Tools:
    """What the core needs of the world. `app.py` builds the real ones, tests their own."""

    hasher: Hasher
    clock: Clock = system_clock
    dice: Dice = os.urandom
    monotonic: Callable[[], float] = time.monotonic
    sealer: Sealer | None = None  # None: this core neither seals nor opens
    web: Web = nowhere
    mailer: Mailer | None = None  # None: mail waits in the outbox until an operator reads it there


@dataclass(frozen=True)
class Acting:
    """Somebody acts as somebody else: the numbers of both accounts (RFC 8693 §4.1: `act` and `sub`)."""

    actor: int
    subject: int


@dataclass(frozen=True)
class Origin:
    """Where a request came from: for the audit log and the throttle, never for deciding who one is.

    `acting` is found out with the caller, so that both names are in every line that the request leaves.
    """

    dialect: str
    address: str = ""
    network: str = ""
    agent: str = ""
    request_id: str = ""
    acting: Acting | None = None


@dataclass
class UnitOfWork:
    """One transaction (`db`), one instant (`now`), and what may be used meanwhile (`tools`, `rules`)."""

    db: Connection
    now: datetime
    tools: Tools
    rules: Rules
    origin: Origin
    seen: LastSeen = field(default_factory=LastSeen)
    keyring: Keyring = field(default_factory=Keyring)
    writes: bool = True
    glances: bool = False
    kept: list[Executable] = field(default_factory=list)
    following: list[Executable] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    began: datetime | None = None  # when this process did; None: it is not known

    @property
    def sealer(self) -> Sealer:
        """What seals here, and opens."""
        if self.tools.sealer is None:
            raise RuntimeError("this core was built without a master key: it cannot seal")
        return self.tools.sealer

    def acts(self, acting: Acting) -> None:
        """The caller acts as somebody else: both names are in what is on record from here on."""
        self.origin = replace(self.origin, acting=acting)

    def touches(self, *accounts: int) -> None:
        """Something of these accounts, by their numbers, is otherwise once this unit is written.

        What this process knew of their credentials is then not believed any more (core/changes.py). Whatever is
        on record of an account touches it by that; `EVERYBODY` there is for what is not of single accounts.
        """
        self.touched.update(accounts)

    def evidence(self, *statements: Executable) -> None:
        """Note what must outlive a refusal: idempotent statements, written after the rollback."""
        self._require_time()
        self.kept += statements

    def afterwards(self, statement: Executable) -> None:
        """Write an idempotent statement with this unit or right after it, before any answer, a no included."""
        if self.writes:
            self.db.execute(statement)
            self.evidence(statement)
        else:
            self._require_time()
            self.following.append(statement)

    def _require_time(self) -> None:
        """Refuses `Unavailable` to a glance that would leave something to write: to write is to wait."""
        if self.glances:
            raise Unavailable(retry_after=timedelta(0), why="a glance leaves nothing behind")

    def new_id(self) -> uuid.UUID:
        """A random UUID (version 4) from this unit's dice."""
        return uuid.UUID(bytes=self.tools.dice(16), version=4)

    def new_ordered_id(self) -> uuid.UUID:
        """A UUID of version 7 (RFC 9562 §5.7): sorts by the instant it was made."""
        milliseconds = int(self.now.timestamp() * 1000)
        random = int.from_bytes(self.tools.dice(10), "big")
        return uuid.UUID(
            int=milliseconds << 80 | 7 << 76 | (random >> 68) << 64 | 2 << 62 | random & (2**62 - 1)
        )


Around = Callable[[str, str], AbstractContextManager[None]]
NOTHING = nullcontext()


def nothing_around(_kind: str, _database: str) -> AbstractContextManager[None]:
    """What is around a unit of work where nobody traces."""
    return NOTHING


class Core:
    """The core's door: database, tools and rules of one process."""

    def __init__(self, database: Database, tools: Tools, rules: Rules) -> None:
        self.database = database
        self.tools = tools
        self.rules = rules
        self.seen = LastSeen()
        self.keyring = Keyring()
        self.tally = Tally()
        self.changes = Changes(tools.monotonic)
        self.began = tools.clock()
        self.around_unit: Around = nothing_around  # for whoever traces

    @contextmanager
    def begin(self, origin: Origin, *, writes: bool, durable: bool = True) -> Iterator[UnitOfWork]:
        """A unit of work. Commits at the end of the body; see this module's docstring for the rest.

        Not `durable`: what it writes may be lost with the power (`Database.writing`), as a counter may.
        """
        kept: list[Executable] = []
        following: list[Executable] = []
        touched: set[int] = set()
        try:
            with answering(), self._transaction(writes=writes, durable=durable) as db:
                yield self.unit(db, origin, writes=writes, kept=kept, following=following, touched=touched)
        except Refusal:
            self._write(following + kept)
            raise
        else:
            self._write(following)
        finally:
            self.changes.note(touched)

    @contextmanager
    def glance(self, origin: Origin) -> Iterator[UnitOfWork]:
        """A unit for single statements that read, with little around it: see `Database.glancing`.

        On SQLite it is for the event loop's thread alone, and `Unavailable` at once when somebody is in the way. So it
        is on either when there would be something to write.
        """
        with answering(), self.database.glancing() as db:
            yield self.unit(db, origin, writes=False, glances=True)

    def unit(self, db: Connection, origin: Origin, *, writes: bool, **facts: Any) -> UnitOfWork:
        """A unit of work in a transaction that has begun; its end is the caller's to see to."""
        return UnitOfWork(
            db,
            self.tools.clock(),
            self.tools,
            self.rules,
            origin,
            seen=self.seen,
            keyring=self.keyring,
            writes=writes,
            began=self.began,
            **facts,
        )

    @contextmanager
    def _transaction(self, *, writes: bool, durable: bool) -> Iterator[Connection]:
        database = self.database
        with (
            self.around_unit("write" if writes else "read", database.engine.name),
            database.writing(durable=durable) if writes else database.reading() as db,
        ):
            yield db

    def _write(self, statements: list[Executable]) -> None:
        if not statements:
            return
        with answering(), self.database.writing() as db:
            for statement in statements:
                db.execute(statement)


@contextmanager
def answering() -> Iterator[None]:
    """Turn "the database does not answer" into `Unavailable`: a caller must never read it as a no."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if not is_away(error):
            raise
        raise Unavailable(
            retry_after=timedelta(seconds=1), why=f"the database does not answer: {error}"
        ) from error


def is_away(error: DBAPIError | PoolTimeout) -> bool:
    """Whether the database cannot answer; else the statement was wrong, such as for a table that is not there."""
    if isinstance(error, PoolTimeout) or error.connection_invalidated:
        return True
    wrong = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return isinstance(error, OperationalError | InterfaceError) and not wrong
