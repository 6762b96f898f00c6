"""What Alembic runs for each command: on the connection, and in the transaction, that it was handed.

Started by `dragoman.migrations.bring_up`; or by a developer, who names the database himself:
`alembic -x database=sqlite:///scratch.db revision --autogenerate -m "…"`.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from dragoman.core.database import Database
from dragoman.core.tables import metadata


def run(connection: Connection) -> None:
    # SQLite alters little in place, so tables are replaced ("batch"); and its DDL is transactional, whatever
    # Alembic assumes, because our connections begin their transactions themselves.
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    run(handed)
else:
    with Database(context.get_x_argument(as_dictionary=True)["database"]).writing() as own:
        run(own)
