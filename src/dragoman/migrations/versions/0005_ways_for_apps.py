"""App passwords, sign-ins that wait to be approved, and which ways of showing a second factor an account allows.

Follows 0004, whose programs go on: nothing that they read or write is another.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
oldest_program = "0001"

INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "second_factor_ways",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("app_passwords", sa.Boolean(), nullable=False),
        sa.Column("codes", sa.Boolean(), nullable=False),
        sa.Column("approvals", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_number", name=op.f("pk_second_factor_ways")),
        owned("second_factor_ways", "account_number", "accounts.number"),
    )
    op.create_table(
        "app_passwords",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("device", sa.String(32)),
        sa.Column("agent", sa.String(256)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_passwords")),
        sa.UniqueConstraint("digest", name=op.f("uq_app_passwords_digest")),
        owned("app_passwords", "account_number", "accounts.number"),
    )
    index("app_passwords", "account_number", "created_at")
    op.create_table(
        "app_password_sessions",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("app_password_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "app_password_id", name=op.f("pk_app_password_sessions")),
        owned("app_password_sessions", "session_id", "sessions.id"),
        owned("app_password_sessions", "app_password_id", "app_passwords.id"),
    )
    index("app_password_sessions", "app_password_id")
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("os", sa.String(128), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint(
            "account_number",
            "dialect",
            "device",
            name=op.f("uq_approvals_account_number_dialect_device"),
        ),
        owned("approvals", "account_number", "accounts.number"),
    )
    index("approvals", "until")
    op.create_table(
        "approved_sessions",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_approved_sessions")),
        owned("approved_sessions", "session_id", "sessions.id"),
        owned("approved_sessions", "account_number", "accounts.number"),
    )
    index("approved_sessions", "account_number", "device")


def owned(table: str, column: str, by: str) -> sa.ForeignKeyConstraint:
    """What is owned goes with its owner."""
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [by], name=name, ondelete="CASCADE")


def index(table: str, *columns: str) -> None:
    """An index by the name that ours have."""
    op.create_index(op.f("_".join(("ix", table, *columns))), table, list(columns))
