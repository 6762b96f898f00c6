"""What Alembic runs for each command: on the connection, and in the transaction, that it was handed.

Started by `dragoman.migrations.bring_up`; or by a developer, who names the database himself:
`alembic -x database=sqlite:///scratch.db revision --autogenerate -m "…"`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection

from dragoman.core.columns import say_where
from dragoman.core.database import Database
from dragoman.core.tables import metadata


def run(connection: Connection) -> None:
    # No transaction is begun here: `connection` is in one, on SQLite too, where Alembic would not begin any.
    # SQLite alters little in place, so a generated revision replaces the table ("batch").
    say_where(connection)
    with unspoken():
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    context.run_migrations()


@contextmanager
def unspoken() -> Iterator[None]:
    """Log nothing below a warning: what Alembic assumes of the database is not what we do. Upgrades are logged."""
    logger = logging.getLogger("alembic.runtime.migration")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def run_where_named() -> None:
    database = Database(context.get_x_argument(as_dictionary=True)["database"], in_haste=False)
    try:
        with database.writing() as connection:
            run(connection)
    finally:
        database.dispose()


handed = context.config.attributes.get("connection")
if handed is None:
    run_where_named()
else:
    run(handed)
