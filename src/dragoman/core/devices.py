"""Devices that have signed in to an account before: strangers' failures do not lock them out.

A device is recognised by its network and its User-Agent: all that a stock client shows before it has
signed in. Whoever shares both shares the device's counter of attempts, and nothing else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ForeignKey, String, Table, and_, bindparam, delete, func, select

from dragoman.core import audit
from dragoman.core.accounts import accounts
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert_on
from dragoman.core.prepared import Prepared

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.dialects.postgresql import Insert

    from dragoman.core.principals import Principal
    from dragoman.core.work import Origin, UnitOfWork

known_devices = Table(
    "known_devices",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("device", String(32), primary_key=True),
    Column("seen_at", Instant, nullable=False, index=True),
)

MOST = 100
REMEMBERED = timedelta(days=180)

A_DAY = timedelta(days=1)


def is_this(number: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a row is of that account and of the device that `this` names, seen within half a year."""
    return and_(
        known_devices.c.account_number == number,
        known_devices.c.device == bindparam("device_name"),
        known_devices.c.seen_at > bindparam("device_since", type_=Instant),
    )


def this(uow: UnitOfWork) -> dict[str, Any]:
    """The parameters of `is_this` for the unit's own device."""
    return {"device_name": name_of(uow.origin), "device_since": uow.now - REMEMBERED}


_MINE = known_devices.c.account_number == bindparam("account")
_KNOWN = Prepared(select(known_devices.c.device).where(is_this(bindparam("account", type_=Number))))
_KEPT = select(known_devices.c.device).where(_MINE).order_by(known_devices.c.seen_at.desc()).limit(MOST)
_FORGET_OLDER = Prepared(delete(known_devices).where(_MINE, known_devices.c.device.not_in(_KEPT)))


def _remembering(engine: str) -> Insert:
    fresh = insert_on(engine, known_devices)
    return fresh.on_conflict_do_update(
        index_elements=[known_devices.c.account_number, known_devices.c.device],
        set_={"seen_at": fresh.excluded.seen_at},
    )


_REMEMBER = Prepared(_remembering)


def name_of(origin: Origin) -> str:
    """What a device is known by: 128 bits of the digest of its network and User-Agent."""
    return hashlib.sha256(f"{origin.network}\n{origin.agent}".encode("utf-8", "replace")).hexdigest()[:32]


def recognise(uow: UnitOfWork, account_number: int) -> str | None:
    """The device's name if it has signed in to this account within half a year, else None."""
    known = _KNOWN.find(uow.db, {"account": account_number, **this(uow)})
    return None if known is None else known[0]


def remember(uow: UnitOfWork, account_number: int, *, seen_at: datetime | None = None) -> None:
    """This device has signed in to this account; the account keeps its most recent hundred.

    `seen_at` is when it last did, if that is known: within a day there is nothing new to write.
    """
    if seen_at is not None and uow.now - seen_at < A_DAY:
        return
    row = {"account_number": account_number, "device": name_of(uow.origin), "seen_at": uow.now}
    _REMEMBER.write(uow.db, row)
    if seen_at is None:
        _FORGET_OLDER.write(uow.db, {"account": account_number})


@dataclass(frozen=True)
class Known:
    """How many devices an account is known to be used on, and when one of them last signed in."""

    count: int
    seen_at: datetime | None


def known(uow: UnitOfWork, account_number: int) -> Known:
    """The devices of an account that are not forgotten yet."""
    d = known_devices.c
    mine = (d.account_number == account_number, d.seen_at > uow.now - REMEMBERED)
    return Known(*uow.db.execute(select(func.count(), func.max(d.seen_at)).where(*mine)).one())


def forget_all(uow: UnitOfWork, account_number: int, *, by: Principal) -> None:
    """Take all devices of an account for strangers until they sign in again."""
    gone = uow.db.execute(delete(known_devices).where(_MINE), {"account": account_number}).rowcount
    audit.record(uow, "devices forgotten", account=account_number, by=by, count=gone)
