"""An index by which a family's spent refresh tokens are found in the order in which they are forgotten.

Follows 0010, whose programs go on: whatever used the one that it replaces uses this.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
oldest_program = "0001"


def upgrade() -> None:
    columns = ["session_id", "grace_until"]
    op.create_index(op.f("ix_refresh_tokens_session_id_grace_until"), "refresh_tokens", columns)
    op.drop_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens")
