"""Statements that the driver runs by itself: they read what SQLAlchemy would, and fail as it would."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError
from tests.people import BOB, somebody

from dragoman.core import accounts
from dragoman.core.prepared import Prepared
from dragoman.core.work import Core

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
