"""Links by which people make accounts of their own.

Follows 0008, whose programs go on: nothing that they read or write is another.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
oldest_program = "0001"

INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BAG = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("inviter_number", NUMBER),
        sa.Column("email", sa.String(320)),
        sa.Column("username", sa.String(256)),
        sa.Column("display_name", sa.String(256)),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("group_numbers", BAG, nullable=False),
        sa.Column("mail_id", sa.Uuid()),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT),
        sa.Column("guest_number", NUMBER),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
        of_account("inviter_number"),
        of_account("guest_number"),
    )
    for column in ("inviter_number", "expires_at", "guest_number"):
        op.create_index(op.f(f"ix_invitations_{column}"), "invitations", [column])


def of_account(column: str) -> sa.ForeignKeyConstraint:
    """An invitation goes with whoever made it, and with the account that was made by it."""
    name = op.f(f"fk_invitations_{column}")
    return sa.ForeignKeyConstraint([column], ["accounts.number"], name=name, ondelete="CASCADE")
