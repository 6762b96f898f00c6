"""The paths of dialects and their own settings, as chosen on the pages.

Follows 0011, whose programs go on: they leave both as they are, and serve what the configuration says.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
oldest_program = "0001"

BAG = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("dialect_choices", sa.Column("path", sa.String(128)))
    op.add_column("dialect_choices", sa.Column("settings", BAG))
    op.create_index(op.f("ix_dialect_choices_path"), "dialect_choices", ["path"], unique=True)
