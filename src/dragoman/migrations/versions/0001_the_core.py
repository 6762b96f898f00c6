"""The core: accounts, what they sign in with, what is on record, and the keys that seal.

Follows: nothing. The types are spelled out, not imported: a revision means the same for ever.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
oldest_program = "0001"

INSTANT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BAG = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    create_accounts()
    create_links()
    create_credentials()
    create_defences()
    create_records()
    create_mail()


def create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(256), nullable=False),
        sa.Column("email", sa.String(320)),
        sa.Column("display_name", sa.String(256), nullable=False),
        sa.Column("is_admin", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("password", sa.Text()),
        sa.Column("password_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("password_changed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("signed_in_at", INSTANT),
        sa.Column("disabled_at", INSTANT),
        sa.Column("deleted_at", INSTANT),
        sa.Column("attributes", BAG, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_accounts")),
        sa.UniqueConstraint("id", name=op.f("uq_accounts_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account_names",
        sa.Column("folded", sa.String(320), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("folded", name=op.f("pk_account_names")),
        of_account("account_names"),
    )
    index("account_names", "account_number")

    op.create_table(
        "linked_identities",
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("linked_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_linked_identities")),
        of_account("linked_identities"),
    )
    index("linked_identities", "account_number")
    create_permissions()


def create_permissions() -> None:
    op.create_table(
        "account_permissions",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("account_number", "name", name=op.f("pk_account_permissions")),
        of_account("account_permissions"),
    )
    op.create_table(
        "account_groups",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("permissions", BAG, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("attributes", BAG, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_account_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_account_groups_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "group_members",
        sa.Column("group_number", NUMBER, nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("group_number", "account_number", name=op.f("pk_group_members")),
        of_account("group_members"),
        sa.ForeignKeyConstraint(
            ["group_number"],
            ["account_groups.number"],
            name=op.f("fk_group_members_group_number"),
            ondelete="CASCADE",
        ),
    )
    index("group_members", "account_number")


def create_links() -> None:
    op.create_table(
        "tickets",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("spent_at", INSTANT),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tickets")),
        of_account("tickets"),
    )
    index("tickets", "account_number", "expires_at")
    index("tickets", "expires_at")
    op.create_table(
        "access_tokens",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("creator_number", NUMBER, nullable=False),
        sa.Column("url", sa.String(1023), nullable=False),
        sa.Column("permissions", BAG, nullable=False),
        sa.Column("password", sa.Text()),
        sa.Column("is_limited", sa.Boolean(), nullable=False),
        sa.Column("views_left", sa.Integer(), nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("requires_sign_in", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("standing_kind", sa.String(16)),
        sa.Column("standing_id", NUMBER),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_access_tokens_digest")),
        sa.UniqueConstraint(
            "creator_number",
            "dialect",
            "standing_kind",
            "standing_id",
            name=op.f("uq_access_tokens_creator_number_dialect_standing_kind_standing_id"),
        ),
        of_account("access_tokens"),
        of_account("access_tokens", "creator_number"),
        sqlite_autoincrement=True,
    )
    index("access_tokens", "account_number", "dialect", "id")
    index("access_tokens", "dialect", "id")
    index("access_tokens", "expires_at")
    op.create_table(
        "shared_objects",
        sa.Column("access_token_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("object_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("access_token_id", "kind", "object_id", name=op.f("pk_shared_objects")),
        of_link("shared_objects"),
    )
    index("shared_objects", "kind", "object_id")
    op.create_table(
        "link_visits",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("access_token_id", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_visits")),
        of_link("link_visits"),
        sqlite_autoincrement=True,
    )
    index("link_visits", "access_token_id", "id")


def create_credentials() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("os", sa.String(128), nullable=False),
        sa.Column("app_version", sa.String(64)),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(256), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("idle_until", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("elevated_until", INSTANT),
        sa.Column("attributes", BAG, nullable=False),
        sa.Column("access_token_id", NUMBER),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
        of_account("sessions"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["sessions.id"], name=op.f("fk_sessions_parent_id"), ondelete="CASCADE"
        ),
        of_link("sessions"),
    )
    visitors = sa.text("access_token_id IS NOT NULL")
    op.create_index(
        op.f("ix_sessions_access_token_id_created_at"),
        "sessions",
        ["access_token_id", "created_at"],
        sqlite_where=visitors,
        postgresql_where=visitors,
    )
    index("sessions", "account_number", "dialect", "epoch", "seen_at")
    index("sessions", "expires_at")
    index("sessions", "idle_until")
    index("sessions", "parent_id")
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("spent_at", INSTANT),
        sa.Column("successor", sa.LargeBinary()),
        sa.Column("grace_until", INSTANT),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_tokens")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id"), ondelete="CASCADE"
        ),
    )
    index("refresh_tokens", "grace_until")
    index("refresh_tokens", "session_id")
    op.create_table(
        "standing_sessions",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("device", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_standing_sessions")),
        sa.UniqueConstraint(
            "account_number",
            "dialect",
            "device",
            name=op.f("uq_standing_sessions_account_number_dialect_device"),
        ),
        of_account("standing_sessions"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_standing_sessions_session_id"), ondelete="CASCADE"
        ),
    )
    op.create_table(
        "session_epochs",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("swept", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_number", "dialect", name=op.f("pk_session_epochs")),
        of_account("session_epochs"),
    )
    unswept = sa.text("swept < epoch")
    op.create_index(
        op.f("ix_session_epochs_unswept"),
        "session_epochs",
        ["account_number"],
        sqlite_where=unswept,
        postgresql_where=unswept,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("permissions", BAG, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("expires_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
        of_account("api_keys"),
    )
    index("api_keys", "account_number", "dialect", "created_at")
    index("api_keys", "expires_at")
    op.create_table(
        "pins",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account_number", name=op.f("pk_pins")),
        of_account("pins"),
    )
    op.create_table(
        "totp_factors",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("drift", sa.Integer(), nullable=False),
        sa.Column("last_step", NUMBER, nullable=False),
        sa.Column("enabled_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account_number", name=op.f("pk_totp_factors")),
        of_account("totp_factors"),
    )
    op.create_table(
        "impersonations",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("subject_number", NUMBER, nullable=False),
        sa.Column("permission", sa.String(128), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_impersonations")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_impersonations_session_id"), ondelete="CASCADE"
        ),
    )


def create_defences() -> None:
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", INSTANT),
        sa.Column("forget_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttles")),
    )
    index("throttles", "forget_at")
    op.create_table(
        "known_devices",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account_number", "device", name=op.f("pk_known_devices")),
        of_account("known_devices"),
    )
    index("known_devices", "seen_at")
    op.create_table(
        "data_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("master_id", sa.String(32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
        sa.UniqueConstraint("number", name=op.f("uq_data_keys_number")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(32), nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("algorithm", sa.String(16), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("public", BAG),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT),
        sa.Column("gone_at", INSTANT),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
        sa.UniqueConstraint("dialect", "number", name=op.f("uq_signing_keys_dialect_number")),
    )
    index("signing_keys", "gone_at")


def create_records() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("account_number", NUMBER),
        sa.Column("actor_number", NUMBER),
        sa.Column("acting_as", NUMBER),
        sa.Column("via", sa.String(64), server_default="", nullable=False),
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(256), nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("detail", BAG),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    index("audit_log", "account_number", "at")
    index("audit_log", "at")
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("installed_at", INSTANT, nullable=False),
        sa.Column("first_account_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "product_facts",
        sa.Column("dialect", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", BAG, nullable=False),
        sa.PrimaryKeyConstraint("dialect", "name", name=op.f("pk_product_facts")),
    )


def create_mail() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("letter", sa.LargeBinary()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("posted_at", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(300)),
        sa.Column("shown_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        of_account("outbox"),
    )
    index("outbox", "account_number", "posted_at")
    index("outbox", "due_at")
    index("outbox", "finished_at")
    op.create_table(
        "password_resets",
        sa.Column("account_number", NUMBER, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("password_version", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(320)),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account_number", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("digest", name=op.f("uq_password_resets_digest")),
        of_account("password_resets"),
    )
    index("password_resets", "expires_at")


def of_account(table: str, column: str = "account_number") -> sa.ForeignKeyConstraint:
    """What an account owns goes with it."""
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], ["accounts.number"], name=name, ondelete="CASCADE")


def of_link(table: str) -> sa.ForeignKeyConstraint:
    """What a link let in, or shares, goes with it."""
    name = op.f(f"fk_{table}_access_token_id")
    return sa.ForeignKeyConstraint(["access_token_id"], ["access_tokens.id"], name=name, ondelete="CASCADE")


def index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
