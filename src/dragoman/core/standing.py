"""Standing sessions: one for each account and device name, whose secret is shown again at the next sign-in.

Some products give a device that signs in again the key it had (Shoko contract §2.2). Such a key is the secret
of a session like any other: its liveness, its end and its owner's are those of the session's row. Only, it is
sealed besides being digested, and found by the device's name (docs/decisions/0027-standing-sessions.md).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

from sqlalchemy import (
    Column,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    bindparam,
    delete,
    select,
)

from dragoman.core import epochs, session_ends, sessions
from dragoman.core.accounts import accounts
from dragoman.core.columns import Number, Sealed, metadata
from dragoman.core.errors import NotFound
from dragoman.core.prepared import Prepared
from dragoman.core.secrets import Dice, Secret, mint

if TYPE_CHECKING:
    from dragoman.core.sessions import Device, Session
    from dragoman.core.work import UnitOfWork

standing_sessions = Table(
    "standing_sessions",
    metadata,
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), nullable=False),
    Column("dialect", String(32), nullable=False),
    Column("device", LargeBinary(32), nullable=False),  # SHA-256 of its name, which may be long
    Column("sealed", Sealed, nullable=False),
    UniqueConstraint("account_number", "dialect", "device"),
)


class _Place(TypedDict):
    table: str
    column: str
    row: uuid.UUID


_T, _S = standing_sessions.c, sessions.sessions.c
_MINE = (
    _T.account_number == bindparam("account"),
    _T.dialect == bindparam("dialect"),
    _T.device == bindparam("device"),
)
_FIND = Prepared(
    select(_T.sealed, *sessions.COLUMNS)
    .join_from(standing_sessions, sessions.sessions, _S.id == _T.session_id)
    .where(*_MINE, sessions.LIVES_NOW)
)

MOST = 1000  # of an account in a dialect; for one more, the one that was not seen for longest ends


def open_session(
    uow: UnitOfWork, account_number: int, device: Device, *, minted: Callable[[Dice], Secret] = mint
) -> tuple[Session, Secret]:
    """The session that the device has in the unit's dialect, or a new one, and the secret that opens it.

    `device.name` is compared as it is. To be called in a unit that has written the account's row before: that
    is what two sign-ins from one device queue for.
    """
    whose = _whose(uow, account_number, device.name)
    found = _FIND.find(uow.db, {**whose, "now": uow.now})
    if found is not None:
        session = sessions.Session(*found[1:])
        return session, Secret(uow.sealer.open(uow, found[0], **_place(session)).decode())
    # The row of a session that was ended and not swept yet would be in the way.
    uow.db.execute(delete(standing_sessions).where(*_MINE), whose)
    _make_room(uow, account_number)
    session, secret = sessions.open_session(uow, account_number, device, minted=minted)
    row = {
        "session_id": session.id,
        "account_number": account_number,
        "dialect": session.dialect,
        "device": whose["device"],
        "sealed": uow.sealer.seal(uow, secret.reveal().encode(), **_place(session)),
    }
    uow.db.execute(standing_sessions.insert(), row)
    return session, secret


def end_device(uow: UnitOfWork, account_number: int, name: str, *, via: str = "") -> bool:
    """End the session that an account has on a device in the unit's dialect; whether there was one."""
    found = uow.db.scalar(select(_T.session_id).where(*_MINE), _whose(uow, account_number, name))
    if found is None:
        return False
    try:
        session_ends.end_one(uow, account_number, uow.origin.dialect, found, via=via)
    except NotFound:  # it was over, or somebody else has just ended it
        return False
    return True


def _whose(uow: UnitOfWork, account_number: int, name: str) -> dict[str, Any]:
    """The parameters of `_MINE`: an account's session on a device of that name, in the unit's dialect."""
    fingerprint = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return {"account": account_number, "dialect": uow.origin.dialect, "device": fingerprint}


def _make_room(uow: UnitOfWork, account_number: int) -> None:
    s, dialect = sessions.sessions.c, uow.origin.dialect
    current = s.epoch == epochs.current(account_number, dialect)
    theirs = select(s.id).where(s.account_number == account_number, s.dialect == dialect, current)
    too_many = theirs.order_by(s.seen_at.desc()).offset(MOST - 1).limit(1)
    longest_unseen = uow.db.scalar(too_many)
    if longest_unseen is not None:
        uow.db.execute(delete(sessions.sessions).where(s.id == longest_unseen))


def _place(session: Session) -> _Place:
    return {"table": standing_sessions.name, "column": "sealed", "row": session.id}
