"""Acting as somebody else: for a while, an administrator sees what a user sees and does what that user may.

It is a state of one session, the administrator's own, and never of an API key, which others may hold. While it
lasts the caller's account is the user's, the `subject`, and the administrator is the `actor` (RFC 8693 §4.1); both
are in every line of the audit log. What the user signs in with cannot be changed meanwhile: what is done as
somebody else ends with it (ELEMENTS contract §4).

Whether it lasts is found out each time with the session. Once it is over, by time, because the administrator lost
the permission or because the user is disabled, the session is refused and not given back to the administrator:
what was meant to be done as one must not be done as the other. Only who stops in time goes on as themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, String, Table, Uuid, delete, select, update

from dragoman.core import accounts, audit, permissions, session_ends, sessions
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import (
    AlreadyImpersonating,
    CannotImpersonate,
    NotFound,
    NotImpersonating,
    SessionRefused,
)
from dragoman.core.secrets import Secret, digest
from dragoman.core.work import Acting

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

impersonations = Table(
    "impersonations",
    metadata,
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    # No foreign key: with the row of a user who is purged, the session would be the administrator's again.
    Column("subject_number", Number, nullable=False),
    Column("permission", String(permissions.LONGEST_NAME), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
)


@dataclass(frozen=True)
class Impersonation:
    """As whom a session acts, by which permission, and until when."""

    subject_number: int
    permission: str
    ends_at: datetime


COLUMNS = tuple(impersonations.c[name] for name in Impersonation.__dataclass_fields__)


def start(uow: UnitOfWork, caller: Principal, subject_number: int, *, permission: str) -> Account:
    """Let the calling session act as another account, until it stops or for as long as the rules allow; as whom.

    The caller needs the `permission`, each time until then, and may do all that the other may. Refuses
    `SessionRequired`, `AlreadyImpersonating`, `PermissionMissing`, `NotFound`, `CannotImpersonate`,
    `PermissionsExceeded`.
    """
    session = caller.require_session()
    if caller.actor is not None:
        raise AlreadyImpersonating
    permissions.require(uow, caller, permission)
    subject = accounts.find_by_number(uow, subject_number)
    if subject is None or subject.deleted_at is not None:
        raise NotFound("account")
    if subject.number == caller.account.number or not subject.is_active:
        raise CannotImpersonate
    permissions.require_over(uow, caller, subject)
    # Its elevation was bought with the administrator's own PIN. The lock keeps the session while a row hangs on it.
    s = sessions.sessions.c
    mine = update(sessions.sessions).where(s.id == session.id, sessions.is_live(uow.now))
    if uow.db.execute(mine.values(elevated_until=None)).rowcount == 0:
        raise SessionRefused
    begun = insert(uow.db, impersonations).values(
        session_id=session.id,
        subject_number=subject.number,
        permission=permission,
        started_at=uow.now,
        ends_at=uow.now + uow.rules.impersonation_lasts,
    )
    if uow.db.scalar(begun.on_conflict_do_nothing().returning(impersonations.c.session_id)) is None:
        raise AlreadyImpersonating
    audit.record(uow, "impersonation started", account=subject.number, by=caller)
    return subject


def stop(uow: UnitOfWork, caller: Principal) -> None:
    """Let the calling session be its owner's again. Refuses `NotImpersonating`, and `SessionRequired` to keys."""
    session = caller.require_session()
    over = delete(impersonations).where(impersonations.c.session_id == session.id)
    if caller.actor is None or uow.db.execute(over).rowcount == 0:
        raise NotImpersonating
    audit.record(uow, "impersonation stopped", account=caller.account.number, by=caller)


def subject_of(uow: UnitOfWork, actor: Account, running: Impersonation) -> Account:
    """As whom the owner of a session acts now; known to the unit from here on. `SessionRefused` when it is over."""
    subject = accounts.find_by_number(uow, running.subject_number)
    theirs = permissions.of(uow, actor)
    is_over = running.ends_at <= uow.now or not theirs.allows(running.permission)
    if is_over or subject is None or not subject.is_active or not theirs.covers(permissions.of(uow, subject)):
        raise SessionRefused
    uow.acts(Acting(actor.number, subject.number))
    return subject


def end_held(uow: UnitOfWork, secret: Secret) -> bool:
    """As `session_ends.end_held`, also while its owner acts as somebody else: that ends with it. Both are on record."""
    s, i = sessions.sessions.c, impersonations.c
    both = select(s.account_number, i.subject_number).join(impersonations, i.session_id == s.id)
    found = uow.db.execute(both.where(s.digest == digest(secret))).one_or_none()
    if found is not None:
        uow.acts(Acting(*found))
    return session_ends.end_held(uow, secret)
