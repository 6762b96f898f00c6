"""Ending sessions: one of them, the one that a secret opens, or all of an account at once.

Ending one deletes its row; ending all begins a new epoch (core/epochs.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from dragoman.core import audit, epochs
from dragoman.core.accounts import lock
from dragoman.core.errors import NotFound, SessionRefused
from dragoman.core.secrets import Secret, digest
from dragoman.core.sessions import Session, get_owned, is_live, sessions

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Executable

    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

MOST_COUNTED = 1000


def ending(session: Session) -> Executable:
    """The statement that ends a session and its children, as the evidence of a refusal. Idempotent."""
    return delete(sessions).where(sessions.c.id == session.id)


def end(uow: UnitOfWork, session: Session) -> None:
    """End a session and its children. `SessionRefused` when somebody else has just ended it."""
    if not _delete(uow, session.id):
        raise SessionRefused
    audit.record(uow, "signed out", account=session.account_number, via=f"session {session.id}")


def end_held(uow: UnitOfWork, secret: Secret) -> bool:
    """End the session that a secret opens in the unit's dialect, whoever's it is; whether there was one."""
    s = sessions.c
    held = (s.digest == digest(secret), s.dialect == uow.origin.dialect, is_live(uow.now))
    row = uow.db.execute(select(s.id, s.account_number).where(*held)).one_or_none()
    if row is None or not _delete(uow, row.id):  # somebody else may have ended it just now
        return False
    audit.record(uow, "signed out", account=row.account_number, via=f"session {row.id}")
    return True


def end_one(
    uow: UnitOfWork,
    account_number: int,
    dialect: str,
    session_id: uuid.UUID,
    *,
    via: str = "",
    by: Principal | None = None,
) -> None:
    """End a session of an account in a dialect, and its children. Refuses `NotFound`."""
    get_owned(uow, account_number, dialect, session_id)
    if not _delete(uow, session_id):
        raise NotFound("session")
    audit.record(uow, "session ended", account=account_number, by=by, via=via, session=str(session_id))


def _delete(uow: UnitOfWork, session_id: uuid.UUID) -> bool:
    s = sessions.c
    not_ended = s.epoch == epochs.current(s.account_number, s.dialect)
    return uow.db.execute(delete(sessions).where(s.id == session_id, not_ended)).rowcount == 1


def end_all(
    uow: UnitOfWork,
    account_number: int,
    *,
    but: Session | None = None,
    dialects: Sequence[str] | None = None,
    by: Principal | None = None,
) -> int:
    """End an account's sessions, all or those of some dialects, but for one. How many that were.

    It takes effect at once and takes the same time for any number: no more than a thousand in a dialect are
    counted. The one that is spared loses its children, and if it is a child of one that ends, it ends with
    that all the same.
    """
    # Who signs in writes the account's row first: waited for here, their session is among those that end.
    lock(uow, account_number)
    ended = 0
    for dialect in _dialects_of(uow, account_number):
        there = _counted(uow, account_number, dialect) if dialects is None or dialect in dialects else 0
        if there:
            epoch = epochs.next_epoch(uow, account_number, dialect)
            ended += there - _take_along(uow, account_number, but, dialect, epoch)
    if ended:
        audit.record(uow, "sessions ended", account=account_number, by=by, count=ended)
    return ended


def _dialects_of(uow: UnitOfWork, account_number: int) -> Iterator[str]:
    """The dialects in which there are rows of an account's sessions. One look into the index for each."""
    s, after = sessions.c, ""
    while True:
        later = select(func.min(s.dialect)).where(s.account_number == account_number, s.dialect > after)
        found: str | None = uow.db.scalar(later)
        if found is None:
            return
        yield (after := found)


def _counted(uow: UnitOfWork, account_number: int, dialect: str) -> int:
    s, epoch = sessions.c, epochs.current(account_number, dialect)
    theirs = select(s.id).where(s.account_number == account_number, s.dialect == dialect, s.epoch == epoch)
    return uow.db.scalar(select(func.count()).select_from(theirs.limit(MOST_COUNTED).subquery())) or 0


def _take_along(
    uow: UnitOfWork, account_number: int, spared: Session | None, dialect: str, epoch: int
) -> int:
    """Take a session along into the epoch that has just begun, unless it was over before. How many: 0 or 1."""
    if spared is None or (spared.account_number, spared.dialect) != (account_number, dialect):
        return 0
    alive = (sessions.c.id == spared.id, sessions.c.epoch == epoch - 1)
    return uow.db.execute(update(sessions).where(*alive).values(epoch=epoch)).rowcount
