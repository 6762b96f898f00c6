"""What tables hold is told alike by both engines, and any difference shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Table, text, update
from tests.filled import fill
from tests.postgres import fresh_postgres

from dragoman.core.accounts import accounts
from dragoman.core.contents import content_of, contents, in_key_order, last_key, tables_there
from dragoman.core.database import Database
from dragoman.core.facts import product_facts
from dragoman.core.tables import metadata


@pytest.fixture
def filled(database_url: str) -> Iterator[Database]:
    """A database on each engine with rows in every table."""
    database = Database(database_url, connections=2)
    fill(database)
    yield database
    database.dispose()


@pytest.mark.postgres
def test_both_engines_tell_the_same(sqlite_url: str) -> None:
    """The same rows have the same number and digest on SQLite and on PostgreSQL, in every table."""
    told = []
    with fresh_postgres() as postgres_url:
        for url in (sqlite_url, postgres_url):
            database = Database(url, connections=1)
            fill(database)
            with database.reading() as db:
                told.append(contents(db, metadata.sorted_tables))
            database.dispose()
    assert told[0] == told[1]
    assert all(content.rows for content in told[0].values())


def test_any_difference_shows(filled: Database) -> None:
    """Another value, a value in another row, and a row more or less each make another digest."""
    with filled.reading() as db:
        before = content_of(db, accounts)
    seen = {before.sha256}
    for change in (
        "UPDATE accounts SET display_name = 'x' WHERE number = 4",
        "UPDATE accounts SET display_name = CASE number WHEN 1 THEN 'x' ELSE 'y' END",
        "UPDATE accounts SET display_name = CASE number WHEN 1 THEN 'y' ELSE 'x' END",
        "UPDATE accounts SET email = NULL",
        "UPDATE accounts SET email = ''",
        "DELETE FROM accounts WHERE number = 4",
    ):
        with filled.writing() as db:
            db.execute(text(change))
            seen.add(content_of(db, accounts).sha256)
    assert len(seen) == 7


def test_numbers_of_json_are_the_same_however_they_are_written(filled: Database) -> None:
    """A whole number is the same as 1000, 1000.0 and 1e3, by itself and within."""
    told = set()
    for number in (1000, 1000.0, 1e3):
        with filled.writing() as db:
            db.execute(update(product_facts).values(value=number))
            told.add(content_of(db, product_facts).sha256)
        with filled.writing() as db:
            db.execute(update(product_facts).values(value={"a": [number]}))
            told.add(content_of(db, product_facts).sha256)
    assert len(told) == 2


def test_reading_goes_on_after_any_key(filled: Database) -> None:
    """From any key on, each table's rows are exactly those that come after it."""

    def keys(db: Connection, table: Table, after: tuple[object, ...] | None) -> list[tuple[object, ...]]:
        names = [column.name for column in table.primary_key]
        return [tuple(row._mapping[n] for n in names) for row in in_key_order(db, table, after=after)]

    with filled.reading() as db:
        for table in metadata.sorted_tables:
            whole = keys(db, table, None)
            assert whole
            assert whole[-1] == last_key(db, table)
            for place, key in enumerate(whole):
                assert keys(db, table, key) == whole[place + 1 :]


def test_tables_of_any_version_are_read_as_they_are(filled: Database) -> None:
    """A table that this version does not know is told like the others, with what it holds."""
    with filled.writing() as db:
        db.execute(text("CREATE TABLE of_later (id INTEGER PRIMARY KEY, name TEXT)"))
        db.execute(text("INSERT INTO of_later VALUES (1, 'x')"))
    with filled.reading() as db:
        there = contents(db, tables_there(db))
    assert there["of_later"].rows == 1
    assert set(there) == {*metadata.tables, "alembic_version", "of_later"}
