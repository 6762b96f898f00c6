"""Approving a sign-in elsewhere: an app whose password was right is refused, while its owner is asked on the pages.

Once approved, the next sign-in of the same account, dialect and device (core/devices.py: network and User-Agent) passes
within ten minutes, and spends it. From then on the device is known by its sessions: as long as one of those that it
opened this way lives, it signs in by the password alone; with the last of them it is a stranger again.
"""

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
    String,
    Table,
    UniqueConstraint,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    update,
)

from dragoman.core import accounts, audit, devices
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import NotFound
from dragoman.core.sessions import is_live, sessions
from dragoman.core.telling import ask_owner

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.accounts import Account
    from dragoman.core.principals import Principal
    from dragoman.core.sessions import Device, Session
    from dragoman.core.work import UnitOfWork

approvals = Table(
    "approvals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "account_number", Number, ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"), nullable=False
    ),
    Column("dialect", String(32), nullable=False),
    Column("device", String(32), nullable=False),
    Column("name", String(128), nullable=False),
    Column("os", String(128), nullable=False),
    Column("address", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("until", Instant, nullable=False, index=True),
    UniqueConstraint("account_number", "dialect", "device"),
)
# Which sessions make a device known.
approved_sessions = Table(
    "approved_sessions",
    metadata,
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "account_number", Number, ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"), nullable=False
    ),
    Column("device", String(32), nullable=False),
    Index(None, "account_number", "device"),
)

WAITS = timedelta(minutes=30)
PASSES = timedelta(minutes=10)
REFUSED = timedelta(days=1)  # that long nobody is asked again for a device that was refused
MOST = 10  # of an account that wait at once


@dataclass(frozen=True)
class Approval:
    """A sign-in that waits to be approved: which device, from where, since when, and until when it is asked for."""

    id: uuid.UUID
    dialect: str
    name: str
    os: str
    address: str
    asked_at: datetime
    until: datetime


_COLUMNS = [approvals.c[name] for name in Approval.__dataclass_fields__]
# Every page asks it, and to build a statement takes longer than to run it.
_ANY_WAITS = (
    select(approvals.c.id)
    .where(
        approvals.c.account_number == bindparam("account"),
        approvals.c.state == "waiting",
        approvals.c.until > bindparam("now", type_=Instant),
    )
    .limit(1)
)


def ask(uow: UnitOfWork, account: Account, device: Device) -> None:
    """Ask the owner about the unit's device, whose password was right: on the pages and by mail.

    Once for each device until that is over, and for no more than `MOST`: nobody fills a mailbox with it.
    """
    a, number = approvals.c, account.number
    accounts.lock(uow, number)  # so that each is counted
    uow.db.execute(delete(approvals).where(a.account_number == number, a.until <= uow.now))
    waits = (
        select(func.count()).select_from(approvals).where(a.account_number == number, a.state == "waiting")
    )
    if (uow.db.scalar(waits) or 0) >= MOST:
        return
    fresh = insert(uow.db, approvals).values(
        id=uow.new_id(),
        **_this(uow, number),
        name=(device.name or uow.origin.agent)[:128],
        os=device.os[:128],
        address=uow.origin.address[:64],
        state="waiting",
        asked_at=uow.now,
        until=uow.now + WAITS,
    )
    if uow.db.scalar(fresh.on_conflict_do_nothing().returning(a.id)) is not None:
        ask_owner(uow, account, until=uow.now + WAITS)
        audit.record(uow, "approval asked for", account=number)


def passes(uow: UnitOfWork, number: int) -> bool:
    """Whether `take` would let the unit's device in. Nothing is spent."""
    return (
        _is_known(uow, number)
        or uow.db.scalar(select(approvals.c.id).where(*_granted(uow, number))) is not None
    )


def take(uow: UnitOfWork, number: int) -> bool:
    """Whether the unit's device is known, or was approved, which is spent by it."""
    return _is_known(uow, number) or (
        uow.db.scalar(delete(approvals).where(*_granted(uow, number)).returning(approvals.c.id)) is not None
    )


def know(uow: UnitOfWork, session: Session) -> None:
    """The unit's device has opened this session, and is known by it."""
    fresh = insert(uow.db, approved_sessions).values(
        session_id=session.id, account_number=session.account_number, device=devices.name_of(uow.origin)
    )
    uow.db.execute(fresh.on_conflict_do_nothing())


def waiting(uow: UnitOfWork, number: int) -> Sequence[Approval]:
    """What an account's owner is asked, the newest first."""
    asked = (
        select(*_COLUMNS).where(*_waits(uow, number)).order_by(approvals.c.asked_at.desc(), approvals.c.id)
    )
    return [Approval(*row) for row in uow.db.execute(asked)]


def any_waits(uow: UnitOfWork, number: int) -> bool:
    """Whether the owner is asked anything."""
    return uow.db.scalar(_ANY_WAITS, {"account": number, "now": uow.now}) is not None


def approve(uow: UnitOfWork, approval_id: uuid.UUID, *, by: Principal) -> Approval:
    """Let the next sign-in of that device pass; what was asked. Refuses `SessionRequired`, `WhileImpersonating`, `NotFound`."""
    return _answer(uow, approval_id, "approved", PASSES, by=by)


def refuse(uow: UnitOfWork, approval_id: uuid.UUID, *, by: Principal, owner: int | None = None) -> None:
    """Ask no more about that device for a day. Refuses as `approve` does.

    An administrator refuses what an `owner` is asked. Refuses `AdminOnly` to others.
    """
    if owner is not None:
        by.require_admin()
    _answer(uow, approval_id, "refused", REFUSED, by=by, owner=owner)


def _answer(
    uow: UnitOfWork,
    approval_id: uuid.UUID,
    state: str,
    lasts: timedelta,
    *,
    by: Principal,
    owner: int | None = None,
) -> Approval:
    by.require_in_person()
    by.require_maker(uow)
    number = by.account.number if owner is None else owner
    mine = update(approvals).where(approvals.c.id == approval_id, *_waits(uow, number))
    answered = mine.values(state=state, until=uow.now + lasts).returning(*_COLUMNS)
    row = uow.db.execute(answered).one_or_none()
    if row is None:
        raise NotFound("approval")
    audit.record(uow, f"sign-in {state}", account=number, by=by, approval=str(approval_id))
    return Approval(*row)


def _this(uow: UnitOfWork, number: int) -> dict[str, Any]:
    return {"account_number": number, "dialect": uow.origin.dialect, "device": devices.name_of(uow.origin)}


def _granted(uow: UnitOfWork, number: int) -> Sequence[ColumnElement[bool]]:
    a = approvals.c
    mine = [a[name] == value for name, value in _this(uow, number).items()]
    return (*mine, a.state == "approved", a.until > uow.now)


def _waits(uow: UnitOfWork, number: int) -> Sequence[ColumnElement[bool]]:
    a = approvals.c
    return (a.account_number == number, a.state == "waiting", a.until > uow.now)


def _is_known(uow: UnitOfWork, number: int) -> bool:
    this = _this(uow, number)
    opened = (
        select(approved_sessions.c.session_id)
        .join(sessions)
        .where(
            approved_sessions.c.account_number == number,
            approved_sessions.c.device == this["device"],
            sessions.c.dialect == this["dialect"],
            is_live(uow.now),
        )
    )
    return uow.db.scalar(opened.limit(1)) is not None
