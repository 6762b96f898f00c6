"""What a database holds, told alike by both engines: rows in the order of their keys, their number, their digest.

Two tables hold the same exactly when their `Content` is equal, whatever engine each is on.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, MetaData, String, Table, bindparam, collate, func, inspect, select, tuple_

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from dragoman.core.database import AnyRow

AT_ONCE = 1000  # rows that are held in memory


@dataclass(frozen=True)
class Content:
    """How many rows a table has, and the SHA-256 of them all, in hexadecimal digits."""

    rows: int
    sha256: str


def content_of(db: Connection, table: Table) -> Content:
    """What a table holds, as this transaction sees it."""
    digest, count = hashlib.sha256(), 0
    # By name: a migration may have added a column elsewhere than a fresh schema has it.
    places = [place for _, place in sorted((column.name, n) for n, column in enumerate(table.columns))]
    for row in in_key_order(db, table):
        digest.update(b"".join([_told(row[place]) for place in places]))
        count += 1
    return Content(count, digest.hexdigest())


def in_key_order(
    db: Connection, table: Table, *, after: Sequence[Any] | None = None
) -> Generator[AnyRow, None, None]:
    """The rows of a table by primary key, only those past the key `after` if there is one."""
    keys = _ordered_keys(db, table)
    query = select(table).order_by(*keys)
    if after is not None:
        values = [bindparam(None, v, type_=c.type) for v, c in zip(after, table.primary_key, strict=True)]
        query = query.where(tuple_(*keys) > tuple_(*values))
    with db.execute(query, execution_options={"yield_per": AT_ONCE}) as found:
        yield from found


def last_key(db: Connection, table: Table) -> Sequence[Any] | None:
    """The highest primary key in a table, None where it is empty."""
    last_first = [key.desc() for key in _ordered_keys(db, table)]
    row = db.execute(select(*table.primary_key).order_by(*last_first).limit(1)).one_or_none()
    return None if row is None else tuple(row)


def count(db: Connection, table: Table) -> int:
    """How many rows a table has."""
    return db.scalar(select(func.count()).select_from(table)) or 0


def tables_there(db: Connection) -> Sequence[Table]:
    """The tables that the database has, of whatever version: names, columns and keys, and nothing else of them."""
    found = inspect(db)
    there = []
    for name in sorted(found.get_table_names()):
        key = set(found.get_pk_constraint(name)["constrained_columns"])
        columns = [
            Column(column["name"], column["type"], primary_key=column["name"] in key)
            for column in found.get_columns(name)
        ]
        there.append(Table(name, MetaData(), *columns))
    return there


def contents(db: Connection, tables: Sequence[Table]) -> dict[str, Content]:
    """What each of the tables holds, by its name."""
    return {table.name: content_of(db, table) for table in tables}


def contents_there(db: Connection) -> dict[str, Content]:
    """What each table that there is holds, by its name."""
    return contents(db, tables_there(db))


def _ordered_keys(db: Connection, table: Table) -> list[ColumnElement[Any]]:
    """The columns of the primary key, so that they sort by their bytes on every engine."""
    keys: list[ColumnElement[Any]] = list(table.primary_key.columns)
    if db.dialect.name == "sqlite":
        return keys
    return [collate(key, "C") if isinstance(key.type, String) else key for key in keys]


def _told(value: Any) -> bytes:
    """A value as bytes, the same from each engine; with its kind and length before it, so that no two read alike."""
    kind, told = _plain(value)
    return kind + len(told).to_bytes(4, "big") + told


def _plain(value: Any) -> tuple[bytes, bytes]:
    match value:
        case None:
            return b"-", b""
        case int():  # and bool: an engine may keep one as the other
            return b"i", str(int(value)).encode()
        case float() if value.is_integer():
            return b"i", str(int(value)).encode()
        case str():
            return b"s", value.encode("utf-8", "surrogatepass")
        case bytes():
            return b"b", value
        case datetime():
            return b"t", value.astimezone(UTC).isoformat().encode()
        case uuid.UUID():
            return b"u", value.bytes
        case _:
            return b"j", json.dumps(_whole(value), sort_keys=True).encode()


def _whole(value: Any) -> Any:
    """A JSON value in which a number that is whole is an integer: the engines write 1e3 each in its way."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {name: _whole(each) for name, each in value.items()}
        case list():
            return [_whole(each) for each in value]
    return value
