"""Which dialects are served, and at which host names, where the configuration leaves it to the pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Column, String, Table, select
from sqlalchemy.exc import IntegrityError

from dragoman.core import audit
from dragoman.core.columns import metadata
from dragoman.core.database import insert
from dragoman.core.errors import NameTaken

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

dialect_choices = Table(
    "dialect_choices",
    metadata,
    Column("dialect", String(32), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("host", String(253), unique=True),
)


@dataclass(frozen=True)
class Choice:
    """Whether a dialect is served, and the host name that is its alone, if it has one."""

    enabled: bool
    host: str | None


def chosen(uow: UnitOfWork) -> Mapping[str, Choice]:
    """What was chosen, by dialect. One that nobody chose anything for is not there."""
    c = dialect_choices.c
    rows = uow.db.execute(select(c.dialect, c.enabled, c.host))
    return {dialect: Choice(enabled, host) for dialect, enabled, host in rows}


def choose(uow: UnitOfWork, dialect: str, choice: Choice, *, taken: Collection[str], by: Principal) -> None:
    """Serve a dialect so from now on; every process takes it on within two seconds.

    `taken` are host names that are somebody else's whatever was chosen. Refuses `AdminOnly`, `SessionRequired`,
    `WhileImpersonating`, and `NameTaken` where the host name is another's.
    """
    by.require_admin()
    by.require_in_person()
    if choice.host in taken:
        raise NameTaken("host")
    values = asdict(choice)
    fresh = insert(uow.db, dialect_choices).values(dialect=dialect, **values)
    try:
        uow.db.execute(fresh.on_conflict_do_update(index_elements=[dialect_choices.c.dialect], set_=values))
    except IntegrityError as another:  # a host name is the one thing of a choice that there may be only once
        raise NameTaken("host") from another
    audit.record(uow, "dialect chosen", by=by, chosen=dialect, **values)
