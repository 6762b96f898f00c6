"""Which dialects are served, and at which host names, as chosen on the pages.

Follows 0007, whose programs go on: they serve what the configuration says.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
oldest_program = "0001"


def upgrade() -> None:
    op.create_table(
        "dialect_choices",
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("host", sa.String(253)),
        sa.PrimaryKeyConstraint("dialect", name=op.f("pk_dialect_choices")),
        sa.UniqueConstraint("host", name=op.f("uq_dialect_choices_host")),
    )
