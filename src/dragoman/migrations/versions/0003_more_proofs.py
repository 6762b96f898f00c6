"""What sessions have proved and when, passkeys, and recovery codes.

Follows 0002, whose programs go on: nothing that they read or write is another.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
oldest_program = "0001"

INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "session_proofs",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("proved_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "method", name=op.f("pk_session_proofs")),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_session_proofs_session_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("uses", NUMBER, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("is_backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("digest", name=op.f("uq_passkeys_digest")),
        of_account("passkeys"),
    )
    op.create_index(
        op.f("ix_passkeys_account_number_created_at"), "passkeys", ["account_number", "created_at"]
    )
    op.create_table(
        "spent_challenges",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("forget_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_challenges")),
    )
    op.create_index(op.f("ix_spent_challenges_forget_at"), "spent_challenges", ["forget_at"])
    op.create_table(
        "recovery_codes",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("account_number", "digest", name=op.f("pk_recovery_codes")),
        of_account("recovery_codes"),
    )


def of_account(table: str) -> sa.ForeignKeyConstraint:
    """What an account owns goes with it."""
    name = op.f(f"fk_{table}_account_number")
    return sa.ForeignKeyConstraint(["account_number"], ["accounts.number"], name=name, ondelete="CASCADE")
