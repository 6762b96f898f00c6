"""Statements that requests wait for: made once for each engine, and then run by its driver itself.

SQLAlchemy writes them, and knows how each type is stored and read. To have it run them as well costs ten times
what the database takes to find a row by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect
    from sqlalchemy.sql.dml import UpdateBase

    from dragoman.core.database import AnySelect

    Statement: TypeAlias = AnySelect | UpdateBase

Converter = Callable[[Any], Any]

_ROWS, _COUNT = methodcaller("fetchall"), attrgetter("rowcount")  # of the driver's cursor


class Prepared:
    """A statement, or what makes it for an engine by its name. Constants in it keep their values.

    What it is run with is bound by name, each time by the same names; those of columns are what it inserts or sets.
    All of it raises what SQLAlchemy would.
    """

    def __init__(self, statement: Statement | Callable[[str], Statement]) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def find(self, db: Connection, facts: Mapping[str, object]) -> tuple[Any, ...] | None:
        """The first row, as `rows` gives it, or None."""
        form = self._form(db, facts)
        rows = self._run(db, form, facts, _ROWS)
        return form.values(rows[0]) if rows else None

    def rows(self, db: Connection, facts: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows that it selects or returns, each its values in the order of the columns."""
        form = self._form(db, facts)
        return [form.values(row) for row in self._run(db, form, facts, _ROWS)]

    def write(self, db: Connection, facts: Mapping[str, object]) -> int:
        """Insert, update or delete rows, without returning them; how many there were."""
        count: int = self._run(db, self._form(db, facts), facts, _COUNT)
        return count

    def _run(
        self, db: Connection, form: _Form, facts: Mapping[str, object], found: Callable[[Any], Any]
    ) -> Any:
        driver: Any = db.connection.dbapi_connection
        try:
            return found(driver.execute(form.text, form.given(facts)))
        except db.dialect.loaded_dbapi.Error as error:
            if db.dialect.is_disconnect(error, driver, None):
                # It fails again, and then SQLAlchemy knows what that means for the connection and its pool.
                db.execute(self._made_for(db.dialect), facts)
            base = db.dialect.loaded_dbapi.Error
            raise DBAPIError.instance(
                form.text, None, error, base, hide_parameters=True, dialect=db.dialect
            ) from error

    def _form(self, db: Connection, facts: Mapping[str, object]) -> _Form:
        form = self._forms.get(db.dialect.name)
        if form is None:
            form = self._forms[db.dialect.name] = _Form.of(
                self._made_for(db.dialect), db.dialect, list(facts)
            )
        return form

    def _made_for(self, dialect: Dialect) -> Statement:
        return self._statement(dialect.name) if callable(self._statement) else self._statement


@dataclass(frozen=True)
class _Form:
    """A statement as one engine takes it. `places`: the parameters in their order, None where they go by name."""

    text: str
    constants: Mapping[str, object]
    stored: tuple[tuple[str, Converter], ...]
    places: tuple[str, ...] | None
    read: tuple[tuple[int, Converter], ...]

    @classmethod
    def of(cls, statement: Statement, dialect: Dialect, names: list[str]) -> _Form:
        """The statement for an engine; those of the `names` that are columns' are what it inserts or sets."""
        compiled: Any = statement.compile(dialect=dialect, column_keys=names)
        bound = {name: parameter for parameter, name in compiled.bind_names.items()}
        types = {name: parameter.type.dialect_impl(dialect) for name, parameter in bound.items()}
        stored = {name: type_.bind_processor(dialect) for name, type_ in types.items()}
        columns = [column.type.dialect_impl(dialect) for column in statement.exported_columns]
        read = {at: type_.result_processor(dialect, None) for at, type_ in enumerate(columns)}
        return cls(
            text=str(compiled),
            constants={name: parameter.value for name, parameter in bound.items() if not parameter.required},
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
