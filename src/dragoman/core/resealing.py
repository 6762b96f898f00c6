"""Sealing anew by the newest data key what older ones have sealed, while all goes on.

Older keys stay, and open what was sealed by them: for the nodes that were about to seal by one, for what browsers
carry, and for whoever reads a value at the instant at which it is sealed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, LargeBinary, func, literal, select, update

from dragoman.core import audit, tables
from dragoman.core.columns import Sealed
from dragoman.core.sealing import HEADER, VERSION, data_keys

if TYPE_CHECKING:
    from dragoman.core.sealing import RowId, Sealer
    from dragoman.core.work import Core, Origin, UnitOfWork

_HEADER_BYTES = LargeBinary()


def sealed_columns() -> Sequence[Column[Any]]:
    """Every column whose values are sealed."""
    everything = (column for table in tables.metadata.sorted_tables for column in table.columns)
    return [column for column in everything if isinstance(column.type, Sealed)]


def reseal_all(core: Core, origin: Origin, sealer: Sealer) -> int:
    """Seal anew whatever an older data key has sealed; how many values. Raises `SealBroken`."""
    return sum(reseal(core, origin, sealer, column) for column in sealed_columns())


def reseal(core: Core, origin: Origin, sealer: Sealer, sealed: Column[Any], *, batch: int = 250) -> int:
    """Seal a column's values anew by the newest data key; how many were not.

    One unit per `batch`, so whatever interrupts it, the next run goes on. Raises `SealBroken`.
    """
    done, last = 0, None
    while True:
        with core.begin(origin, writes=True) as uow:
            rows = _reseal_some(uow, sealer, sealed, after=last, limit=batch)
        done += len(rows)
        if len(rows) < batch:
            return done
        last = rows[-1]


def _reseal_some(
    uow: UnitOfWork, sealer: Sealer, sealed: Column[Any], *, after: Any | None, limit: int
) -> Sequence[Any]:
    """The keys of the rows that were sealed anew, those after a row, in their order."""
    table = sealed.table
    [key] = table.primary_key.columns
    newest = uow.db.scalars(select(data_keys.c.id).order_by(data_keys.c.number.desc()).limit(1)).one()
    by_newest = literal(VERSION + bytes.fromhex(newest), _HEADER_BYTES)
    stale = (sealed.is_not(None), func.substr(sealed, 1, HEADER, type_=_HEADER_BYTES) != by_newest)
    older = select(key, sealed).where(*stale).order_by(key).limit(limit).with_for_update()
    rows = uow.db.execute(older if after is None else older.where(key > after)).all()
    for row, value in rows:
        place = {"table": table.name, "column": sealed.name}
        plaintext = sealer.open(uow, value, **place, row=_name_of(row))
        again = sealer.seal(uow, plaintext, **place, row=_name_of(row))
        uow.db.execute(update(table).where(key == row).values({sealed: again}))
    if rows:
        audit.record(uow, "values sealed anew", column=str(sealed), count=len(rows))
    return [row for row, _ in rows]


def _name_of(row: Any) -> RowId:
    """What a row is called in the place of a seal."""
    name: RowId = row.hex() if isinstance(row, bytes) else row
    return name
