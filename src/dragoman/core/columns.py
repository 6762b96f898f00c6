"""What columns are made of: instants that are always UTC, JSON values, numbers; and the one list of tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, DateTime, Integer, LargeBinary, MetaData, String, TypeDecorator, text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

WHERE = "where"  # what an index's `info` says of the only rows that it holds, in SQL


def say_where(db: Connection) -> None:
    """Tell the engine's part of SQLAlchemy which rows the indexes hold: before tables are created or compared.

    Said to `Index` itself it would be in the words of both engines, and import PostgreSQL's part where none is.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if WHERE in index.info:
                index.dialect_options[db.dialect.name]["where"] = text(index.info[WHERE])


Number = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows only in INTEGER columns


def in_bytes(length: int) -> String:
    """Text in the order of its bytes, whatever the database's own is, so that what begins alike stands together.

    SQLite's own is that.
    """
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Sealed(LargeBinary):
    """A value that is sealed for its row (core/sealing.py), which the table's one key column names.

    What is kept in one is sealed anew when the data key is rotated (core/resealing.py).
    """


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond: timestamptz on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is not None and value.tzinfo is None:
            # PostgreSQL would take it for an instant of the connection's own zone.
            raise ValueError("an instant has a time zone")
        if value is None or dialect.name != "sqlite":
            return value
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return EPOCH + timedelta(microseconds=int(value))
        moment: datetime = value.astimezone(UTC)
        return moment


class Bag(TypeDecorator[Any]):
    """A JSON value: JSONB on PostgreSQL, whose part of SQLAlchemy is imported only there."""

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return super().load_dialect_impl(dialect)
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - see above

        return dialect.type_descriptor(JSONB(none_as_null=True))
