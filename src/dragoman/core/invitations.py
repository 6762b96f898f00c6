"""Invitations: a link by which somebody makes an account of their own, with what was decided for it beforehand.

Whoever has the link can, once and until it expires. What its maker gave (names, administration, groups) is so, and
the rest is the guest's to choose. It is good for as long as its maker administers: who was deposed leaves nobody a
door. Of any number that accept one at the same instant, one does.

What became of invitations stays on the list for a month.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    Uuid,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from dragoman.core import accounts, audit, groups, letters, names, outbox, permissions, setup, throttle
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.accounts import accounts as account_table
from dragoman.core.columns import Bag, Instant, Number, metadata
from dragoman.core.errors import InvitationRefused, NameTaken, NoAddress, NotFound, TooMany
from dragoman.core.secrets import Secret, digest, mint

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.database import AnyRow, AnySelect
    from dragoman.core.principals import Principal
    from dragoman.core.work import Core, Origin, UnitOfWork

invitations = Table(
    "invitations",
    metadata,
    Column("id", Uuid, primary_key=True),  # version 7: sorts by the instant it was made
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    # None: the operator made it.
    Column("inviter_number", Number, ForeignKey(account_table.c.number, ondelete="CASCADE"), index=True),
    Column("email", String(320)),
    Column("username", String(256)),
    Column("display_name", String(256)),
    Column("is_admin", Boolean, nullable=False),
    Column("group_numbers", Bag, nullable=False),
    Column("mail_id", Uuid),  # of the outbox, which forgets it sooner
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("accepted_at", Instant),
    Column("guest_number", Number, ForeignKey(account_table.c.number, ondelete="CASCADE"), index=True),
)

State = Literal["waiting", "accepted", "expired", "void"]

LIFETIME = timedelta(days=3)
LONGEST = timedelta(days=30)
KEPT = timedelta(days=30)  # after its end, so that it is seen what became of it
MOST = 1000  # that wait
KIND = "invitation"


@dataclass(frozen=True)
class Offer:
    """What is decided of the account beforehand. Names that are None are the guest's to choose; `groups` are numbers."""

    email: str | None = None
    username: str | None = None
    display_name: str | None = None
    is_admin: bool = False
    groups: Sequence[int] = ()

    def taken_up(self, chosen: NewAccount) -> NewAccount:
        """The account that a guest is given who has chosen this."""
        return NewAccount(
            email=self.email or chosen.email,
            username=self.username or chosen.username,
            display_name=self.display_name or chosen.display_name,
            is_admin=self.is_admin,
        )


@dataclass(frozen=True)
class Invitation:
    """One invitation as it was read, without its link. `guest_number` is the account that was made by it.

    `vouched`: whoever made it may still invite.
    """

    id: uuid.UUID
    inviter_number: int | None
    offer: Offer
    mail_id: uuid.UUID | None
    made_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    guest_number: int | None
    vouched: bool

    def state(self, now: datetime) -> State:
        """What has become of it."""
        if self.accepted_at is not None:
            return "accepted"
        if self.expires_at <= now:
            return "expired"
        return "waiting" if self.vouched else "void"


@dataclass(frozen=True)
class Made:
    """An invitation, and the link that it is accepted by. Whoever has that can."""

    id: uuid.UUID
    link: Secret
    expires_at: datetime


def invite(
    uow: UnitOfWork,
    offer: Offer,
    *,
    lasts: timedelta = LIFETIME,
    inviter: Account | None,
    by: Principal | None = None,
    mails: bool = False,
) -> Made:
    """Make an invitation in the name of an account (None: the operator's), and mail it if it `mails`.

    `by` is the caller, whose own name it is then. Refuses `SessionRequired`, `AdminOnly`, `WhileImpersonating`,
    `NameRefused`, `NameTaken`, `NotFound` (a group), `TooMany`; and where it is mailed `NoAddress`, `Throttled`.
    """
    if by is not None:
        by.require_in_person()
        by.require_maker(uow)
        by.require_admin()
    offer = _checked(uow, offer)
    if _waiting(uow) >= MOST:
        raise TooMany("invitation", MOST)
    made = Made(uow.new_ordered_id(), mint(uow.tools.dice), uow.now + min(lasts, LONGEST))
    link = Secret(f"{uow.rules.root}/invitation?token={made.link.reveal()}")
    mail = _mail(uow, offer, inviter, link, made.expires_at) if mails else None
    uow.db.execute(
        invitations.insert().values(
            id=made.id,
            digest=digest(made.link),
            inviter_number=None if inviter is None else inviter.number,
            email=offer.email,
            username=offer.username,
            display_name=offer.display_name,
            is_admin=offer.is_admin,
            group_numbers=list(offer.groups),
            mail_id=mail,
            made_at=uow.now,
            expires_at=made.expires_at,
        )
    )
    audit.record(uow, "invitation made", by=by, invitation=str(made.id), admin=offer.is_admin, mailed=mails)
    return replace(made, link=link)


def listed(uow: UnitOfWork, *, before: uuid.UUID | None = None, limit: int = 100) -> Sequence[Invitation]:
    """The newest, the newest first; only those older than the one `before`."""
    query = _query().order_by(invitations.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(invitations.c.id < before)
    return [_of(row) for row in uow.db.execute(query)]


def concerning(uow: UnitOfWork, number: int, *, limit: int) -> Sequence[Invitation]:
    """The newest that let an account in, or that it made and that wait to be accepted."""
    i = invitations.c
    made = select(i.id).where(i.inviter_number == number, *_is_open(uow))
    those = made.union(select(i.id).where(i.guest_number == number))
    return [
        _of(row) for row in uow.db.execute(_query().where(i.id.in_(those)).order_by(i.id.desc()).limit(limit))
    ]


def revoke(uow: UnitOfWork, invitation: uuid.UUID, *, by: Principal | None = None) -> None:
    """Let nobody in by it any more, and hand over no mail that holds it. Refuses `NotFound` once it was accepted."""
    mine = (invitations.c.id == invitation, invitations.c.accepted_at.is_(None))
    row = uow.db.execute(delete(invitations).where(*mine).returning(invitations.c.mail_id)).one_or_none()
    if row is None:
        raise NotFound("invitation")
    if row.mail_id is not None:
        outbox.withdraw_one(uow, row.mail_id)
    audit.record(uow, "invitation revoked", by=by, invitation=str(invitation))


def find_open(uow: UnitOfWork, secret: Secret) -> Invitation | None:
    """The invitation that can be accepted by this secret now. Changes nothing: mail scanners look into links."""
    row = uow.db.execute(_query().where(invitations.c.digest == digest(secret), *_is_open(uow))).one_or_none()
    return None if row is None else _of(row)


def accept(core: Core, origin: Origin, secret: Secret, chosen: NewAccount, password: Secret) -> Account:
    """Make the account that a link offers, with what its guest has chosen.

    A name or a password that will not do leaves the link as it was. Refuses `InvitationRefused` (unknown, used,
    expired, revoked, or its maker may not invite any more), `NameRefused`, `NameTaken`, `PasswordRefused`,
    `PasswordTooLong`, and `Throttled` to an address that guesses.
    """
    with core.begin(origin, writes=True, durable=False) as uow:
        counters = (throttle.address_counter(uow, "invitation"),)
        throttle.reserve(uow, counters)
        found = find_open(uow, secret)
        if found is not None:
            throttle.forgive(uow, counters)
    if found is None:
        with core.begin(origin, writes=False) as uow:
            uow.evidence(audit.line(uow, "invitation refused", invitation=_known(uow, secret)))
            raise InvitationRefused
    new = found.offer.taken_up(chosen)
    hashed = setup.hash_of(core, origin, new, password)
    with core.begin(origin, writes=True) as uow:
        if not _spend(uow, found.id):
            uow.evidence(audit.line(uow, "invitation refused", invitation=str(found.id), overtaken=True))
            raise InvitationRefused
        return _let_in(uow, found, new, hashed)


def _checked(uow: UnitOfWork, offer: Offer) -> Offer:
    """An offer whose names can be names, are nobody's yet, and whose groups there are."""
    for number in offer.groups:
        groups.get(uow, number)
    checked = replace(
        offer,
        email=None if offer.email is None else names.checked_email(offer.email),
        username=None if offer.username is None else names.checked_username(offer.username),
        display_name=None
        if offer.display_name is None
        else names.checked("display_name", offer.display_name),
    )
    for field, name in (("email", checked.email), ("username", checked.username)):
        if name is not None and accounts.find_by_name(uow, name) is not None:
            raise NameTaken(field)
    return checked


def _waiting(uow: UnitOfWork) -> int:
    waits = (invitations.c.accepted_at.is_(None), invitations.c.expires_at > uow.now)
    return uow.db.scalar(select(func.count()).select_from(invitations).where(*waits)) or 0


def _mail(uow: UnitOfWork, offer: Offer, inviter: Account | None, link: Secret, until: datetime) -> uuid.UUID:
    if offer.email is None or inviter is None:
        raise NoAddress
    letter = letters.write(
        "invitation",
        name=offer.display_name,
        inviter=inviter.display_name,
        link=link.reveal(),
        until=f"{until:%Y-%m-%d %H:%M} UTC",
    )
    return outbox.post(uow, letter, to=offer.email, kind=KIND, of=inviter.number, until=until)


def _may_invite() -> ColumnElement[bool]:
    """That whoever made an invitation is the operator, or an administrator still."""
    i, a = invitations.c, account_table.c
    theirs = (a.number == i.inviter_number, a.is_admin, a.disabled_at.is_(None), a.deleted_at.is_(None))
    return or_(i.inviter_number.is_(None), select(literal(1)).where(*theirs).exists())


def _is_open(uow: UnitOfWork) -> tuple[ColumnElement[bool], ...]:
    return (invitations.c.accepted_at.is_(None), invitations.c.expires_at > uow.now, _may_invite())


def _spend(uow: UnitOfWork, invitation: uuid.UUID) -> bool:
    mine = update(invitations).where(invitations.c.id == invitation, *_is_open(uow))
    return uow.db.execute(mine.values(accepted_at=uow.now)).rowcount == 1


def _let_in(uow: UnitOfWork, found: Invitation, new: NewAccount, hashed: str | None) -> Account:
    setup.claim(uow)
    account = accounts.add(uow, new, hashed, via=f"invitation {found.id}")
    there = {group.number for group in groups.everyone(uow)}
    joined = [number for number in found.offer.groups if number in there]
    for number in joined:
        permissions.add_member(uow, number, account.number)
    mine = update(invitations).where(invitations.c.id == found.id)
    uow.db.execute(mine.values(guest_number=account.number))
    audit.record(uow, "invitation accepted", account=account.number, invitation=str(found.id), joined=joined)
    return account


def _query() -> AnySelect:
    i = invitations.c
    return select(
        i.id,
        i.inviter_number,
        i.email,
        i.username,
        i.display_name,
        i.is_admin,
        i.group_numbers,
        i.mail_id,
        i.made_at,
        i.expires_at,
        i.accepted_at,
        i.guest_number,
        _may_invite().label("vouched"),
    )


def _of(row: AnyRow) -> Invitation:
    offer = Offer(row.email, row.username, row.display_name, row.is_admin, tuple(row.group_numbers))
    return Invitation(
        row.id,
        row.inviter_number,
        offer,
        row.mail_id,
        row.made_at,
        row.expires_at,
        row.accepted_at,
        row.guest_number,
        bool(row.vouched),
    )


def _known(uow: UnitOfWork, secret: Secret) -> str | None:
    """Which invitation a link that opens nothing any more was, for the record."""
    known = uow.db.scalar(select(invitations.c.id).where(invitations.c.digest == digest(secret)))
    return None if known is None else str(known)
