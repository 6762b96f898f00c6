"""The picture that stands for somebody: one per account, small, made anew by whoever brings it (web/pictures.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, delete, select, update

from dragoman.core import audit
from dragoman.core.accounts import accounts
from dragoman.core.columns import Number, metadata
from dragoman.core.database import insert

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

avatars = Table(
    "avatars",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("picture", LargeBinary, nullable=False),
)


def put(uow: UnitOfWork, number: int, picture: bytes, *, by: Principal) -> None:
    """Let a picture stand for an account, in place of the one before."""
    fresh = insert(uow.db, avatars).values(account_number=number, picture=picture)
    key = [avatars.c.account_number]
    uow.db.execute(fresh.on_conflict_do_update(index_elements=key, set_={"picture": picture}))
    _changed(uow, number, "avatar set", by)


def remove(uow: UnitOfWork, number: int, *, by: Principal) -> None:
    """Let none stand for it."""
    if uow.db.execute(delete(avatars).where(avatars.c.account_number == number)).rowcount:
        _changed(uow, number, "avatar removed", by)


def find(uow: UnitOfWork, number: int) -> bytes | None:
    """An account's picture."""
    found: bytes | None = uow.db.scalar(select(avatars.c.picture).where(avatars.c.account_number == number))
    return found


def has_one(uow: UnitOfWork, number: int) -> bool:
    """Whether an account has a picture."""
    mine = select(avatars.c.account_number).where(avatars.c.account_number == number)
    return uow.db.scalar(mine) is not None


def _changed(uow: UnitOfWork, number: int, event: str, by: Principal) -> None:
    """The account is another now: by that date its picture is asked for anew."""
    uow.db.execute(update(accounts).where(accounts.c.number == number).values(updated_at=uow.now))
    audit.record(uow, event, account=number, by=by)
