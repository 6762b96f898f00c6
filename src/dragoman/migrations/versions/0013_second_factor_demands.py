"""Who is asked for a second factor.

Follows 0012, whose programs go on: they ask for codes wherever there are any.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
oldest_program = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "second_factor_demands",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("demand", sa.String(16), nullable=False),
        sa.Column("is_imposed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_number", name=op.f("pk_second_factor_demands")),
        sa.ForeignKeyConstraint(
            ["account_number"],
            ["accounts.number"],
            name=op.f("fk_second_factor_demands_account_number"),
            ondelete="CASCADE",
        ),
    )
