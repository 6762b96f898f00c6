"""Ending many sessions with one row: a session lives in the epoch it was opened in, and no longer.

Each account has an epoch in each dialect, 0 until it was ended once. Ending all its sessions there begins
the next, however many they are; the broom removes the rows of epochs past, batch by batch. It is a count
and not a date, so that no clock of any node decides what is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, func, select, text, update

from dragoman.core.accounts import accounts
from dragoman.core.columns import WHERE, Number, metadata
from dragoman.core.database import insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from dragoman.core.work import UnitOfWork

UNSWEPT = "swept < epoch"

session_epochs = Table(
    "session_epochs",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("dialect", String(32), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("swept", Integer, nullable=False),  # no rows of epochs before this one are left
    # Nearly always empty: the broom asks every minute.
    Index(
        "ix_session_epochs_unswept",
        "account_number",
        info={WHERE: UNSWEPT},
    ),
)


@dataclass(frozen=True)
class Ended:
    """The sessions of an account in a dialect that are of epochs before `epoch`."""

    account_number: int
    dialect: str
    epoch: int


def current(
    account_number: ColumnElement[int] | int, dialect: ColumnElement[str] | str
) -> ColumnElement[int]:
    """The epoch of an account in a dialect, as part of a statement."""
    e = session_epochs.c
    asked = select(func.coalesce(func.max(e.epoch), 0))  # one row, also where the account has none
    return asked.where(e.account_number == account_number, e.dialect == dialect).scalar_subquery()


def next_epoch(uow: UnitOfWork, account_number: int, dialect: str) -> int:
    """Begin the next epoch, and so end every session of the account there. Which it is."""
    first = insert(uow.db, session_epochs).values(
        account_number=account_number, dialect=dialect, epoch=1, swept=0
    )
    key = [session_epochs.c.account_number, session_epochs.c.dialect]
    begun = first.on_conflict_do_update(index_elements=key, set_={"epoch": session_epochs.c.epoch + 1})
    return int(uow.db.execute(begun.returning(session_epochs.c.epoch)).scalar_one())


def unswept(uow: UnitOfWork, *, limit: int) -> Sequence[Ended]:
    """Up to `limit` accounts and dialects with rows of epochs past, which no other node is sweeping."""
    e = session_epochs.c
    left = select(e.account_number, e.dialect, e.epoch).where(text(UNSWEPT)).order_by(e.account_number)
    mine = left.limit(limit).with_for_update(skip_locked=True)
    return [Ended(*row) for row in uow.db.execute(mine)]


def is_swept(uow: UnitOfWork, ended: Ended) -> None:
    """None of these rows are left."""
    e = session_epochs.c
    mine = (e.account_number == ended.account_number, e.dialect == ended.dialect, e.swept < ended.epoch)
    uow.db.execute(update(session_epochs).where(*mine).values(swept=ended.epoch))
