"""What columns are made of: instants come back as they were, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, select
from sqlalchemy.exc import StatementError

from dragoman.core.columns import Instant
from dragoman.core.database import Database
from dragoman.core.work import Core

moments = Table("moments", MetaData(), Column("id", Integer, primary_key=True), Column("at", Instant))


@pytest.fixture
def moment_database(core: Core) -> Database:
    """A database with a table of instants."""
    with core.database.writing() as db:
        moments.create(db)
    return core.database


INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.timezones())  # noqa: DTZ001


def kept(database: Database, moment: datetime | None) -> Any:
    """A moment as it comes back from the database."""
    with database.writing() as db:
        db.execute(moments.delete())
        db.execute(moments.insert().values(id=1, at=moment))
        return db.scalar(select(moments.c.at))


@given(INSTANTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_instant_comes_back_as_it_was(moment_database: Database, moment: datetime) -> None:
    """Every instant comes back to the microsecond, in UTC, whatever time zone it was written in."""
    back = kept(moment_database, moment)
    # In UTC: between zones Python calls a local time that an hour change makes ambiguous equal to nothing.
    assert back == moment.astimezone(UTC)
    assert back.tzinfo is UTC


def test_no_instant_is_none(moment_database: Database) -> None:
    """What has not happened comes back as None."""
    assert kept(moment_database, None) is None


def test_a_moment_without_a_time_zone_is_refused(moment_database: Database) -> None:
    """A moment of nobody knows where is a mistake of ours: it is refused, not taken for another instant."""
    with pytest.raises(StatementError, match="time zone"):
        kept(moment_database, datetime(2026, 1, 1))  # noqa: DTZ001


@given(st.lists(INSTANTS, min_size=2, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
def test_instants_are_compared_as_instants(moment_database: Database, chosen: list[datetime]) -> None:
    """The database orders and compares instants as Python does, before 1970 and across time zones."""
    in_utc = [moment.astimezone(UTC) for moment in chosen]
    with moment_database.writing() as db:
        db.execute(moments.delete())
        db.execute(moments.insert(), [{"id": n, "at": moment} for n, moment in enumerate(chosen)])
        assert db.scalars(select(moments.c.at).order_by(moments.c.at)).all() == sorted(in_utc)
        later = db.scalars(select(moments.c.at).where(moments.c.at > chosen[0])).all()
    assert len(later) == sum(moment > in_utc[0] for moment in in_utc)


def test_an_hour_of_another_zone_is_the_same_hour(moment_database: Database) -> None:
    """Noon in Kathmandu is 6:15 in UTC."""
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert kept(moment_database, noon).isoformat() == "2026-01-01T06:15:00+00:00"
