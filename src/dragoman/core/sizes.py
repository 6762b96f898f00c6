"""How many rows the tables have: counted on SQLite, on PostgreSQL what it estimates itself.

To count the rows of a large table takes a while, so this is for rounds in the background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import column, func, select, table

from dragoman.core import tables
from dragoman.core.outbox import waiting
from dragoman.core.tally import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dragoman.core.work import Core, Origin, UnitOfWork

ROWS = Figure("table_rows", "gauge", "Rows of a table, on PostgreSQL as it estimates them", ("table",), True)
MAILS_WAITING = Figure("mails_waiting", "gauge", "Mails that wait to be handed over", shared=True)

_ESTIMATES = table("pg_stat_user_tables", column("relname"), column("schemaname"), column("n_live_tup"))


def tell_sizes(core: Core, origin: Origin) -> None:
    """Set the gauges above, each table in a unit of its own. Refuses `Unavailable`."""
    for name, rows in _sizes(core, origin).items():
        core.tally.stands_at(ROWS, name, value=rows)
    with core.begin(origin, writes=False) as uow:
        core.tally.stands_at(MAILS_WAITING, value=waiting(uow))


def _sizes(core: Core, origin: Origin) -> Mapping[str, int]:
    if not core.database.is_sqlite:
        with core.begin(origin, writes=False) as uow:
            return _estimated(uow)
    counted: dict[str, int] = {}
    for each in tables.metadata.sorted_tables:
        with core.begin(origin, writes=False) as uow:
            counted[each.name] = uow.db.scalar(select(func.count()).select_from(each)) or 0
    return counted


def _estimated(uow: UnitOfWork) -> Mapping[str, int]:
    ours = [each.name for each in tables.metadata.sorted_tables]
    estimates = select(_ESTIMATES.c.relname, _ESTIMATES.c.n_live_tup).where(
        _ESTIMATES.c.schemaname == func.current_schema(), _ESTIMATES.c.relname.in_(ours)
    )
    return {row.relname: row.n_live_tup for row in uow.db.execute(estimates)}
