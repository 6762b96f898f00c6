"""Copying all that a database holds to another, on whichever engines, so that it may stop anywhere and go on.

Rows go over in the order of their keys, parents first, a batch in a transaction; so what is there already says
where to go on. Rows that refer to their own table get that in a second pass. Nothing is believed at the end: both
sides are read again and compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Column, ForeignKey, Table, bindparam, func, or_, select, text, update

from dragoman.core import contents
from dragoman.core.errors import DatabaseUnfit
from dragoman.core.sealing import data_keys
from dragoman.core.setup import installation
from dragoman.core.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dragoman.core.contents import Content
    from dragoman.core.database import AnyRow

Writing: TypeAlias = Callable[[], AbstractContextManager["Connection"]]
Watch: TypeAlias = Callable[[str, int], None]


class CopyDiffers(DatabaseUnfit):
    """The two databases do not hold the same; the text names the tables."""


def unwatched(_table: str, _rows: int) -> None:
    """Nobody is told how far it is."""


def is_empty(db: Connection) -> bool:
    """Whether there is not one row in any table."""
    return all(db.execute(select(table).limit(1)).one_or_none() is None for table in metadata.sorted_tables)


def total(db: Connection) -> int:
    """How many rows there are in all tables."""
    return sum(contents.count(db, table) for table in metadata.sorted_tables)


def name_of(db: Connection) -> str:
    """16 hexadecimal digits that stay the same for as long as there is this installation, and are no other's."""
    first_key = db.scalar(select(data_keys.c.id).order_by(data_keys.c.number).limit(1))
    installed_at = db.scalar(select(installation.c.installed_at))
    return hashlib.sha256(f"dragoman copy {first_key} {installed_at}".encode()).hexdigest()[:16]


def copy_all(source: Connection, writing: Writing, watch: Watch = unwatched) -> Mapping[str, Content]:
    """Copy what is not there yet of every table, and compare; what each table holds now.

    `source` is one reading transaction, so one state. `writing` begins a transaction on the other side, which
    is committed after each batch. Raises `CopyDiffers`.
    """
    for table in metadata.sorted_tables:
        _copy_rows(source, writing, table, watch)
        _copy_own_references(source, writing, table)
    with writing() as target:
        for column in numbered_columns():
            set_last_given(target, column, last_given(source, column))
    return _compared(source, writing)


def _compared(source: Connection, writing: Writing) -> Mapping[str, Content]:
    expected = contents.contents(source, metadata.sorted_tables)
    with writing() as target:
        found = contents.contents(target, metadata.sorted_tables)
        numbered = all(
            last_given(source, c) <= last_given(target, c) for c in numbered_columns() if _never_again(c)
        )
    different = [name for name, content in expected.items() if found[name] != content]
    if different or not numbered:
        raise CopyDiffers(
            f"the two do not hold the same ({', '.join(different) or 'what number comes next'}): the source was "
            "written to between two runs, or the target by somebody else. Stop what serves either, empty the "
            "target, and copy again"
        )
    return found


def _copy_rows(source: Connection, writing: Writing, table: Table, watch: Watch) -> None:
    own = {column.name: None for column in _own_references(table)}
    with writing() as target:
        after = contents.last_key(target, table)
        watch(table.name, contents.count(target, table))
    with closing(contents.in_key_order(source, table, after=after)) as missing:
        for rows in _in_batches(missing):
            with writing() as target:
                target.execute(table.insert(), [{**row._mapping, **own} for row in rows])
            watch(table.name, len(rows))


def _copy_own_references(source: Connection, writing: Writing, table: Table) -> None:
    own = _own_references(table)
    if not own:
        return
    keys = list(table.primary_key.columns)
    set_them = update(table).where(*[key == bindparam(f"of_{key.name}") for key in keys])
    set_them = set_them.values({column: bindparam(f"to_{column.name}") for column in own})
    referring = select(*keys, *own).where(or_(*[column.is_not(None) for column in own])).order_by(*keys)
    with source.execute(referring, execution_options={"yield_per": contents.AT_ONCE}) as found:
        for rows in _in_batches(iter(found)):
            with writing() as target:
                target.execute(set_them, [_named(row, keys, own) for row in rows])


def _named(row: AnyRow, keys: Sequence[Column[Any]], own: Sequence[Column[Any]]) -> dict[str, Any]:
    facts = row._mapping
    of = {f"of_{key.name}": facts[key.name] for key in keys}
    return of | {f"to_{column.name}": facts[column.name] for column in own}


def _own_references(table: Table) -> list[Column[Any]]:
    """The columns that name another row of the same table, which may come later in the order of keys."""
    return [c for c in table.columns if any(_leads_to(key, table) for key in c.foreign_keys)]


def _leads_to(key: ForeignKey, table: Table) -> bool:
    return key.column.table is table


def _in_batches(rows: Iterator[AnyRow]) -> Iterator[list[AnyRow]]:
    while batch := list(islice(rows, contents.AT_ONCE)):
        yield batch


def numbered_columns() -> list[Column[Any]]:
    """The columns whose values the database draws."""
    return [t.autoincrement_column for t in metadata.sorted_tables if t.autoincrement_column is not None]


def last_given(db: Connection, column: Column[Any]) -> int:
    """The highest number that was given in a column, also to a row that is gone if the engine knows; 0 for none."""
    if db.dialect.name != "sqlite":
        return db.scalar(select(func.coalesce(func.pg_sequence_last_value(_sequence(column)), 0))) or 0
    if not _never_again(column):
        return db.scalar(select(func.max(column))) or 0
    return db.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :of"), {"of": column.table.name}) or 0


def set_last_given(db: Connection, column: Column[Any], number: int) -> None:
    """See that the next number in a column is past this one."""
    if number and db.dialect.name != "sqlite":
        db.execute(select(func.setval(_sequence(column), number)))
    elif number and _never_again(column):
        named = {"of": column.table.name, "number": number}
        db.execute(text("DELETE FROM sqlite_sequence WHERE name = :of"), named)
        db.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:of, :number)"), named)


def _never_again(column: Column[Any]) -> bool:
    """Whether SQLite, too, gives no number of this column twice, even when its row is gone."""
    return bool(column.table.dialect_options["sqlite"]["autoincrement"])


def _sequence(column: Column[Any]) -> Any:
    """The sequence that PostgreSQL numbers a column by, as an expression."""
    return func.pg_get_serial_sequence(column.table.name, column.name).op("::")(text("regclass"))
