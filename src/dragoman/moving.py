"""Moving an installation from one database to another, such as from SQLite to PostgreSQL; resumable.

While it is being filled, the target's revision says so (`migrations.unfinished`), and nothing serves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dragoman import migrations
from dragoman.core import copying
from dragoman.core.copying import Watch, unwatched
from dragoman.core.errors import DatabaseUnfit

if TYPE_CHECKING:
    from dragoman.core.contents import Content
    from dragoman.core.database import Database


class TargetInUse(DatabaseUnfit):
    """The target holds something that a copy would mix with."""


def move(source: Database, target: Database, watch: Watch = unwatched) -> Mapping[str, Content]:
    """Copy all that `source` holds to `target`; what each table holds then.

    Interrupted, it goes on when it is called again. Raises `DatabaseUnfit` for a source that is not current,
    `TargetInUse`, and `CopyDiffers`.
    """
    if migrations.revision(source) != migrations.HEAD:
        raise DatabaseUnfit("the source's schema is not this version's: run `dragoman migrate` on it first")
    with source.reading() as db:
        name = copying.name_of(db)
        _claim(target, migrations.unfinished(name))
        moved = copying.copy_all(db, target.writing, watch)
    migrations.set_revision(target, migrations.HEAD)
    return moved


def _claim(target: Database, mark: str) -> None:
    """See that the target has the current schema, and nothing in it but the first part of this same copy."""
    if migrations.revision(target) == mark:
        return
    migrations.bring_up(target)
    with target.reading() as db:
        if not copying.is_empty(db):
            raise TargetInUse("the target holds an installation already: a copy goes into an empty database")
    migrations.set_revision(target, mark)
