"""Statements that the driver runs by itself: they read and write what SQLAlchemy would, and fail as it would."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, insert, literal, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from tests.fakes import START, do
from tests.people import BOB, somebody

from dragoman.core import accounts, audit
from dragoman.core.audit import audit_log
from dragoman.core.columns import Instant
from dragoman.core.database import insert_on
from dragoman.core.errors import Unavailable
from dragoman.core.prepared import Prepared
from dragoman.core.work import Core, UnitOfWork

BY_NAME = select(*accounts.COLUMNS).where(
    accounts.accounts.c.username == bindparam("name"), accounts.accounts.c.password_version >= 0
)


def test_a_row_is_read_as_sqlalchemy_reads_it(core: Core) -> None:
    """Instants, UUIDs, booleans, JSON and nothing at all come out the same, whichever engine keeps them."""
    somebody(core)
    username = somebody(core, BOB).username
    with core.database.reading() as db:
        expected = db.execute(BY_NAME, {"name": username}).one()
        assert Prepared(BY_NAME).find(db, {"name": username}) == tuple(expected)


def test_no_row_is_none(core: Core) -> None:
    """What nobody has is not found, which is no error."""
    with core.database.reading() as db:
        assert Prepared(BY_NAME).find(db, {"name": "nobody"}) is None


def test_what_goes_wrong_is_sqlalchemys_to_say(core: Core) -> None:
    """A statement that the database refuses is SQLAlchemy's kind of error, and the next unit is none the worse."""
    absent = Prepared(select(text("nothing FROM nowhere")))
    with pytest.raises(DBAPIError), core.database.reading() as db:
        absent.find(db, {})
    with core.database.reading() as db:
        assert Prepared(BY_NAME).find(db, {"name": "nobody"}) is None


LINE = {
    "id": uuid.UUID(int=7),
    "at": START,
    "event": "written",
    "dialect": "immich",
    "address": "",
    "agent": "",
    "request_id": "",
    "detail": {"of": [1, None, "é"]},
}
ADD = Prepared(insert(audit_log))


def told(core: Core) -> list[dict[str, Any]]:
    """The audit log as SQLAlchemy reads it."""
    with core.database.reading() as db:
        return [dict(row) for row in db.execute(select(audit_log)).mappings()]


def test_a_row_is_written_as_sqlalchemy_writes_it(core: Core) -> None:
    """Instants, UUIDs and JSON are stored alike, and what is not said is the column's default."""
    by_sqlalchemy = LINE | {"id": uuid.UUID(int=8)}
    with core.database.writing() as db:
        assert ADD.write(db, LINE) == 1
        db.execute(insert(audit_log), by_sqlalchemy)
    mine, theirs = told(core)
    assert mine == theirs | {"id": LINE["id"]}
    assert mine == {**dict.fromkeys(mine), "via": "", **LINE}


def test_rows_are_changed_and_counted(core: Core) -> None:
    """An update and a removal say how many rows they found, or return them as they were meant."""
    a, later = audit_log.c, START + timedelta(microseconds=1)
    move = update(audit_log).where(a.id == bindparam("mine"))
    move = move.values(at=bindparam("to", type_=Instant), via="x")
    moved = Prepared(move.returning(a.id, a.at, a.detail))
    drop = Prepared(delete(audit_log).where(a.at < bindparam("before", type_=Instant)))
    facts = {"mine": LINE["id"], "to": later}
    with core.database.writing() as db:
        ADD.write(db, LINE)
        assert Prepared(move).write(db, facts | {"mine": uuid.UUID(int=9)}) == 0
        assert moved.rows(db, facts) == [(LINE["id"], later, LINE["detail"])]
        assert [drop.write(db, {"before": each}) for each in (later, later + timedelta(seconds=1))] == [0, 1]
    assert told(core) == []


def test_a_statement_may_be_each_engines_own(core: Core) -> None:
    """Where engines spell a statement differently, each is given its own, made once."""
    made = []

    def once(engine: str) -> Any:
        made.append(engine)
        return insert_on(engine, audit_log).on_conflict_do_nothing()

    again = Prepared(once)
    with core.database.writing() as db:
        assert [again.write(db, LINE) for _ in range(3)] == [1, 0, 0]
    assert made == [core.database.engine.name]


def test_a_write_that_fails_is_not_tried_again(core: Core) -> None:
    """What the database refuses is SQLAlchemy's kind of error for it, without the values; the unit leaves nothing."""

    def twice(uow: UnitOfWork) -> None:
        audit.record(uow, "before")
        ADD.write(uow.db, LINE)
        ADD.write(uow.db, LINE)

    with pytest.raises(IntegrityError) as refused:
        do(core, twice)
    assert "written" not in str(refused.value)
    assert told(core) == []


def test_what_is_not_said_is_not_taken_for_nothing(core: Core) -> None:
    """A statement that is run without one of its facts fails, and does not go by NULL."""
    absent = Prepared(BY_NAME)
    with core.database.reading() as db, pytest.raises((KeyError, DBAPIError)):
        absent.find(db, {})


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_a_database_that_does_not_answer_makes_no_statement_wrong(core: Core) -> None:
    """What takes too long, or ends the connection, is `Unavailable`; the next unit has a connection that is good."""
    too_long = Prepared(select(literal(1)).where(text("pg_sleep(1) IS NULL")))
    ending = Prepared(select(literal(1)).where(text("pg_terminate_backend(pg_backend_pid())")))

    def wait(uow: UnitOfWork, each: Prepared) -> None:
        uow.db.execute(text("SET LOCAL statement_timeout = '20ms'"))
        each.rows(uow.db, {})

    for each in (too_long, ending):
        with pytest.raises(Unavailable):
            do(core, wait, each)
        assert do(core, lambda uow: Prepared(select(literal(2))).find(uow.db, {})) == (2,)
