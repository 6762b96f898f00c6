"""API keys: long-lived secrets for programs, each bound to one account, one dialect and its permissions."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Uuid,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from dragoman.core import accounts, audit
from dragoman.core.columns import Bag, Instant, Number, metadata
from dragoman.core.database import AnyRow
from dragoman.core.errors import ApiKeyRefused, NotFound, PermissionsExceeded, TooMany
from dragoman.core.names import checked
from dragoman.core.secrets import PLAIN_KEY, KeyForm, Secret, digest

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column(
        "account_number", Number, ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"), nullable=False
    ),
    Column("dialect", String(32), nullable=False),
    Column("name", String(256), nullable=False),
    Column("hint", String(16), nullable=False),
    Column("permissions", Bag, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("expires_at", Instant, index=True),
    Index(None, "account_number", "dialect", "created_at"),
    Index(None, "dialect", "account_number", "id"),
)

ALL = "all"
MOST = 1000  # of an account in a dialect
USED_EVERY = timedelta(minutes=1)  # how stale "last used" may get before it is written again


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

    @property
    def number(self) -> int:
        """An integer name among an account's keys: its id's first 48 bits, which are random.

        JavaScript can count to it.
        """
        return self.id.int >> 80

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
    form: KeyForm = PLAIN_KEY,
    by: Principal | None = None,
) -> tuple[ApiKey, Secret]:
    """A new key and its secret, which is shown to nobody again. `name` is checked as names are.

    `form` is what the dialect's keys look like. `by` is who asks for it: a caller with a key gives no more than that
    key has. Refuses `NameRefused`, `PermissionsExceeded`, `TooMany`, and as `Principal.require_maker` does.
    """
    # What a key has is then the same when it is given on as when it was looked at, and each key is counted.
    accounts.lock(uow, account_number)
    mine = (api_keys.c.account_number == account_number, api_keys.c.dialect == dialect)
    if (uow.db.scalar(select(func.count()).select_from(api_keys).where(*mine)) or 0) >= MOST:
        raise TooMany("API key", MOST)
    _require_within(uow, by, permissions)
    secret = form.mint(uow.tools.dice)
    key = ApiKey(
        id=uow.new_id(),
        account_number=account_number,
        dialect=dialect,
        name=checked("name", name),
        hint=form.hint(secret),
        permissions=sorted(set(permissions)),
        created_at=uow.now,
        updated_at=uow.now,
        used_at=None,
        expires_at=expires_at,
    )
    uow.db.execute(api_keys.insert().values(**key.__dict__, digest=digest(secret)))
    audit.record(uow, "key issued", account=account_number, by=by, key=str(key.id), of=dialect)
    return key, secret


def _require_within(uow: UnitOfWork, by: Principal | None, permissions: Sequence[str]) -> None:
    """A caller with a key has each of these permissions; others with a session may do all, and the operator."""
    if by is not None:
        by.require_maker(uow)
    if by is None or by.api_key is None:
        return
    # Read again: it may have lost permissions since it was identified, or be gone.
    stored = select(api_keys.c.permissions, api_keys.c.updated_at).where(api_keys.c.id == by.api_key.id)
    row = uow.db.execute(stored).one_or_none()
    if row is None:
        raise ApiKeyRefused
    has = set(row.permissions)
    if row.updated_at == by.api_key.updated_at:
        has.update(by.api_key.permissions)  # the same, perhaps in the words of another release
    if ALL not in has and not has.issuperset(permissions):
        raise PermissionsExceeded


def owned(uow: UnitOfWork, account_number: int | None = None, dialect: str | None = None) -> Sequence[ApiKey]:
    """Keys of an account or of all, in one dialect or in all, the newest first."""
    query = select(*COLUMNS).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
    if account_number is not None:
        query = query.where(api_keys.c.account_number == account_number)
    if dialect is not None:
        query = query.where(api_keys.c.dialect == dialect)
    return [of(row) for row in uow.db.execute(query)]


def page(
    uow: UnitOfWork, account_number: int, *, limit: int, after: uuid.UUID | None = None
) -> Sequence[ApiKey]:
    """Keys of an account in all dialects, the newest first: those after the key `after`, if that is still there."""
    k = api_keys.c
    mine = (k.account_number == account_number,)
    query = select(*COLUMNS).where(*mine).order_by(k.created_at.desc(), k.id).limit(limit)
    last = uow.db.scalar(select(k.created_at).where(k.id == after, *mine))
    if last is not None:
        query = query.where(or_(k.created_at < last, and_(k.created_at == last, k.id > after)))
    return [of(row) for row in uow.db.execute(query)]


def page_of_all(
    uow: UnitOfWork,
    *,
    account_number: int | None = None,
    dialect: str | None = None,
    after: uuid.UUID | None = None,
    limit: int,
) -> Sequence[ApiKey]:
    """Keys of an account or of all, by the numbers of their owners; those after the key `after`, if that is there."""
    k = api_keys.c
    query = select(*COLUMNS).order_by(k.account_number, k.id).limit(limit)
    if account_number is not None:
        query = query.where(k.account_number == account_number)
    if dialect is not None:
        query = query.where(k.dialect == dialect)
    owner = uow.db.scalar(select(k.account_number).where(k.id == after))
    if owner is not None:
        further = or_(k.account_number > owner, k.id > after)
        query = query.where(k.account_number >= owner, further)
    return [of(row) for row in uow.db.execute(query)]


def get_owned(uow: UnitOfWork, owner: int, dialect: str, key_id: uuid.UUID) -> ApiKey:
    """The key of an account in a dialect that has this id, expired or not. Refuses `NotFound`."""
    row = uow.db.execute(select(*COLUMNS).where(*_mine(owner, dialect, key_id))).one_or_none()
    if row is None:
        raise NotFound("API key")
    return of(row)


def get_numbered(uow: UnitOfWork, owner: int, dialect: str, number: int) -> ApiKey:
    """The key of an account in a dialect that has this `number`. Refuses `NotFound`."""
    found = next((key for key in owned(uow, owner, dialect) if key.number == number), None)
    if found is None:
        raise NotFound("API key")
    return found


def _mine(owner: int, dialect: str, key_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    k = api_keys.c
    return (k.id == key_id, k.account_number == owner, k.dialect == dialect)


def change(
    uow: UnitOfWork,
    owner: int,
    dialect: str,
    key_id: uuid.UUID,
    *,
    name: str | None = None,
    permissions: Sequence[str] | None = None,
    by: Principal | None = None,
) -> ApiKey:
    """Change a key's name or what it may do, from now on; None: as it is. The key as it is then.

    A caller with a key gives no more than that key has. Refuses `NotFound`, `NameRefused`,
    `PermissionsExceeded`; other permissions as `Principal.require_maker` does.
    """
    accounts.lock(uow, owner)
    get_owned(uow, owner, dialect, key_id)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = checked("name", name)
    if permissions is not None:
        _require_within(uow, by, permissions)
        values["permissions"] = sorted(set(permissions))
    changed = update(api_keys).where(*_mine(owner, dialect, key_id)).values(**values, updated_at=uow.now)
    row = uow.db.execute(changed.returning(*COLUMNS)).one_or_none()
    if row is None:
        raise NotFound("API key")
    audit.record(uow, "key changed", account=owner, by=by, key=str(key_id), fields=sorted(values))
    return of(row)


def rotate(
    uow: UnitOfWork,
    owner: int,
    dialect: str,
    key_id: uuid.UUID,
    *,
    form: KeyForm = PLAIN_KEY,
    by: Principal | None = None,
) -> tuple[ApiKey, Secret]:
    """Give a key another secret, shown to nobody again; the one before is dead at once. Nothing else changes.

    A caller with a key rotates none that has more: its new secret would be theirs. Refuses `NotFound`,
    `PermissionsExceeded`, and as `Principal.require_maker` does.
    """
    accounts.lock(uow, owner)
    _require_within(uow, by, get_owned(uow, owner, dialect, key_id).permissions)
    secret = form.mint(uow.tools.dice)
    spent = update(api_keys).where(*_mine(owner, dialect, key_id))
    renewed = spent.values(digest=digest(secret), hint=form.hint(secret), updated_at=uow.now)
    row = uow.db.execute(renewed.returning(*COLUMNS)).one_or_none()
    if row is None:
        raise NotFound("API key")
    audit.record(uow, "key rotated", account=owner, by=by, key=str(key_id))
    return of(row), secret


def revoke(
    uow: UnitOfWork,
    key_id: uuid.UUID,
    *,
    owner: int | None = None,
    dialect: str | None = None,
    by: Principal | None = None,
) -> int:
    """Revoke a key, of this `owner` and `dialect` where they are named; the number of whose it was.

    Refuses `WhileImpersonating`; `NotFound` when there is no such key.
    """
    if by is not None:
        by.require_no_actor()
    mine = [api_keys.c.id == key_id]
    if owner is not None:
        mine.append(api_keys.c.account_number == owner)
    if dialect is not None:
        mine.append(api_keys.c.dialect == dialect)
    number = uow.db.scalar(delete(api_keys).where(*mine).returning(api_keys.c.account_number))
    if number is None:
        raise NotFound("API key")
    audit.record(uow, "key revoked", account=number, by=by, key=str(key_id))
    owner_number: int = number
    return owner_number


_USED_BEFORE = or_(api_keys.c.used_at.is_(None), api_keys.c.used_at < bindparam("at", type_=Instant))
USED = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("credential"), _USED_BEFORE)
    .values(used_at=bindparam("at", type_=Instant))
)
