"""Devices that have signed in to an account before: strangers' failures do not lock them out.

A device is recognised by its network and its User-Agent: all that a stock client shows before it has
signed in. Whoever shares both shares the device's counter of attempts, and nothing else.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, String, Table, delete, select

from dragoman.core.accounts import accounts
from dragoman.core.database import Instant, Number, insert, metadata

if TYPE_CHECKING:
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


def name_of(origin: Origin) -> str:
    """What a device is known by: 128 bits of the digest of its network and User-Agent."""
    return hashlib.sha256(f"{origin.network}\n{origin.agent}".encode("utf-8", "replace")).hexdigest()[:32]


def recognise(uow: UnitOfWork, account_number: int) -> str | None:
    """The device's name if it has signed in to this account within half a year, else None."""
    device = name_of(uow.origin)
    known = select(known_devices.c.device).where(
        known_devices.c.account_number == account_number,
        known_devices.c.device == device,
        known_devices.c.seen_at > uow.now - REMEMBERED,
    )
    return uow.db.scalar(known)


def remember(uow: UnitOfWork, account_number: int) -> None:
    """This device has signed in to this account; the account keeps its most recent hundred."""
    fresh = insert(uow.db, known_devices).values(
        account_number=account_number, device=name_of(uow.origin), seen_at=uow.now
    )
    uow.db.execute(
        fresh.on_conflict_do_update(
            index_elements=[known_devices.c.account_number, known_devices.c.device], set_={"seen_at": uow.now}
        )
    )
    mine = known_devices.c.account_number == account_number
    kept = select(known_devices.c.device).where(mine).order_by(known_devices.c.seen_at.desc()).limit(MOST)
    uow.db.execute(delete(known_devices).where(mine, known_devices.c.device.not_in(kept)))
