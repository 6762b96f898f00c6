"""A unit of work: what it keeps when it is refused, what when it fails, and a database that is away."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import Executable, event, text
from sqlalchemy.exc import DBAPIError
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import ALICE, BOB, events, everything, rows, with_tools

from dragoman.core import accounts, audit
from dragoman.core.accounts import NewAccount
from dragoman.core.audit import audit_log
from dragoman.core.database import Database
from dragoman.core.errors import NotFound, Unavailable
from dragoman.core.work import Core, UnitOfWork, system_clock


def add(uow: UnitOfWork, email: str = ALICE) -> None:
    """Write something."""
    accounts.add(uow, NewAccount(email=email), None)


# --- what is kept ---------------------------------------------------------------------------------------


def test_a_unit_that_ends_well_is_kept(core: Core) -> None:
    """What a unit wrote is there afterwards, all of it."""
    do(core, add)
    assert events(core) == ["account added"]
    assert [row["email"] for row in rows(core, accounts.accounts)] == [ALICE]


@pytest.mark.parametrize("writes", [True, False])
def test_a_refusal_keeps_its_evidence_and_nothing_else(core: Core, writes: bool) -> None:
    """A refused unit is rolled back whole; what it noted as evidence is written, by reading units too."""

    def refuse(uow: UnitOfWork) -> None:
        if writes:
            add(uow)
        uow.evidence(audit.line(uow, "first"), audit.line(uow, "second"))
        uow.evidence(audit.line(uow, "third"))
        raise NotFound("anything")

    with pytest.raises(NotFound), core.begin(ORIGIN, writes=writes) as uow:
        refuse(uow)
    assert rows(core, accounts.accounts) == []
    assert events(core) == ["first", "second", "third"]


def test_a_refusal_without_evidence_leaves_nothing(core: Core) -> None:
    """Where nothing was noted, nothing is written."""
    before = everything(core)

    def refuse(uow: UnitOfWork) -> None:
        add(uow)
        raise NotFound("anything")

    with pytest.raises(NotFound), core.begin(ORIGIN, writes=True) as uow:
        refuse(uow)
    assert everything(core) == before


def test_a_refusal_that_is_caught_is_none(core: Core) -> None:
    """A unit that catches a refusal itself goes on, and its evidence is not written."""
    with core.begin(ORIGIN, writes=True) as uow:
        uow.evidence(audit.line(uow, "evidence"))
        with pytest.raises(NotFound):
            accounts.get(uow, "nobody")
        add(uow)
    assert events(core) == ["account added"]


@pytest.mark.parametrize("accident", [ValueError("a mistake of ours"), KeyboardInterrupt(), AssertionError()])
def test_an_accident_keeps_nothing(core: Core, accident: BaseException) -> None:
    """Whatever else ends a unit ends it without a trace, its evidence included."""
    before = everything(core)

    def fail(uow: UnitOfWork) -> None:
        add(uow)
        uow.evidence(audit.line(uow, "evidence"))
        raise accident

    with pytest.raises(type(accident)), core.begin(ORIGIN, writes=True) as uow:
        fail(uow)
    assert everything(core) == before
    do(core, add)


def test_what_comes_afterwards_is_written_before_the_answer(core: Core) -> None:
    """A reading unit's afterthought is written right after it; a writing unit's with it; a refused one's too."""
    with core.begin(ORIGIN, writes=False) as uow:
        uow.afterwards(audit.line(uow, "by a reader"))
    assert events(core) == ["by a reader"]
    with core.begin(ORIGIN, writes=True) as uow:
        uow.afterwards(audit.line(uow, "by a writer"))
    assert events(core) == ["by a reader", "by a writer"]

    def refuse(uow: UnitOfWork, event: str) -> None:
        uow.afterwards(audit.line(uow, event))
        raise NotFound("anything")

    for writes in (True, False):
        with pytest.raises(NotFound), core.begin(ORIGIN, writes=writes) as uow:
            refuse(uow, f"refused {writes}")
    assert events(core) == ["by a reader", "by a writer", "refused False", "refused True"]


# --- one instant, one set of dice -----------------------------------------------------------------------


def test_a_unit_has_one_instant(core: Core, clock: FakeClock) -> None:
    """However long a unit takes, everything in it happens at one instant; the next has its own."""
    with core.begin(ORIGIN, writes=True) as uow:
        start = uow.now
        clock.forward(seconds=5)
        add(uow)
    with core.begin(ORIGIN, writes=False) as uow:
        assert uow.now == start + timedelta(seconds=5)
    assert rows(core, accounts.accounts)[0]["created_at"] == rows(core, audit_log)[0]["at"] == start


def test_ids_come_from_the_dice(core: Core) -> None:
    """With the same dice a unit makes the same ids; they are UUIDs of version 4 and 7."""
    rigged = with_tools(core, dice=lambda n: bytes(range(n)))
    with rigged.begin(ORIGIN, writes=False) as uow:
        assert uow.new_id() == uuid.UUID("00010203-0405-4607-8809-0a0b0c0d0e0f")
        assert uow.new_ordered_id() == uow.new_ordered_id()
        assert str(uow.new_ordered_id()).endswith("-7000-8203-040506070809")
        assert uow.new_ordered_id().int >> 80 == int(uow.now.timestamp() * 1000)


def test_the_clock_is_in_utc() -> None:
    """The one place that looks at the clock says UTC."""
    assert system_clock().utcoffset() == timedelta(0)


@pytest.mark.parametrize("leave", [UnitOfWork.evidence, UnitOfWork.afterwards])
def test_a_glance_leaves_nothing_behind(
    sqlite_core: Core, leave: Callable[[UnitOfWork, Executable], None]
) -> None:
    """What would have to be written cannot be done at a glance, which waits for nobody: a thread is asked then."""
    with pytest.raises(Unavailable), sqlite_core.glance(ORIGIN) as uow:
        leave(uow, text("DELETE FROM accounts"))
    with sqlite_core.glance(ORIGIN) as uow:
        assert uow.db.scalar(text("SELECT 1")) == 1


# --- a database that is away ----------------------------------------------------------------------------


@contextmanager
def locked_by_another_program(file: str) -> Iterator[None]:
    """An SQLite file that somebody else writes to, without asking for the turn."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def impatient(core: Core) -> Core:
    """The same core, waiting for an SQLite lock for no more than 50 ms."""
    core.database.dispose()
    event.listen(core.database.engine, "connect", lambda c, _: c.execute("PRAGMA busy_timeout=50"))
    return core


def test_a_locked_database_is_unavailable(sqlite_core: Core) -> None:
    """While another program holds the database nobody is told no: writers are told to come back, readers read."""
    core = impatient(sqlite_core)
    do(core, add)
    with locked_by_another_program(str(core.database.file)):
        with pytest.raises(Unavailable) as refusal:
            do(core, add, BOB)
        assert refusal.value.retry_after > timedelta(0)
        with core.begin(ORIGIN, writes=False) as uow:
            assert accounts.find_by_name(uow, ALICE)
    do(core, add, BOB)


def test_a_database_gone_is_unavailable(sqlite_core: Core) -> None:
    """A file that is no database any more is not a no either, and works again when it is back."""
    do(sqlite_core, add)
    sqlite_core.database.dispose()
    file = sqlite_core.database.file
    kept = file.rename(file.with_suffix(".kept"))
    file.mkdir()
    with pytest.raises(Unavailable), sqlite_core.begin(ORIGIN, writes=False) as uow:
        accounts.find_by_name(uow, ALICE)
    file.rmdir()
    kept.rename(file)
    assert do(sqlite_core, accounts.find_by_name, ALICE)


ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


def break_every_connection(core: Core) -> None:
    """What a restart of PostgreSQL does to its clients."""
    url = core.database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@ON_POSTGRES
def test_a_connection_lost_in_a_unit_is_unavailable(core: Core) -> None:
    """A connection that breaks in the middle leaves nothing behind, and the next unit finds a new one."""
    before = everything(core)

    def lose(uow: UnitOfWork) -> None:
        add(uow)
        break_every_connection(core)
        accounts.find_by_name(uow, ALICE)

    with pytest.raises(Unavailable), core.begin(ORIGIN, writes=True) as uow:
        lose(uow)
    assert everything(core) == before
    do(core, add)


@ON_POSTGRES
def test_a_commit_that_is_lost_is_unavailable(core: Core) -> None:
    """A unit whose commit finds no database has not happened, and says so."""

    def lose(uow: UnitOfWork) -> None:
        add(uow)
        break_every_connection(core)

    with pytest.raises(Unavailable), core.begin(ORIGIN, writes=True) as uow:
        lose(uow)
    assert rows(core, accounts.accounts) == []


@ON_POSTGRES
def test_evidence_that_cannot_be_written_is_unavailable(core: Core) -> None:
    """A refusal whose evidence finds no database is not given: who cannot be counted is told to come back."""

    def refuse(uow: UnitOfWork) -> None:
        uow.evidence(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        raise NotFound("anything")

    with pytest.raises(Unavailable), core.begin(ORIGIN, writes=True) as uow:
        refuse(uow)
    do(core, add)


@ON_POSTGRES
def test_idle_connections_that_broke_are_replaced(core: Core) -> None:
    """After a restart of PostgreSQL nobody is refused for more than the connections that were open."""
    with core.begin(ORIGIN, writes=False) as one, core.begin(ORIGIN, writes=False) as other:
        assert one.db is not other.db
    break_every_connection(core)
    refused = 0
    for _ in range(5):
        try:
            do(core, accounts.find_by_name, ALICE)
        except Unavailable:
            refused += 1
    assert refused <= 2
    do(core, add)


def test_a_server_that_is_not_there_is_unavailable(core: Core) -> None:
    """A PostgreSQL that cannot be reached is told as such."""
    away = Database("postgresql+psycopg://nobody@/nothing?host=/nowhere", connections=1)
    with pytest.raises(Unavailable), Core(away, core.tools, core.rules).begin(ORIGIN, writes=False):
        pass
    away.dispose()


def test_when_all_connections_are_lent_one_waits_and_is_told(core: Core) -> None:
    """Who finds no connection free within the pool's patience is told to come back."""
    small = Database(core.database.url, connections=1, pool_timeout=0.05)
    narrow = Core(small, core.tools, core.rules)
    with narrow.begin(ORIGIN, writes=False), pytest.raises(Unavailable):
        do(narrow, add)
    do(narrow, add)
    small.dispose()


def test_a_wrong_statement_is_an_accident(core: Core) -> None:
    """A table that is not there is our own fault on both engines, and never passed off as a busy database."""
    with pytest.raises(DBAPIError), core.begin(ORIGIN, writes=False) as uow:
        uow.db.execute(text("SELECT * FROM nowhere"))
