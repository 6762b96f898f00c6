"""Refresh tokens that change with every use (RFC 9700 §4.14.2).

A family is a session and the tokens that continue it; its life is read from the session's row alone. One of its
tokens is unspent at any time. To use it is to spend it, for a successor; to present a spent one again is to show
that two hold it, the owner and a thief, and nobody knows which is which: the family ends. But for a moment, the
grace, a spent token leads to the same successor as before, for an owner who did not hear the first answer.

    token = the session's secret | "." | a secret of its own

So every token names its family, and one of a living family that is not on record is a spent one: records of
spent tokens are kept no longer than their grace, and a family is never larger than its last seconds.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Uuid, bindparam, delete, select, update

from dragoman.core import audit, session_ends, sessions
from dragoman.core.accounts import Account
from dragoman.core.columns import Instant, Sealed, metadata
from dragoman.core.errors import RefreshRefused, RefreshReused, SessionRefused
from dragoman.core.prepared import Prepared
from dragoman.core.principals import Presented, identify
from dragoman.core.secrets import Digest, Secret, digest, mint
from dragoman.core.sessions import Session

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("session_id", Uuid, ForeignKey(sessions.sessions.c.id, ondelete="CASCADE"), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("spent_at", Instant),
    Column("successor", Sealed),  # of a token that was spent, while it may be asked for again
    Column("grace_until", Instant, index=True),
    # Who refreshes often has hundreds that are still in their grace: to find none that is not must not take longer.
    Index(None, "session_id", "grace_until"),
)

LENGTH = 43  # letters and digits: 256 bits

_T, _NOW = refresh_tokens.c, bindparam("now", type_=Instant)
_ISSUE = Prepared(refresh_tokens.insert())
_SPEND = Prepared(
    update(refresh_tokens)
    .where(_T.digest == bindparam("mine"), _T.session_id == bindparam("session"), _T.spent_at.is_(None))
    .values(
        spent_at=_NOW,
        grace_until=bindparam("until", type_=Instant),
        successor=bindparam("sealed", type_=LargeBinary),
    )
    .returning(_T.digest)
)
_FORGET = Prepared(
    delete(refresh_tokens).where(_T.session_id == bindparam("session"), _T.grace_until <= _NOW)
)


@dataclass(frozen=True)
class Rotated:
    """Who continues, the session that goes on, and the one token that continues it from now on."""

    account: Account
    session: Session
    token: Secret


def begin(uow: UnitOfWork, session: Session, secret: Secret) -> Secret:
    """The first refresh token of a session that this unit has opened with this `secret`."""
    token = _minted(uow, secret)
    _issue(uow, session, token)
    return token


def rotate(uow: UnitOfWork, token: Secret, *, grace: timedelta, named: uuid.UUID | None = None) -> Rotated:
    """Spend a refresh token of the unit's dialect for its successor, and keep the session from idling.

    Within `grace` of being spent it leads to the same successor once more. `named` is the session that the
    caller claims to continue, if they claim one. Refuses `RefreshRefused` for a token that is unknown, of
    another session than claimed, or whose session or account is no more; `RefreshReused` for a spent one, and
    ends the family.
    """
    handle, dot, own = token.reveal().rpartition(".")
    if not dot or len(own) != LENGTH:
        raise RefreshRefused
    try:
        caller = identify(uow, Presented("session", Secret(handle)))
        session = caller.require_session()
        if named not in (None, session.id):
            raise RefreshRefused
        # The family first: who spends one of its tokens at the same instant waits here.
        sessions.hold(uow, session)
    except SessionRefused:
        raise RefreshRefused from None
    mine = digest(token)
    successor = _minted(uow, Secret(handle))
    if not _spend(uow, session, mine, grace, successor):
        return Rotated(caller.account, session, _asked_again(uow, session, mine))
    _issue(uow, session, successor)
    return Rotated(caller.account, session, successor)


def _minted(uow: UnitOfWork, secret: Secret) -> Secret:
    return mint(uow.tools.dice, length=LENGTH, prefix=f"{secret.reveal()}.")


def _issue(uow: UnitOfWork, session: Session, token: Secret) -> None:
    row = {"digest": digest(token), "session_id": session.id, "issued_at": uow.now}
    _ISSUE.write(uow.db, row)


def _spend(uow: UnitOfWork, session: Session, mine: Digest, grace: timedelta, successor: Secret) -> bool:
    """Spend a token for its successor if it is there and unspent, and drop those whose grace is over."""
    facts = {"mine": mine, "session": session.id, "now": uow.now}
    sealed = _sealed(uow, mine, successor) if grace else None
    spent = _SPEND.find(uow.db, {**facts, "until": uow.now + grace, "sealed": sealed})
    _FORGET.write(uow.db, facts)
    return spent is not None


def _sealed(uow: UnitOfWork, mine: Digest, successor: Secret) -> bytes:
    """A successor sealed for its place beside the token that it is given for."""
    plaintext = successor.reveal().encode()
    return uow.sealer.seal(uow, plaintext, table=refresh_tokens.name, column="successor", row=mine.hex())


def _asked_again(uow: UnitOfWork, session: Session, mine: Digest) -> Secret:
    """The successor of a token that was spent a moment ago. Refuses `RefreshReused`."""
    t = refresh_tokens.c
    kept = select(t.successor).where(t.digest == mine, t.session_id == session.id, t.grace_until > uow.now)
    sealed = uow.db.scalar(kept)
    if sealed is None:
        via = f"session {session.id}"
        uow.evidence(
            session_ends.ending(session),
            audit.line(uow, "refresh token reused", account=session.account_number, via=via),
        )
        raise RefreshReused
    opened = uow.sealer.open(uow, sealed, table=refresh_tokens.name, column="successor", row=mine.hex())
    return Secret(opened.decode())
