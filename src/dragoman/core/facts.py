"""Facts of the installation that mean something to one dialect alone: stored here, never read by the core.

What is true of an account stands with the account (`attributes`), of a session with the session; this is
for what is true of the whole server as one product sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, String, Table, select

from dragoman.core.columns import Bag, metadata
from dragoman.core.database import insert

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

product_facts = Table(
    "product_facts",
    metadata,
    Column("dialect", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", Bag, nullable=False),
)


def told(uow: UnitOfWork, name: str, otherwise: Any) -> Any:
    """What the unit's dialect was told under a name, as JSON has it; or `otherwise`, if nothing ever."""
    f = product_facts.c
    row = uow.db.execute(select(f.value).where(f.dialect == uow.origin.dialect, f.name == name)).one_or_none()
    return otherwise if row is None else row.value


def tell(uow: UnitOfWork, name: str, value: Any) -> None:
    """Keep a value, which JSON can say, under a name of the dialect's own. It replaces the one before.

    Names are the dialect's constants, never a caller's words: so there are only so many.
    """
    fact = insert(uow.db, product_facts).values(dialect=uow.origin.dialect, name=name, value=value)
    key = [product_facts.c.dialect, product_facts.c.name]
    uow.db.execute(fact.on_conflict_do_update(index_elements=key, set_={"value": value}))
