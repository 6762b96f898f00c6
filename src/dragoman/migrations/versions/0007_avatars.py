"""Pictures that stand for people.

Follows 0006, whose programs go on: nothing that they read or write is another.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
oldest_program = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "avatars",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_number", name=op.f("pk_avatars")),
        sa.ForeignKeyConstraint(
            ["account_number"],
            ["accounts.number"],
            name=op.f("fk_avatars_account_number"),
            ondelete="CASCADE",
        ),
    )
