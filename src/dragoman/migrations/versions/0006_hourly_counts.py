"""What happened in each hour, counted.

Follows 0005, whose programs go on: they know nothing of it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
oldest_program = "0001"

INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hourly_counts",
        sa.Column("hour", INSTANT, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("hour", "dialect", "kind", name=op.f("pk_hourly_counts")),
    )
