"""Databases for the tests with rows in every table there is: of any type, NULL too, and of every kind of reference."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary, String, Table, Uuid, delete, update
from tests.fakes import START

from dragoman.core.columns import Bag, Instant
from dragoman.core.copying import numbered_columns, set_last_given
from dragoman.core.database import Database
from dragoman.core.tables import metadata

BAGS: list[Any] = [
    {},
    {"ä": [1, 2.5, 1e3, None], "a": {"b": True}},
    {"long": "text " * 40, "number": 2**53, "sign": "\u2028"},
]


def fill(database: Database, rows: int = 5) -> None:
    """Put rows into every table; the last of each whose numbers are drawn is deleted again."""
    with database.writing() as db:
        for table in metadata.sorted_tables:
            db.execute(table.insert(), [_row(table, n) for n in range(rows + 1)])
            _refer_to_itself(db, table, rows)
        for column in numbered_columns():
            highest = _value(column, rows)
            set_last_given(db, column, highest)  # PostgreSQL counts only what it has drawn itself
            db.execute(delete(column.table).where(column == highest))


def _row(table: Table, n: int) -> dict[str, Any]:
    return {column.name: _value(column, n) for column in table.columns}


def _value(column: Column[Any], n: int) -> Any:
    for key in column.foreign_keys:
        return None if key.column.table is column.table else _value(key.column, n)
    return None if column.nullable and n % 2 else _of_type(column, n)


def _of_type(column: Column[Any], n: int) -> Any:
    match column.type:
        case Boolean():
            return n % 2 == 0
        case Integer():
            return n * 3 + 1
        case LargeBinary():
            return bytes([n]) * 32
        case Instant():
            return START + timedelta(days=n, microseconds=n)
        case Bag():
            return BAGS[n % len(BAGS)]
        case Uuid():
            return uuid.UUID(int=((n * 7919) % 251) << 120 | n)
        case String(length=length):
            # By their bytes these sort otherwise than by the rules of any language.
            return f"{'zÄaB'[n % 4]}{n} {column.name} ü"[:length]
    raise TypeError(column)


def _refer_to_itself(db: Connection, table: Table, rows: int) -> None:
    """Have some rows refer to others of their table, such as sort before them and after."""
    (key, *_) = table.primary_key.columns
    for column in table.columns:
        if any(reference.column.table is table for reference in column.foreign_keys):
            for n in range(rows):
                one = update(table).where(key == _value(key, n))
                db.execute(one.values({column: _value(key, rows - 1 - n)}))
