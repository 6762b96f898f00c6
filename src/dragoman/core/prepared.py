"""Statements that nearly every request asks: made once for each engine, and then run by its driver itself.

SQLAlchemy writes them, and knows how each type is stored and read. To have it run them as well costs ten times
what the database takes to find a row by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect

    from dragoman.core.database import AnySelect

Converter = Callable[[Any], Any]


class Prepared:
    """A SELECT. What it is asked with is bound by name; constants in it keep their values."""

    def __init__(self, statement: AnySelect) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def find(self, db: Connection, facts: Mapping[str, object]) -> tuple[Any, ...] | None:
        """The first row, as `rows` gives it, or None."""
        return next(iter(self.rows(db, facts)), None)

    def rows(self, db: Connection, facts: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows, each its values in the order of the columns. Raises what SQLAlchemy raises."""
        dialect = db.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form.of(self._statement, dialect)
        driver: Any = db.connection.dbapi_connection
        try:
            rows = driver.execute(form.text, form.given(facts)).fetchall()
        except dialect.loaded_dbapi.Error:
            # It fails again, and then SQLAlchemy knows what that means for the connection and its pool.
            return [tuple(row) for row in db.execute(self._statement, facts)]
        return [form.values(row) for row in rows]


@dataclass(frozen=True)
class _Form:
    """A statement as one engine takes it. `places`: the parameters in their order, None where they go by name."""

    text: str
    constants: Mapping[str, object]
    stored: tuple[tuple[str, Converter], ...]
    places: tuple[str, ...] | None
    read: tuple[tuple[int, Converter], ...]

    @classmethod
    def of(cls, statement: AnySelect, dialect: Dialect) -> _Form:
        compiled: Any = statement.compile(dialect=dialect)
        types = {name: bound.type.dialect_impl(dialect) for bound, name in compiled.bind_names.items()}
        stored = {name: type_.bind_processor(dialect) for name, type_ in types.items()}
        columns = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        read = {at: type_.result_processor(dialect, None) for at, type_ in enumerate(columns)}
        return cls(
            text=str(compiled),
            constants=compiled.params,
            stored=tuple((name, convert) for name, convert in stored.items() if convert is not None),
            places=tuple(compiled.positiontup) if compiled.positional else None,
            read=tuple((at, convert) for at, convert in read.items() if convert is not None),
        )

    def given(self, facts: Mapping[str, object]) -> dict[str, Any] | list[Any]:
        """The parameters as the driver takes them."""
        named = {**self.constants, **facts}
        for name, convert in self.stored:
            named[name] = convert(named[name])
        return named if self.places is None else [named[name] for name in self.places]

    def values(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the driver read, as it was meant."""
        values = list(row)
        for at, convert in self.read:
            values[at] = convert(values[at])
        return tuple(values)
