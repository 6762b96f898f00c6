"""Indexes for lists of accounts by username and by display name.

Follows: 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
oldest_program = "0001"

NOT_DELETED = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    for name in ("username", "display_name"):
        op.create_index(
            op.f(f"ix_accounts_{name}_number"),
            "accounts",
            [name, "number"],
            sqlite_where=NOT_DELETED,
            postgresql_where=NOT_DELETED,
        )
