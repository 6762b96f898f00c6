"""Signed-in continuity: a secret opens a session until it idles out, ends, or is ended.

A session belongs to one account and one dialect. It may have a parent, and dies with it. Liveness is
read from the rows in one statement (core/principals.py); ending a session deletes its row.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

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
    or_,
    select,
    update,
)

from dragoman.core import audit
from dragoman.core.accounts import accounts
from dragoman.core.database import AnyRow, Instant, Number, metadata
from dragoman.core.errors import SessionRefused
from dragoman.core.secrets import Secret, digest, mint

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, ColumnElement

    from dragoman.core.work import UnitOfWork

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), nullable=False),
    Column("dialect", String(32), nullable=False),
    Column("parent_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), index=True),
    Column("device", String(128), nullable=False),
    Column("os", String(128), nullable=False),
    Column("app_version", String(64)),
    Column("address", String(64), nullable=False),
    Column("agent", String(256), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("idle_until", Instant, nullable=False, index=True),
    Column("expires_at", Instant, index=True),
    Column("elevated_until", Instant),
    Index(None, "account_number", "dialect", "seen_at"),
)


@dataclass(frozen=True)
class Device:
    """What a client says it runs on. All of it is hearsay, shown to the account's owner."""

    name: str = ""
    os: str = ""
    app_version: str | None = None


@dataclass(frozen=True)
class Session:
    """A session as it was read. `expires_at` None: it ends only by idling; dates in UTC."""

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
) -> tuple[Session, Secret]:
    """A new session of the unit's dialect, and the secret that opens it, which is shown to nobody again."""
    lifetime, now = uow.rules.lifetime(uow.origin.dialect), uow.now
    secret = mint(uow.tools.dice)
    session = Session(
        id=uow.new_id(),
        account_number=account_number,
        dialect=uow.origin.dialect,
        parent_id=parent.id if parent else None,
        device=device.name[:128],
        os=device.os[:128],
        app_version=device.app_version[:64] if device.app_version else None,
        address=uow.origin.address[:64],
        created_at=now,
        seen_at=now,
        idle_until=lifetime.idle_until(now),
        expires_at=now + duration if duration is not None else lifetime.expires_at(now),
        elevated_until=None,
    )
    row = {**session.__dict__, "digest": digest(secret), "agent": uow.origin.agent[:256]}
    uow.db.execute(sessions.insert().values(**row))
    return session, secret


def is_live(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Neither idle nor expired at that instant (the account's and the parent's state come on top)."""
    return and_(sessions.c.idle_until > at, or_(sessions.c.expires_at.is_(None), sessions.c.expires_at > at))


def owned(uow: UnitOfWork, account_number: int, dialect: str | None = None) -> Sequence[Session]:
    """An account's live sessions, in one dialect or in all, the last seen first."""
    query = select(*COLUMNS).where(sessions.c.account_number == account_number, is_live(uow.now))
    if dialect is not None:
        query = query.where(sessions.c.dialect == dialect)
    return [of(row) for row in uow.db.execute(query.order_by(sessions.c.seen_at.desc(), sessions.c.id))]


def end(uow: UnitOfWork, session: Session) -> None:
    """End a session and its children. `SessionRefused` when somebody else has just ended it."""
    if uow.db.execute(delete(sessions).where(sessions.c.id == session.id)).rowcount == 0:
        raise SessionRefused
    audit.record(uow, "signed out", account=session.account_number, via=f"session {session.id}")


def end_all(
    uow: UnitOfWork, account_number: int, *, but: Session | None = None, dialects: Sequence[str] | None = None
) -> int:
    """End an account's sessions, all or those of some dialects, but for one. How many that were."""
    theirs = [sessions.c.account_number == account_number]
    if but is not None:
        theirs.append(sessions.c.id != but.id)
    if dialects is not None:
        theirs.append(sessions.c.dialect.in_(dialects))
    ended = uow.db.execute(delete(sessions).where(*theirs)).rowcount
    if ended:
        audit.record(uow, "sessions ended", account=account_number, count=ended)
    return ended


SEEN = (
    update(sessions)
    .where(sessions.c.id == bindparam("credential"), sessions.c.seen_at < bindparam("at", type_=Instant))
    .values(seen_at=bindparam("at", type_=Instant), idle_until=bindparam("idle", type_=Instant))
)
