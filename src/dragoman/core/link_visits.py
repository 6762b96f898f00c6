"""Opening a link: one view is counted, the visit is on record, and a session lets the visitor look around.

To look at a link counts nothing: mail scanners fetch what is in a letter before its reader does. To open it
takes the three steps of a sign-in (core/login.py), for it may have a password. The view is counted by one UPDATE
(docs/decisions/0007-a-secret-is-spent-once.md), in the unit that opens the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Column, ForeignKey, Index, String, Table, case, delete, func, select, update

from dragoman.core import access_tokens, accounts, audit, sessions, throttle
from dragoman.core.access_tokens import OneTimeAccessToken
from dragoman.core.access_tokens import access_tokens as links
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.errors import AccessTokenRefused, NotSignedIn, WrongLinkPassword
from dragoman.core.secrets import Secret, digest

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.principals import Principal
    from dragoman.core.sessions import Device, Session
    from dragoman.core.throttle import Counter
    from dragoman.core.work import Core, Origin, UnitOfWork

Given = TypeVar("Given")

link_visits = Table(
    "link_visits",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("access_token_id", Number, ForeignKey(links.c.id, ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("address", String(64), nullable=False),
    Index(None, "access_token_id", "id"),
    sqlite_autoincrement=True,
)

STAY = timedelta(days=1)  # of a visitor, unless the link ends before
# Of one link, the last ones: anybody who has it can open it any number of times.
MOST_VISITS = 200
MOST_VISITORS = 200


@dataclass(frozen=True)
class Visit:
    """That a link was opened, when, and from which address."""

    id: int
    access_token_id: int
    at: datetime
    address: str


@dataclass(frozen=True)
class Opened:
    """A link that was opened, whom its visitor is shown as, and their session with the secret that opens it."""

    link: OneTimeAccessToken
    account: Account
    session: Session
    secret: Secret


@dataclass(frozen=True)
class _Asked:
    """What *ask* found. `stored` is the hash of the link's password, or None."""

    link: OneTimeAccessToken
    stored: str | None = field(repr=False)
    counters: tuple[Counter, ...]


def look_at(uow: UnitOfWork, token: Secret) -> OneTimeAccessToken:
    """The link that a token would open in the unit's dialect now. Counts nothing. Refuses `AccessTokenRefused`."""
    return _find(uow, token).link


def open_link(
    core: Core,
    origin: Origin,
    token: Secret,
    device: Device,
    *,
    then: Callable[[UnitOfWork, Opened], Given],
    password: Secret | None = None,
    caller: Principal | None = None,
) -> Given:
    """Count one view of a link and let its visitor in: for a day at most, and to little (`Principal.is_visitor`).

    What `then` makes of it, in the same unit. `caller` is who opens it, where that is known. Refuses
    `AccessTokenRefused`, `NotSignedIn` when the link asks for somebody known, `WrongLinkPassword`, `PasswordTooLong`,
    `Throttled`, `Unavailable`.
    """
    hasher = core.tools.hasher
    if password is not None:
        hasher.require_sane(password.reveal())
    with core.begin(origin, writes=True, durable=False) as uow:
        asked = _find(uow, token)
        if asked.link.requires_sign_in and (caller is None or caller.is_visitor):
            raise NotSignedIn
        if asked.stored is not None and password is None:
            raise WrongLinkPassword
        throttle.reserve(uow, asked.counters)
    if asked.stored is not None and not hasher.verify(asked.stored, password.reveal() if password else ""):
        with core.begin(origin, writes=False) as uow:
            uow.evidence(
                audit.line(uow, "link refused", account=asked.link.account_number, link=asked.link.id)
            )
            raise WrongLinkPassword
    with core.begin(origin, writes=True) as uow:
        return then(uow, _settle(uow, asked, device, caller))


def _find(uow: UnitOfWork, token: Secret) -> _Asked:
    mine = (links.c.digest == digest(token), links.c.dialect == uow.origin.dialect)
    query = select(*access_tokens.COLUMNS, links.c.password).where(*mine, *access_tokens.can_be_opened(uow))
    row = uow.db.execute(query).one_or_none()
    if row is None:
        raise AccessTokenRefused
    link = access_tokens.of(row)
    counters = () if row.password is None else throttle.of_link(uow, link.id)
    return _Asked(link, row.password, counters)


def _settle(uow: UnitOfWork, asked: _Asked, device: Device, caller: Principal | None) -> Opened:
    number = asked.link.account_number
    # The account before the link, as in every unit that locks more: so no two wait for each other.
    a = accounts.accounts.c
    uow.db.execute(select(a.number).where(a.number == number).with_for_update(read=True, key_share=True))
    left = case((links.c.is_limited, links.c.views_left - 1), else_=links.c.views_left)
    count = (
        update(links)
        .where(links.c.id == asked.link.id, *access_tokens.can_be_opened(uow))
        .values(views_left=left)
    )
    views_left = uow.db.scalar(count.returning(links.c.views_left))
    account = accounts.find_by_number(uow, number)
    if views_left is None or account is None:
        raise AccessTokenRefused
    link = replace(asked.link, views_left=views_left)
    throttle.forgive(uow, asked.counters)
    _record(uow, link)
    _make_room(uow, link)
    stay = STAY if link.expires_at is None else min(STAY, link.expires_at - uow.now)
    session, secret = sessions.open_session(uow, number, device, duration=stay, access_token_id=link.id)
    via = f"session {session.id}"
    audit.record(uow, "link opened", account=number, by=caller, via=via, link=link.id)
    return Opened(link, account, session, secret)


def _record(uow: UnitOfWork, link: OneTimeAccessToken) -> None:
    """Add this visit, and drop what is beyond the last ones."""
    v = link_visits.c
    row = {"access_token_id": link.id, "at": uow.now, "address": uow.origin.address[:64]}
    uow.db.execute(link_visits.insert(), row)
    theirs = select(v.id).where(v.access_token_id == link.id).order_by(v.id.desc())
    oldest = theirs.offset(MOST_VISITS).limit(1).scalar_subquery()
    uow.db.execute(delete(link_visits).where(v.access_token_id == link.id, v.id <= oldest))


def _make_room(uow: UnitOfWork, link: OneTimeAccessToken) -> None:
    """End the visitor's session that was opened first, if there are as many as there may be."""
    s = sessions.sessions.c
    theirs = select(s.id).where(s.access_token_id == link.id)
    if (uow.db.scalar(select(func.count()).select_from(theirs.subquery())) or 0) >= MOST_VISITORS:
        first = theirs.order_by(s.created_at).limit(1).scalar_subquery()
        uow.db.execute(delete(sessions.sessions).where(s.id == first))


def visits_of(uow: UnitOfWork, link_ids: Sequence[int]) -> Mapping[int, Sequence[Visit]]:
    """When links were opened, the first visit first; nothing for one that never was."""
    v = link_visits.c
    found: dict[int, list[Visit]] = {}
    query = select(v.id, v.access_token_id, v.at, v.address).where(v.access_token_id.in_(link_ids))
    for row in uow.db.execute(query.order_by(v.id)):
        found.setdefault(row.access_token_id, []).append(Visit(*row))
    return found
