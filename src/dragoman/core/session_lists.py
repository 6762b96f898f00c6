"""Sessions of everybody, in pages that cost no more at the end than at the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from dragoman.core.sessions import COLUMNS, Session, is_live, of, sessions

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from dragoman.core.work import UnitOfWork


def page(
    uow: UnitOfWork,
    *,
    account_number: int | None = None,
    dialect: str | None = None,
    after: uuid.UUID | None = None,
    limit: int,
) -> Sequence[Session]:
    """Live sessions of an account or of all, in one dialect or in all.

    Of an account those last seen come first; of all, those that would idle out last, which an index has in order. Only
    those `after` the session with this id, if that is still there.
    """
    s = sessions.c
    by = s.idle_until if account_number is None else s.seen_at
    query = select(*COLUMNS).where(is_live(uow.now)).order_by(by.desc(), s.id).limit(limit)
    if account_number is not None:
        query = query.where(s.account_number == account_number)
    if dialect is not None:
        query = query.where(s.dialect == dialect)
    last = None if after is None else uow.db.scalar(select(by).where(s.id == after))
    if last is not None:
        query = query.where(by <= last, or_(by < last, s.id > after))
    return [of(row) for row in uow.db.execute(query)]
