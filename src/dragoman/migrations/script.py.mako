"""${message}.

Follows: ${down_revision}. Written: ${create_date}.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
oldest_program = ${repr(up_revision)}  # an older one, if it goes on working on what this leaves


def upgrade() -> None:
    ${upgrades if upgrades else "raise NotImplementedError"}
