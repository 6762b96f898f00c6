"""Which dialects are served, where, and by which settings, where the configuration leaves it to the pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Column, Index, String, Table, select
from sqlalchemy.exc import IntegrityError

from dragoman.core import audit
from dragoman.core.columns import Bag, metadata
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
    Column("path", String(128)),
    Column("settings", Bag),
    # An index, for SQLite adds no constraint to a table that there is.
    Index(None, "path", unique=True),
)

_OF_PATH = re.compile(r"dialect_choices[._]path")


@dataclass(frozen=True)
class Choice:
    """Whether a dialect is served, the host name that is its alone, its path, and its own settings by their names.

    None and what is not there: as the configuration says.
    """

    enabled: bool
    host: str | None = None
    path: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)


def chosen(uow: UnitOfWork) -> Mapping[str, Choice]:
    """What was chosen, by dialect. One that nobody chose anything for is not there."""
    c = dialect_choices.c
    rows = uow.db.execute(select(c.dialect, c.enabled, c.host, c.path, c.settings))
    return {
        dialect: Choice(enabled, host, path, settings or {})
        for dialect, enabled, host, path, settings in rows
    }


def choose(uow: UnitOfWork, dialect: str, choice: Choice, *, taken: Collection[str], by: Principal) -> None:
    """Serve a dialect so from now on; every process takes it on within two seconds.

    `taken` are host names and paths that are somebody else's whatever was chosen. Refuses `AdminOnly`,
    `SessionRequired`, `WhileImpersonating`, and `NameTaken` where the host name or the path is another's.
    """
    by.require_admin()
    by.require_in_person()
    for kind, name in (("host", choice.host), ("path", choice.path)):
        if name in taken:
            raise NameTaken(kind)
    values = asdict(choice)
    fresh = insert(uow.db, dialect_choices).values(dialect=dialect, **values)
    try:
        uow.db.execute(fresh.on_conflict_do_update(index_elements=[dialect_choices.c.dialect], set_=values))
    except IntegrityError as another:  # the two things of a choice that there may be only once
        raise NameTaken("path" if _OF_PATH.search(str(another.orig)) else "host") from another
    audit.record(uow, "dialect chosen", by=by, chosen=dialect, **values)
