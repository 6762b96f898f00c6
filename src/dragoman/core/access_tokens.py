"""One-time access tokens: links that are handed on, with an end, a number of views or a password.

ELEMENTS' own name for what its Media Library shares (contract §4); "one time" is a link with one view. A link
has a creator, and an account that whoever opens it is shown as (core/link_visits.py). What it shares are
references: an id and a name. Its token is digested to be found by, and sealed to be shown to its people again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypedDict

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    or_,
    select,
    update,
)

from dragoman.core import accounts, audit, letters, outbox
from dragoman.core.columns import Bag, Instant, Number, Sealed, metadata
from dragoman.core.database import AnyRow
from dragoman.core.errors import EndInPast, LinkOver, NoAddress, NotFound, TooMany
from dragoman.core.secrets import Secret, digest, mint

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

Kind = Literal["bundle", "directory"]

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("dialect", String(32), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("sealed", Sealed, nullable=False),
    Column(
        "account_number", Number, ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"), nullable=False
    ),
    Column(
        "creator_number", Number, ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"), nullable=False
    ),
    Column("url", String(1023), nullable=False),
    Column("permissions", Bag, nullable=False),
    Column("password", Text),  # a hash; read by core/link_visits.py alone
    Column("is_limited", Boolean, nullable=False),
    Column("views_left", Integer, nullable=False),
    Column("expires_at", Instant, index=True),
    Column("requires_sign_in", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    # Of the standing link of an object: what it stands for.
    Column("standing_kind", String(16)),
    Column("standing_id", Number),
    Index(None, "dialect", "id"),
    Index(None, "account_number", "dialect", "id"),
    UniqueConstraint("creator_number", "dialect", "standing_kind", "standing_id"),
    sqlite_autoincrement=True,  # an id is never given twice
)
shared_objects = Table(
    "shared_objects",
    metadata,
    Column("access_token_id", Number, ForeignKey(access_tokens.c.id, ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("object_id", Number, primary_key=True, autoincrement=False),
    Column("name", String(256), nullable=False),
    Index(None, "kind", "object_id"),
)

MOST = 10_000  # of a creator in a dialect
MOST_SHARED = 1000  # by one link
LARGEST = 2**63 - 1  # of the ids that the database can hold


@dataclass(frozen=True)
class SharedObject:
    """What a link shares: an id and a name in another part of the product."""

    kind: Kind
    id: int
    name: str


@dataclass(frozen=True)
class NewAccessToken:
    """What is asked of a new link.

    It is opened as the account `account_number` and leads to `url`. `views` None: any number; `expires_at` None:
    no end. `permissions` mean something to the dialect alone. `password` is a hash.
    """

    account_number: int
    url: str
    shared: Sequence[SharedObject] = ()
    permissions: Mapping[str, bool] = field(default_factory=dict)
    password: str | None = field(default=None, repr=False)
    views: int | None = None
    expires_at: datetime | None = None
    requires_sign_in: bool = False


@dataclass(frozen=True)
class OneTimeAccessToken:
    """A link as it was read. `views_left` counts only if it `is_limited`.

    `standing_kind` and `standing_id` name the object whose standing link it is, if it is one.
    """

    id: int
    dialect: str
    account_number: int
    creator_number: int
    url: str
    permissions: Mapping[str, bool] = field(hash=False)
    is_limited: bool
    views_left: int
    expires_at: datetime | None
    requires_sign_in: bool
    created_at: datetime
    standing_kind: Kind | None
    standing_id: int | None
    sealed: bytes = field(repr=False)
    has_password: bool


_STORED = [name for name in OneTimeAccessToken.__dataclass_fields__ if name != "has_password"]
COLUMNS = (
    *(access_tokens.c[name] for name in _STORED),
    access_tokens.c.password.is_not(None).label("has_password"),
)


class _Place(TypedDict):
    table: str
    column: str
    row: int


def of(row: AnyRow) -> OneTimeAccessToken:
    """The link in a row that begins with `COLUMNS`, in their order."""
    return OneTimeAccessToken(*row[: len(COLUMNS)])


def issue(uow: UnitOfWork, new: NewAccessToken, *, by: Principal) -> OneTimeAccessToken:
    """A new link of the unit's dialect, made by the caller.

    Refuses `EndInPast`, `TooMany`, and as `Principal.require_maker` does.
    """
    accounts.lock(uow, by.account.number)
    return _issue(uow, new, by=by)


def _issue(
    uow: UnitOfWork, new: NewAccessToken, *, by: Principal, standing_for: SharedObject | None = None
) -> OneTimeAccessToken:
    by.require_maker(uow)
    if new.expires_at is not None and new.expires_at <= uow.now:
        raise EndInPast
    t, creator = access_tokens.c, by.account.number
    mine = (t.creator_number == creator, t.dialect == uow.origin.dialect)
    if (uow.db.scalar(select(func.count()).select_from(access_tokens).where(*mine)) or 0) >= MOST:
        raise TooMany("access token", MOST)
    if len(new.shared) > MOST_SHARED:
        raise TooMany("shared object", MOST_SHARED)
    secret = mint(uow.tools.dice)
    row = {
        "dialect": uow.origin.dialect,
        "digest": digest(secret),
        "sealed": b"",  # the seal is bound to the id, which is not known yet
        "account_number": new.account_number,
        "creator_number": creator,
        "url": new.url,
        "permissions": dict(new.permissions),
        "password": new.password,
        "is_limited": new.views is not None,
        "views_left": new.views or 0,
        "expires_at": new.expires_at,
        "requires_sign_in": new.requires_sign_in,
        "created_at": uow.now,
        "standing_kind": standing_for.kind if standing_for else None,
        "standing_id": standing_for.id if standing_for else None,
    }
    number = uow.db.execute(access_tokens.insert().values(row).returning(t.id)).scalar_one()
    sealed = uow.sealer.seal(uow, secret.reveal().encode(), **_place(number))
    uow.db.execute(update(access_tokens).where(t.id == number).values(sealed=sealed))
    if new.shared:
        shared = {(each.kind, each.id): each.name[:256] for each in new.shared}
        rows = [
            {"access_token_id": number, "kind": kind, "object_id": object_id, "name": name}
            for (kind, object_id), name in shared.items()
        ]
        uow.db.execute(shared_objects.insert(), rows)
    audit.record(uow, "link made", account=new.account_number, by=by, link=number)
    return get(uow, number, visible_to=None)


def standing(
    uow: UnitOfWork, shared: SharedObject, url: str, *, by: Principal, requires_sign_in: bool = False
) -> OneTimeAccessToken:
    """The caller's standing link of one object: the one there is, or a new one without an end. Refuses `TooMany`."""
    # Two that ask at once queue here, and are given the same.
    accounts.lock(uow, by.account.number)
    row = uow.db.execute(select(*COLUMNS).where(*_standing_of(uow, shared.kind, shared.id, by))).one_or_none()
    if row is not None:
        return of(row)
    new = NewAccessToken(by.account.number, url, shared=(shared,), requires_sign_in=requires_sign_in)
    return _issue(uow, new, by=by, standing_for=shared)


def end_standing(uow: UnitOfWork, kind: Kind, object_id: int, *, by: Principal) -> None:
    """Revoke the caller's standing link of an object. Refuses `NotFound`."""
    found = uow.db.scalar(select(access_tokens.c.id).where(*_standing_of(uow, kind, object_id, by)))
    if found is None:
        raise NotFound("access token")
    revoke(uow, found, visible_to=by.account.number, by=by)


def _standing_of(
    uow: UnitOfWork, kind: Kind, object_id: int, by: Principal
) -> tuple[ColumnElement[bool], ...]:
    t = access_tokens.c
    return (
        t.creator_number == by.account.number,
        t.dialect == uow.origin.dialect,
        t.standing_kind == kind,
        t.standing_id == storable(object_id),
    )


def get(uow: UnitOfWork, link_id: int, *, visible_to: int | None) -> OneTimeAccessToken:
    """The link of the unit's dialect with this id. Refuses `NotFound`.

    `visible_to` is the number of whoever looks: only links that they made or that are opened as them are there.
    None sees all.
    """
    row = uow.db.execute(select(*COLUMNS).where(*_visible(uow, link_id, visible_to))).one_or_none()
    if row is None:
        raise NotFound("access token")
    return of(row)


def revoke(uow: UnitOfWork, link_id: int, *, visible_to: int | None, by: Principal | None = None) -> None:
    """Delete a link, and with it every session that it opened. Refuses `NotFound`, as `get` does."""
    _delete(uow, link_id, *_visible(uow, link_id, visible_to), by=by)


def revoke_own(uow: UnitOfWork, link_id: int, *, by: Principal) -> None:
    """The same to a link of any dialect that the caller made or that is opened as them."""
    _delete(uow, link_id, access_tokens.c.id == storable(link_id), is_of(by.account.number), by=by)


def revoke_any(uow: UnitOfWork, link_id: int, *, by: Principal) -> None:
    """The same to whosever link of any dialect, for administrators. Refuses `WhileImpersonating` besides."""
    by.require_no_actor()
    _delete(uow, link_id, access_tokens.c.id == storable(link_id), by=by)


def _delete(uow: UnitOfWork, link_id: int, *which: ColumnElement[bool], by: Principal | None) -> None:
    # Whoever opens it at this instant has its row, or finds none: their session goes with it, too.
    number = uow.db.scalar(delete(access_tokens).where(*which).returning(access_tokens.c.account_number))
    if number is None:
        raise NotFound("access token")
    audit.record(uow, "link revoked", account=number, by=by, link=link_id)


def is_of(number: int) -> ColumnElement[bool]:
    """That somebody made a link, or that it is opened as them."""
    return or_(access_tokens.c.creator_number == number, access_tokens.c.account_number == number)


def _visible(uow: UnitOfWork, link_id: int, visible_to: int | None) -> tuple[ColumnElement[bool], ...]:
    t = access_tokens.c
    this = (t.id == storable(link_id), t.dialect == uow.origin.dialect)
    if visible_to is None:
        return this
    return (*this, is_of(visible_to))


def storable(number: int) -> int:
    """A number as the database can read it: one that no row can have becomes another such."""
    return max(-LARGEST, min(number, LARGEST))


def can_be_opened(uow: UnitOfWork) -> tuple[ColumnElement[bool], ...]:
    """That a link is neither over nor used up, and both its people's accounts are active, in a statement."""
    t = access_tokens.c
    return (
        or_(t.expires_at.is_(None), t.expires_at > uow.now),
        or_(t.is_limited.is_(False), t.views_left > 0),
        accounts.is_active(t.account_number),
        accounts.is_active(t.creator_number),
    )


def token_of(uow: UnitOfWork, link: OneTimeAccessToken) -> Secret:
    """The token that opens a link: for its creator, whom it is opened as, and administrators alone."""
    return Secret(uow.sealer.open(uow, link.sealed, **_place(link.id)).decode())


def mail(
    uow: UnitOfWork,
    link: OneTimeAccessToken,
    address: str,
    *,
    by: Principal,
    to: str | None = None,
    subject: str | None = None,
    words: str | None = None,
) -> None:
    """Mail somebody the `address` by which a link is opened: whom it is opened as, unless `to` says otherwise.

    `subject` and `words` are the sender's. Refuses `LinkOver`, `NoAddress`, `NameRefused`, `Throttled`.
    """
    t = access_tokens.c
    if uow.db.scalar(select(t.id).where(t.id == link.id, *can_be_opened(uow))) is None:
        raise LinkOver
    opened_as = accounts.find_by_number(uow, link.account_number)
    recipient = to or (opened_as.email if opened_as else None)
    if recipient is None:
        raise NoAddress
    letter = letters.write(
        "link",
        sender=by.account.display_name,
        subject=None if subject is None else " ".join(subject.split()),
        words=words,
        link=address,
        has_password=link.has_password,
    )
    outbox.post(uow, letter, to=recipient, kind="link", of=by.account.number, until=link.expires_at)


def shared_by(uow: UnitOfWork, link_ids: Sequence[int]) -> Mapping[int, Sequence[SharedObject]]:
    """What links share, in the order of the objects' ids; nothing for one that shares nothing."""
    s = shared_objects.c
    found: dict[int, list[SharedObject]] = {}
    query = select(s.access_token_id, s.kind, s.object_id, s.name).order_by(s.object_id)
    for row in uow.db.execute(query.where(s.access_token_id.in_(link_ids))):
        found.setdefault(row.access_token_id, []).append(SharedObject(row.kind, row.object_id, row.name))
    return found


def _place(link_id: int) -> _Place:
    return {"table": access_tokens.name, "column": "sealed", "row": link_id}
