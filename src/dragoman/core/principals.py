"""Who is calling, and through what: from what a request held up to a `Principal`, or a refusal."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import bindparam, or_, select, update

from dragoman.core import accounts, api_keys, app_passwords, impersonation, sessions
from dragoman.core.accounts import Account
from dragoman.core.api_keys import ApiKey
from dragoman.core.columns import Instant
from dragoman.core.database import AnySelect
from dragoman.core.errors import (
    AdminOnly,
    ApiKeyOwnerGone,
    ApiKeyRefused,
    CredentialRefused,
    NotSignedIn,
    PermissionMissing,
    SessionOwnerGone,
    SessionRefused,
    SessionRequired,
    SharedLinkRefused,
    VisitorsMayNot,
    WhileImpersonating,
)
from dragoman.core.impersonation import Impersonation, impersonations
from dragoman.core.last_seen import Sighting
from dragoman.core.prepared import Prepared
from dragoman.core.secrets import Secret, digest
from dragoman.core.sessions import Device, Session

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.work import UnitOfWork

Values: TypeAlias = tuple[Any, ...]

SLIDES_BELOW = timedelta(minutes=5)
A_SECOND = timedelta(seconds=1)
LONG_UNSEEN = 0.1  # of its idle limit

_SESSION_WIDTH = len(sessions.COLUMNS)
_ACTING_WIDTH = len(impersonation.COLUMNS)
_KEY_WIDTH = len(api_keys.COLUMNS)


def _by_session(known_by: ColumnElement[bool]) -> AnySelect:
    """A live session of a dialect, its account, and as whom it acts."""
    s = sessions.sessions.c
    return (
        select(*sessions.COLUMNS, *impersonation.COLUMNS, *accounts.COLUMNS)
        .join(accounts.accounts, accounts.accounts.c.number == s.account_number)
        .outerjoin(impersonations, impersonations.c.session_id == s.id)
        .where(known_by, s.dialect == bindparam("dialect"))
        .where(sessions.LIVES_NOW)
    )


def _by_key_digest() -> AnySelect:
    """A key of a dialect that has not expired, and its account."""
    k = api_keys.api_keys.c
    return (
        select(*api_keys.COLUMNS, *accounts.COLUMNS)
        .join(accounts.accounts, accounts.accounts.c.number == k.account_number)
        .where(k.digest == bindparam("digest"), k.dialect == bindparam("dialect"))
        .where(or_(k.expires_at.is_(None), k.expires_at > bindparam("now", type_=Instant)))
    )


BY_SESSION = Prepared(_by_session(sessions.sessions.c.digest == bindparam("digest")))
BY_SESSION_ID = Prepared(_by_session(sessions.sessions.c.id == bindparam("session")))
BY_KEY = Prepared(_by_key_digest())


@dataclass(frozen=True)
class Presented:
    """What a request held up, unverified: which kind of credential, and the secret itself.

    What is `signed` is a token of the dialect's own making (core/keys.py), which names a session. `instead` is
    what counts when this is refused, for products that try all that they are shown.
    """

    kind: Literal["session", "api_key", "shared_link", "signed"]
    secret: Secret
    instead: Presented | None = None


@dataclass(frozen=True)
class Named:
    """A session's name, from a token whose signature is good until `expires_at`.

    Whether the session lives is not said by it.
    """

    session_id: uuid.UUID
    expires_at: datetime


@dataclass(frozen=True)
class Principal:
    """Who is calling (`account`) and through what: exactly one of `session` and `api_key`.

    `actor` is whose session it is while they act as somebody else, who then is the `account`.
    """

    account: Account
    session: Session | None = None
    api_key: ApiKey | None = None
    actor: Account | None = None

    @property
    def via(self) -> str:
        """What was held up, for the audit log."""
        return (
            f"session {self.session.id}" if self.session else f"key {self.api_key.id}" if self.api_key else ""
        )

    @property
    def is_visitor(self) -> bool:
        """Whether the session is one that a link opened."""
        return self.session is not None and self.session.access_token_id is not None

    def require_session(self) -> Session:
        """The session. Refuses `SessionRequired` to a caller with an API key."""
        if self.session is None:
            raise SessionRequired
        return self.session

    def require_no_actor(self) -> None:
        """Refuses `WhileImpersonating` to whoever acts as somebody else: what one signs in with is one's own."""
        if self.actor is not None:
            raise WhileImpersonating

    def require_in_person(self) -> Session:
        """The session of somebody who acts for themselves. Refuses `SessionRequired`, `WhileImpersonating`."""
        self.require_no_actor()
        return self.require_session()

    def require_maker(self, uow: UnitOfWork) -> None:
        """Refuses to make what somebody signs in with, to whom nothing may make that would outlast what let them in.

        `WhileImpersonating` to whoever acts as somebody else, and `SessionRequired` to whom an app password let in. API
        keys pass: each use case says what it grants them.
        """
        self.require_no_actor()
        if self.session is not None and app_passwords.has_let_in(uow, self.session):
            raise SessionRequired

    def require_admin(self) -> None:
        """Refuses `AdminOnly` to everybody but administrators."""
        if not self.account.is_admin:
            raise AdminOnly

    def require_permission(self, permission: str) -> None:
        """Refuses `PermissionMissing` to a key without it; a session may do all that its account may."""
        if self.api_key is not None and not self.api_key.allows(permission):
            raise PermissionMissing(permission)


def identify(
    uow: UnitOfWork,
    presented: Presented | Named | None,
    device: Device | None = None,
    *,
    visitors: bool = False,
) -> Principal:
    """The caller behind a credential of the unit's own dialect; of a signed token, behind what it names.

    Refuses `NotSignedIn` without one; `SessionRefused` or `ApiKeyRefused` when it is unknown, ended, another
    dialect's, or its owner is disabled or deleted; or when its owner acts as somebody else and may not any more
    (core/impersonation.py); `VisitorsMayNot` to whom a link let in, unless `visitors` may. Being identified keeps a
    session alive, and slides an elevation that would end within five minutes (Immich contract §2.3). `device` is what
    the caller runs on now, where that is to be kept up to date: it is written when its app's version is another than
    the session's, and with "last seen" (§2.7).
    """
    principal = _found(uow, presented, device)
    if principal.is_visitor and not visitors:
        raise VisitorsMayNot
    return principal


def _found(uow: UnitOfWork, presented: Presented | Named | None, device: Device | None) -> Principal:
    if presented is None:
        raise NotSignedIn
    if isinstance(presented, Named):
        return _in_session(uow, _find(uow, BY_SESSION_ID, session=presented.session_id), device)
    if presented.instead is None:
        return _by_what_was_presented(uow, presented, device)
    try:
        return _by_what_was_presented(uow, presented, device)
    except CredentialRefused:
        return _found(uow, presented.instead, device)


def _by_what_was_presented(uow: UnitOfWork, presented: Presented, device: Device | None) -> Principal:
    if presented.kind == "session":
        return _in_session(uow, _find(uow, BY_SESSION, digest=digest(presented.secret)), device)
    if presented.kind == "api_key":
        return _by_api_key(uow, presented.secret)
    if presented.kind == "signed":
        raise TypeError("a signed token is first made `Named`, by the dialect that signed it")
    raise SharedLinkRefused  # nobody can share anything yet


def _in_session(uow: UnitOfWork, row: Values | None, device: Device | None) -> Principal:
    if row is None:
        raise SessionRefused
    owner = Account(*row[_SESSION_WIDTH + _ACTING_WIDTH :])
    if not owner.is_active:
        raise SessionOwnerGone
    subject_number, *facts = row[_SESSION_WIDTH:][:_ACTING_WIDTH]
    subject = None
    if subject_number is not None:
        subject = impersonation.subject_of(uow, owner, Impersonation(subject_number, *facts))
    session = _note(uow, _slide(uow, Session(*row[:_SESSION_WIDTH])), device)
    if subject is None:
        return Principal(owner, session=session)
    return Principal(subject, session=session, actor=owner)


def _by_api_key(uow: UnitOfWork, secret: Secret) -> Principal:
    row = _find(uow, BY_KEY, digest=digest(secret))
    account = None if row is None else Account(*row[_KEY_WIDTH:])
    if row is None or account is None:
        raise ApiKeyRefused
    if not account.is_active:
        raise ApiKeyOwnerGone
    key = ApiKey(*row[:_KEY_WIDTH])
    if key.used_at is None or uow.now - key.used_at >= api_keys.USED_EVERY:
        uow.seen.note("api_key", key.id, Sighting(uow.now))
    return Principal(account, api_key=key)


def _find(uow: UnitOfWork, query: Prepared, **known_by: object) -> Values | None:
    return query.find(uow.db, {**known_by, "dialect": uow.origin.dialect, "now": uow.now})


def _note(uow: UnitOfWork, session: Session, device: Device | None) -> Session:
    lifetime = uow.rules.lifetime(session.dialect)
    said: Mapping[str, Any] = {} if device is None else device.stored
    is_updated = said.get("app_version", session.app_version) != session.app_version
    if uow.now - session.seen_at < lifetime.seen_every and not is_updated:
        return session
    seen = replace(session, **said, seen_at=uow.now, idle_until=lifetime.idle_until(uow.now))
    before = uow.seen.noted("session", session.id)
    # Unseen for long, it might idle out before the batch is written. The first of many requests sees to it.
    is_fresh = before is None or uow.now - before.at >= lifetime.seen_every
    if is_fresh and uow.now - session.seen_at > lifetime.idle * LONG_UNSEEN:
        s = sessions.sessions
        behind = update(s).where(s.c.id == session.id, s.c.seen_at < uow.now)
        uow.afterwards(behind.values(seen_at=uow.now, idle_until=seen.idle_until))
    # Last: a unit that may write nothing ends above, and the one after it must find the session as unseen.
    uow.seen.note("session", session.id, Sighting(uow.now, seen.idle_until, device))
    return seen


def _slide(uow: UnitOfWork, session: Session) -> Session:
    """Move the end of an elevation in use to five minutes from now, in steps of a second and more."""
    until = session.elevated_until
    if until is None or until <= uow.now or until >= uow.now + SLIDES_BELOW - A_SECOND:
        return session
    slid = uow.now + SLIDES_BELOW
    idle_until = uow.rules.lifetime(session.dialect).idle_until(uow.now)
    s = sessions.sessions.c
    # Whoever locks the session meanwhile wins: what is no longer elevated is not moved.
    still = (s.id == session.id, s.elevated_until > uow.now, s.elevated_until < slid)
    # Dated by this, it is not noted as seen besides: so this keeps it from idling, too.
    used = {"elevated_until": slid, "seen_at": uow.now, "idle_until": idle_until}
    uow.afterwards(update(sessions.sessions).where(*still).values(**used))
    return replace(session, elevated_until=slid, seen_at=uow.now, idle_until=idle_until)
