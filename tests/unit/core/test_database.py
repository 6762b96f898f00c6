"""Where facts are kept: who may write and when, and what survives."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Connection, insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from tests.fakes import START
from tests.people import BOB, rows, somebody

from dragoman.core.columns import metadata
from dragoman.core.setup import installation
from dragoman.core.work import Core


def test_a_reader_cannot_write(core: Core) -> None:
    """A reading transaction refuses every write, and the connection it used writes again afterwards."""
    row = installation.insert().values(id=1, installed_at=START)
    with core.database.reading() as db, pytest.raises(DBAPIError):
        db.execute(row)
    for _ in range(3):
        with core.database.writing() as db:
            db.execute(update(installation).values(installed_at=START))
        with core.database.reading() as db, pytest.raises(DBAPIError):
            db.execute(text("DELETE FROM installation"))
    assert rows(core, installation) == []


def test_readers_do_not_wait_for_a_writer(core: Core) -> None:
    """While somebody writes, others read what was there before."""
    somebody(core)
    with core.database.writing() as db:
        db.execute(text("DELETE FROM accounts"))
        begun = time.monotonic()
        with core.database.reading() as reader:
            assert reader.scalar(text("SELECT count(*) FROM accounts")) == 1
        assert time.monotonic() - begun < 1
        db.rollback()


def test_a_reader_sees_one_state(core: Core) -> None:
    """What is committed while somebody reads is seen by their next transaction, and not by this one."""
    count = text("SELECT count(*) FROM accounts")
    with core.database.reading() as reader:
        assert reader.scalar(count) == 0
        somebody(core)
        assert reader.scalar(count) == 0
    with core.database.reading() as reader:
        assert reader.scalar(count) == 1


def test_a_failed_write_is_rolled_back(core: Core) -> None:
    """Leaving a writing transaction by an exception undoes it, and the turn goes on to the next."""

    def fail(db: Connection) -> None:
        db.execute(installation.insert().values(id=1, installed_at=START))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), core.database.writing() as db:
        fail(db)
    assert rows(core, installation) == []
    somebody(core)


def test_an_exception_shows_no_values(core: Core) -> None:
    """What a statement was given stays out of the text of what went wrong with it, which is logged."""
    statement = insert(metadata.tables["pins"]).values(
        account_number=7, hash="my-secret-hash", version=1, changed_at=START
    )
    with pytest.raises(IntegrityError) as error, core.database.writing() as db:
        db.execute(statement)
    assert "my-secret-hash" not in str(error.value)


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_postgresql_is_asked_for_what_we_rely_on(core: Core) -> None:
    """Whatever the server's defaults are: UTC; writers READ COMMITTED, readers read-only and of one state."""
    asked = {
        core.database.reading: ("repeatable read", "on"),
        core.database.writing: ("read committed", "off"),
    }
    for begin, (isolation, read_only) in [*asked.items(), *asked.items()]:
        with begin() as db:
            assert db.scalar(text("SHOW transaction_isolation")) == isolation
            assert db.scalar(text("SHOW timezone")) == "UTC"
            assert db.scalar(text("SHOW transaction_read_only")) == read_only


def test_what_is_disposed_of_can_be_used_again(core: Core) -> None:
    """Disposing closes every connection; the next unit opens its own."""
    somebody(core)
    core.database.dispose()
    somebody(core, BOB)
    assert core.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
