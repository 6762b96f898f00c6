"""Signed-in continuity: a secret opens a session until it idles out, ends, or is ended.

A session belongs to one account and one dialect. It may have a parent, and dies with it. Whether it lives
is read from the rows in one statement (`is_live`): its own, its ancestors', and its account's epoch. How it
ends is core/session_ends.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    and_,
    bindparam,
    literal,
    or_,
    select,
    update,
)

from dragoman.core import audit, epochs
from dragoman.core.accounts import accounts
from dragoman.core.columns import WHERE, Bag, Instant, Number, metadata
from dragoman.core.database import AnyRow, AnySelect
from dragoman.core.errors import NotFound, SessionRefused, TooMany
from dragoman.core.prepared import Prepared
from dragoman.core.secrets import Dice, Secret, digest, mint

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, ColumnElement, FromClause

    from dragoman.core.work import UnitOfWork

VISITORS = "access_token_id IS NOT NULL"

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), nullable=False),
    Column("dialect", String(32), nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("parent_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), index=True),
    Column("device", String(128), nullable=False),
    Column("os", String(128), nullable=False),
    Column("app_version", String(64)),
    Column("address", String(64), nullable=False),
    Column("agent", String(256), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("idle_until", Instant, nullable=False),
    Column("expires_at", Instant, index=True),
    Column("elevated_until", Instant),
    Column("attributes", Bag, nullable=False),
    # A visitor's (core/link_visits.py): it goes when the link goes.
    Column("access_token_id", Number, ForeignKey("access_tokens.id", ondelete="CASCADE")),
    Index(None, "account_number", "dialect", "epoch", "seen_at"),
    # In this order: by the other, SQLite would look for an account's sessions among everybody's.
    Index(None, "idle_until", "dialect"),
    # Most sessions are no visitors'.
    Index(
        "ix_sessions_access_token_id_created_at",
        "access_token_id",
        "created_at",
        info={WHERE: VISITORS},
    ),
)

# How deep sessions may open sessions. Each level is looked at whenever one is used, and databases delete
# what hangs on a row only so many levels deep.
MOST_ANCESTORS = 3


@dataclass(frozen=True)
class Device:
    """What a client says it runs on. All of it is hearsay, shown to the account's owner."""

    name: str = ""
    os: str = ""
    app_version: str | None = None

    @property
    def stored(self) -> Mapping[str, str | None]:
        """What is kept of it, by the names of the columns: as much as there is room for."""
        version = self.app_version[:64] if self.app_version else None
        return {"device": self.name[:128], "os": self.os[:128], "app_version": version}


@dataclass(frozen=True)
class Session:
    """A session as it was read. `expires_at` None: it ends only by idling; dates in UTC.

    `attributes` holds facts that mean something to its own dialect alone. With an `access_token_id` it is a
    visitor's, whom that link lets in.
    """

    id: uuid.UUID
    account_number: int
    dialect: str
    parent_id: uuid.UUID | None
    device: str
    os: str
    app_version: str | None
    address: str
    created_at: datetime
    seen_at: datetime
    idle_until: datetime
    expires_at: datetime | None
    elevated_until: datetime | None
    attributes: Mapping[str, Any] = field(hash=False)
    access_token_id: int | None = None


_OPEN = Prepared(sessions.insert())
# A session opened while another unit ends them all has the old epoch, and is ended with them.
_OPEN_IN_CURRENT_EPOCH = Prepared(
    sessions.insert().values(
        epoch=epochs.current(bindparam("of_account", type_=Number), bindparam("of_dialect", type_=String()))
    )
)
COLUMNS = tuple(sessions.c[name] for name in Session.__dataclass_fields__)


def of(row: AnyRow) -> Session:
    """The session in a row of `COLUMNS`, in their order."""
    return Session(*row)


def open_session(
    uow: UnitOfWork,
    account_number: int,
    device: Device,
    *,
    parent: Session | None = None,
    duration: timedelta | None = None,
    access_token_id: int | None = None,
    minted: Callable[[Dice], Secret] = mint,
) -> tuple[Session, Secret]:
    """A new session of the unit's dialect, and the secret that opens it, which is shown to nobody again.

    With a `parent` it dies with that, and with an access token with that. `minted` makes the secret, where a product
    wants it to look its own way. Refuses `SessionRefused` when the parent is not alive, or is not this account's in
    this dialect, and `TooMany` when it has too many ancestors itself.
    """
    lifetime, now, dialect = uow.rules.lifetime(uow.origin.dialect), uow.now, uow.origin.dialect
    secret = minted(uow.tools.dice)
    session = Session(
        id=uow.new_id(),
        account_number=account_number,
        dialect=dialect,
        parent_id=parent.id if parent else None,
        **device.stored,  # type: ignore[arg-type]  # each name has its own type
        address=uow.origin.address[:64],
        created_at=now,
        seen_at=now,
        idle_until=lifetime.idle_until(now),
        expires_at=now + duration if duration is not None else lifetime.expires_at(now),
        elevated_until=None,
        attributes={},
        access_token_id=access_token_id,
    )
    row = {**session.__dict__, "digest": digest(secret), "agent": uow.origin.agent[:256]}
    if parent is None:
        _OPEN_IN_CURRENT_EPOCH.write(uow.db, {**row, "of_account": account_number, "of_dialect": dialect})
    else:
        _OPEN.write(uow.db, {**row, "epoch": _epoch_of(uow, session, parent.id)})
    return session, secret


def _epoch_of(uow: UnitOfWork, child: Session, parent_id: uuid.UUID) -> int:
    """The parent's epoch. Refuses `SessionRefused`, `TooMany`."""
    row = _find(uow, _AS_PARENT, child.account_number, child.dialect, parent_id)
    if row is None:
        raise SessionRefused
    ancestors, above = 1, row.parent_id
    while above is not None:
        ancestors += 1
        above = uow.db.scalar(select(sessions.c.parent_id).where(sessions.c.id == above))
    if ancestors > MOST_ANCESTORS:
        raise TooMany("nested session", MOST_ANCESTORS)
    epoch: int = row.epoch
    return epoch


def is_live(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Neither idle nor expired at that instant, nor ended with all others, and so each of its ancestors.

    For statements about `sessions`. The account's own state comes on top.
    """
    s = sessions.c
    return _lives(sessions, epochs.current(s.account_number, s.dialect), at, MOST_ANCESTORS)


def _lives(
    one: FromClause, epoch: ColumnElement[int], at: datetime | BindParameter[datetime], ancestors: int
) -> ColumnElement[bool]:
    s = one.c
    own = and_(s.epoch == epoch, s.idle_until > at, or_(s.expires_at.is_(None), s.expires_at > at))
    if ancestors == 0:
        return and_(own, s.parent_id.is_(None))
    parent = sessions.alias(f"ancestor_{ancestors}")
    above = _lives(parent, s.epoch, at, ancestors - 1)
    lives = select(literal(1)).where(parent.c.id == s.parent_id, above).exists()
    return and_(own, or_(s.parent_id.is_(None), lives))


# For statements that are built once and told the instant as `now`: to build three levels takes a millisecond.
LIVES_NOW = is_live(bindparam("now", type_=Instant))


def _owned_by() -> AnySelect:
    """The live sessions of an account in a dialect. Here one epoch holds for all, and the index knows it."""
    account, dialect = bindparam("account", type_=Number), bindparam("dialect", type_=String())
    s, epoch = sessions.c, epochs.current(account, dialect)
    theirs = select(*COLUMNS).where(s.account_number == account, s.dialect == dialect)
    return theirs.where(_lives(sessions, epoch, bindparam("now", type_=Instant), MOST_ANCESTORS))


# Built once: building one takes longer than asking the database.
_LAST_SEEN_FIRST = (sessions.c.seen_at.desc(), sessions.c.id)
_OWNED = _owned_by().order_by(*_LAST_SEEN_FIRST)
_OWNED_ONE = _owned_by().where(sessions.c.id == bindparam("session"))
_FOR_CHANGE = _OWNED_ONE.with_for_update(of=sessions)
# A lock that keeps the parent from being deleted before its child is there.
_AS_PARENT = _OWNED_ONE.with_only_columns(sessions.c.epoch, sessions.c.parent_id).with_for_update(
    read=True, key_share=True, of=sessions
)
_HOLD = Prepared(
    select(sessions.c.id)
    .where(sessions.c.id == bindparam("session"), LIVES_NOW)
    .with_for_update(key_share=True, of=sessions)
)


def _find(
    uow: UnitOfWork, query: AnySelect, account_number: int, dialect: str, session_id: uuid.UUID
) -> AnyRow | None:
    facts = {"account": account_number, "dialect": dialect, "session": session_id, "now": uow.now}
    return uow.db.execute(query, facts).one_or_none()


def owned(
    uow: UnitOfWork,
    account_number: int | None = None,
    dialect: str | None = None,
    *,
    limit: int | None = None,
) -> Sequence[Session]:
    """Live sessions of an account or of all, in one dialect or in all, the last seen first."""
    if account_number is not None and dialect is not None:
        facts = {"account": account_number, "dialect": dialect, "now": uow.now}
        query = _OWNED if limit is None else _OWNED.limit(limit)
        return [of(row) for row in uow.db.execute(query, facts).all()]
    query = select(*COLUMNS).where(is_live(uow.now)).order_by(*_LAST_SEEN_FIRST).limit(limit)
    if account_number is not None:
        query = query.where(sessions.c.account_number == account_number)
    if dialect is not None:
        query = query.where(sessions.c.dialect == dialect)
    return [of(row) for row in uow.db.execute(query).all()]


def find_owned(uow: UnitOfWork, account_number: int, dialect: str, session_id: uuid.UUID) -> Session | None:
    """The live session of an account in a dialect that has this id."""
    row = _find(uow, _OWNED_ONE, account_number, dialect, session_id)
    return None if row is None else of(row)


def get_owned(uow: UnitOfWork, account_number: int, dialect: str, session_id: uuid.UUID) -> Session:
    """As `find_owned`. Refuses `NotFound`."""
    found = find_owned(uow, account_number, dialect, session_id)
    if found is None:
        raise NotFound("session")
    return found


def get(uow: UnitOfWork, session_id: uuid.UUID) -> Session:
    """The live session with this id, whoever's it is: for the operator. Refuses `NotFound`."""
    row = uow.db.execute(select(*COLUMNS).where(sessions.c.id == session_id, is_live(uow.now))).one_or_none()
    if row is None:
        raise NotFound("session")
    return of(row)


def lock_one(
    uow: UnitOfWork, account_number: int, dialect: str, session_id: uuid.UUID, *, via: str = ""
) -> None:
    """End the elevation of a session of an account, if it has one. Refuses `NotFound`."""
    session = get_owned(uow, account_number, dialect, session_id)
    _update_one(uow, session, elevated_until=None)
    audit.record(uow, "session locked", account=account_number, via=via, session=str(session_id))


def set_attributes(
    uow: UnitOfWork, account_number: int, dialect: str, session_id: uuid.UUID, facts: Mapping[str, Any]
) -> Session:
    """Lay facts over those that the dialect keeps with a session; the session then. Refuses `NotFound`."""
    # The lock first: what is read, merged and written nobody may write between.
    row = _find(uow, _FOR_CHANGE, account_number, dialect, session_id)
    if row is None:
        raise NotFound("session")
    session = of(row)
    return _update_one(uow, session, attributes={**session.attributes, **facts})


def dated(uow: UnitOfWork, dialect: str) -> dict[str, datetime]:
    """What to write with whatever else is written of a dialect's session (Immich contract §2.7).

    Never "last seen" alone: who is seen within the hour writes nothing, and so would not keep it from idling.
    """
    return {"seen_at": uow.now, "idle_until": uow.rules.lifetime(dialect).idle_until(uow.now)}


def _update_one(uow: UnitOfWork, session: Session, **values: Any) -> Session:
    values |= dated(uow, session.dialect)
    if uow.db.execute(update(sessions).where(sessions.c.id == session.id).values(**values)).rowcount == 0:
        raise NotFound("session")
    return replace(session, **values)


def hold(uow: UnitOfWork, session: Session) -> None:
    """Keep a session to this unit until that ends. Refuses `SessionRefused` if it is over."""
    if _HOLD.find(uow.db, {"session": session.id, "now": uow.now}) is None:
        raise SessionRefused
