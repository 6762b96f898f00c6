"""API keys: long-lived secrets for programs, each bound to one account, one dialect and its permissions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Uuid,
    bindparam,
    delete,
    or_,
    select,
    update,
)

from dragoman.core import audit
from dragoman.core.accounts import accounts, checked
from dragoman.core.database import AnyRow, Bag, Instant, Number, metadata
from dragoman.core.errors import NotFound
from dragoman.core.secrets import Secret, digest, hint, mint

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), nullable=False),
    Column("dialect", String(32), nullable=False),
    Column("name", String(256), nullable=False),
    Column("hint", String(16), nullable=False),
    Column("permissions", Bag, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("expires_at", Instant, index=True),
    Index(None, "account_number", "dialect", "created_at"),
)

ALL = "all"


@dataclass(frozen=True)
class ApiKey:
    """An API key as it was read. `hint` is the secret's beginning; `expires_at` None: it does not expire."""

    id: uuid.UUID
    account_number: int
    dialect: str
    name: str
    hint: str
    permissions: Sequence[str]
    created_at: datetime
    updated_at: datetime
    used_at: datetime | None
    expires_at: datetime | None

    def allows(self, permission: str) -> bool:
        """Whether the key carries this permission, or all."""
        return ALL in self.permissions or permission in self.permissions


COLUMNS = tuple(api_keys.c[name] for name in ApiKey.__dataclass_fields__)


def of(row: AnyRow) -> ApiKey:
    """The key in a row of `COLUMNS`, in their order."""
    return ApiKey(*row)


def issue(
    uow: UnitOfWork,
    account_number: int,
    dialect: str,
    *,
    name: str,
    permissions: Sequence[str],
    expires_at: datetime | None = None,
    prefix: str = "",
) -> tuple[ApiKey, Secret]:
    """A new key and its secret, which is shown to nobody again. `name` is checked as names are."""
    secret = mint(uow.tools.dice, prefix=prefix)
    key = ApiKey(
        id=uow.new_id(),
        account_number=account_number,
        dialect=dialect,
        name=checked("name", name),
        hint=hint(secret),
        permissions=sorted(set(permissions)),
        created_at=uow.now,
        updated_at=uow.now,
        used_at=None,
        expires_at=expires_at,
    )
    uow.db.execute(api_keys.insert().values(**key.__dict__, digest=digest(secret)))
    audit.record(uow, "key issued", account=account_number, key=str(key.id), of=dialect)
    return key, secret


def owned(uow: UnitOfWork, account_number: int | None = None, dialect: str | None = None) -> Sequence[ApiKey]:
    """Keys of an account or of all, in one dialect or in all, the newest first."""
    query = select(*COLUMNS).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
    if account_number is not None:
        query = query.where(api_keys.c.account_number == account_number)
    if dialect is not None:
        query = query.where(api_keys.c.dialect == dialect)
    return [of(row) for row in uow.db.execute(query)]


def revoke(uow: UnitOfWork, key_id: uuid.UUID, *, owner: int | None = None) -> None:
    """Revoke a key. `NotFound` when there is none, or it is not the `owner`'s where one is named."""
    mine = [api_keys.c.id == key_id]
    if owner is not None:
        mine.append(api_keys.c.account_number == owner)
    number = uow.db.scalar(delete(api_keys).where(*mine).returning(api_keys.c.account_number))
    if number is None:
        raise NotFound("API key")
    audit.record(uow, "key revoked", account=number, key=str(key_id))


_USED_BEFORE = or_(api_keys.c.used_at.is_(None), api_keys.c.used_at < bindparam("at", type_=Instant))
USED = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("credential"), _USED_BEFORE)
    .values(used_at=bindparam("at", type_=Instant))
)
