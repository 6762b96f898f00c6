"""Indexes for lists of everybody's, and what people are called by the beginnings of its words.

Follows 0009, whose programs go on. Whoever is made or renamed by one of them is not found by their display name until
that is changed again.
"""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
oldest_program = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT_A_TIME = 1000
LONGEST = 128
MOST = 8


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        # So that those that begin alike stand together in the index of the primary key. SQLite has them so.
        op.alter_column("account_names", "folded", type_=sa.String(320, collation="C"))
    op.create_table(
        "name_beginnings",
        sa.Column(
            "folded",
            sa.String(LONGEST).with_variant(sa.String(LONGEST, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("folded", "account_number", name=op.f("pk_name_beginnings")),
        sa.ForeignKeyConstraint(
            ["account_number"],
            ["accounts.number"],
            name=op.f("fk_name_beginnings_account_number"),
            ondelete="CASCADE",
        ),
    )
    fill()
    index("name_beginnings", "account_number")
    index("audit_log", "dialect", "event", "at")
    for actor in ("actor_number", "acting_as"):
        index("audit_log", actor, "at", where=f"{actor} IS NOT NULL")
    index("sessions", "idle_until", "dialect")
    op.drop_index(op.f("ix_sessions_idle_until"), "sessions")
    index("api_keys", "dialect", "account_number", "id")
    index("outbox", "state")


def fill() -> None:
    """Have everybody found who is there."""
    db, last = op.get_bind(), 0
    accounts = sa.table("accounts", sa.column("number"), sa.column("display_name"))
    beginnings = sa.table("name_beginnings", sa.column("folded"), sa.column("account_number"))
    query = sa.select(accounts).order_by(accounts.c.number).limit(AT_A_TIME)
    while found := db.execute(query.where(accounts.c.number > last)).all():
        rows = [{"folded": each, "account_number": n} for n, name in found for each in of(name)]
        if rows:
            db.execute(beginnings.insert(), rows)
        last = found[-1].number


def of(display_name: str) -> set[str]:
    """From where each of its words begins to the end of the name, folded."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", display_name).casefold())
    begins = [word.start() for word in re.finditer(r"\S+", folded)][:MOST]
    return {folded[place : place + LONGEST] for place in begins}


def index(table: str, *columns: str, where: str | None = None) -> None:
    """An index by the name that ours have."""
    condition = None if where is None else sa.text(where)
    op.create_index(
        op.f("_".join(("ix", table, *columns))),
        table,
        list(columns),
        sqlite_where=condition,
        postgresql_where=condition,
    )
