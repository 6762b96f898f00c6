"""Tickets: secrets for a single hand-over. Whoever is handed one learns whose it is, once, and gets in nowhere.

A signed-in client asks for a ticket and passes it on; another party, which holds nothing else, has it checked
(ELEMENTS contract §4). It is spent by one UPDATE at the first check
(docs/decisions/0007-a-secret-is-spent-once.md), and void while its owner's account is not active.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, String, Table, func, select, update

from dragoman.core import accounts, audit
from dragoman.core.accounts import Account
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.errors import TicketRefused, TooMany
from dragoman.core.secrets import Secret, digest, mint

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

tickets = Table(
    "tickets",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column(
        "account_number", Number, ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"), nullable=False
    ),
    Column("dialect", String(32), nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("spent_at", Instant),
    Index(None, "account_number", "expires_at"),
)

GOOD_FOR = timedelta(seconds=60)
MOST = 1000  # of an account within those


def issue(uow: UnitOfWork, by: Principal) -> Secret:
    """A ticket for the caller's account in the unit's dialect, 238 bits, good for a minute. Refuses `TooMany`."""
    number = by.account.number
    accounts.lock(uow, number)
    unexpired = (tickets.c.account_number == number, tickets.c.expires_at > uow.now)
    if (uow.db.scalar(select(func.count()).select_from(tickets).where(*unexpired)) or 0) >= MOST:
        raise TooMany("ticket", MOST)
    secret = mint(uow.tools.dice)
    row = {
        "digest": digest(secret),
        "account_number": number,
        "dialect": uow.origin.dialect,
        "expires_at": uow.now + GOOD_FOR,
    }
    uow.db.execute(tickets.insert(), row)
    audit.record(uow, "ticket issued", account=number, by=by)
    return secret


def redeem(uow: UnitOfWork, secret: Secret) -> Account:
    """Spend a ticket of the unit's dialect: whose it is. Nothing is opened by it.

    Refuses `TicketRefused` when it is unknown, spent or expired, or its owner's account is disabled or deleted:
    all alike.
    """
    t = tickets.c
    good = (
        t.digest == digest(secret),
        t.dialect == uow.origin.dialect,
        t.spent_at.is_(None),
        t.expires_at > uow.now,
        accounts.is_active(t.account_number),
    )
    spend = update(tickets).where(*good).values(spent_at=uow.now).returning(t.account_number)
    number = uow.db.scalar(spend)
    account = None if number is None else accounts.find_by_number(uow, number)
    if account is None:
        raise TicketRefused
    audit.record(uow, "ticket redeemed", account=number)
    return account
