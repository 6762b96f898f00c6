"""Signing in through another provider: whom it vouches for, and whose account here that is.

Somebody is known by (issuer, subject) and nothing else: names and e-mail addresses change hands. The first
time, an account is found for them as the provider's policy says, and the link is kept in `linked_identities`.

A sign-in asks the provider with no connection held, and then settles in one unit, as one by password does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from sqlalchemy import Column, ForeignKey, String, Table, delete, select, update

from dragoman.core import accounts, audit, devices, sessions, setup, step_up, throttle
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.code_exchange import Identity, ProviderAddresses, exchange
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import LastWayIn, NameRefused, NameTaken, NoAccount, NotFound, UpstreamFailed
from dragoman.core.login import LOGINS, SignedIn
from dragoman.core.names import fold
from dragoman.core.secrets import Secret
from dragoman.core.tally import counted

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.sessions import Device
    from dragoman.core.throttle import Counter
    from dragoman.core.work import Core, Origin, UnitOfWork

Given = TypeVar("Given")

linked_identities = Table(
    "linked_identities",
    metadata,
    Column("issuer", String(512), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column(
        "account_number",
        Number,
        ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("linked_at", Instant, nullable=False),
)

# How somebody who was never here finds an account that is there already. "username": the name that the
# provider gives them is its username, and no e-mail address. "verified_email": their e-mail address, which
# the provider says it has verified, is its own. "never": not at all.
LinkPolicy = Literal["never", "username", "verified_email"]


@dataclass(frozen=True)
class UpstreamProvider:
    """Another provider that people sign in with, and what becomes of those who come from there.

    `auto_create`: who finds no account is given one, with `attributes`.
    """

    addresses: ProviderAddresses
    link: LinkPolicy = "never"
    auto_create: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkedIdentity:
    """That a provider's somebody is an account here, and since when."""

    issuer: str
    subject: str
    account_number: int
    linked_at: datetime


@counted(LOGINS, "provider")
def sign_in_upstream(
    core: Core,
    origin: Origin,
    provider: UpstreamProvider,
    code: Secret,
    device: Device,
    *,
    then: Callable[[UnitOfWork, SignedIn], Given],
) -> Given:
    """Open a session for whom the provider's code stands for; what `then` makes of it, in the same unit.

    Refuses `UpstreamFailed`, `NoAccount` (also when theirs is disabled or deleted), `Throttled`, `Unavailable`.
    """
    with core.begin(origin, writes=True, durable=False) as uow:
        counters = (throttle.address_counter(uow, "upstream"),)
        throttle.reserve(uow, counters)
    try:
        identity = exchange(core.tools.web, provider.addresses, code, core.tools.clock())
    except UpstreamFailed as failure:
        with core.begin(origin, writes=False) as uow:
            _note(uow, failure)
            raise

    def settled() -> Given:
        with core.begin(origin, writes=True) as uow:
            return then(uow, _settle(uow, provider, identity, device, counters))

    try:
        return settled()
    except NameTaken:
        # Whoever took the name since it was looked up may be the same person, who signs in twice at once.
        return settled()


def _note(uow: UnitOfWork, failure: UpstreamFailed) -> None:
    """Why a provider failed outlives the refusal: the operator is who can do something about it."""
    uow.evidence(audit.line(uow, "upstream sign-in failed", why=failure.why[:500]))


def _settle(
    uow: UnitOfWork,
    provider: UpstreamProvider,
    identity: Identity,
    device: Device,
    counters: Sequence[Counter],
) -> SignedIn:
    number = _linked(uow, identity) or _first_time(uow, provider, identity)
    account = None if number is None else _entered(uow, number)
    if account is None:
        uow.evidence(audit.line(uow, "upstream sign-in refused", account=number, issuer=identity.issuer))
        raise NoAccount
    throttle.forgive(uow, counters)
    devices.remember(uow, account.number)
    session, secret = sessions.open_session(uow, account.number, device)
    audit.record(uow, "signed in", account=account.number, via=f"session {session.id}", upstream=True)
    return SignedIn(account, session, secret)


def identities_of(uow: UnitOfWork, account_number: int) -> Sequence[LinkedIdentity]:
    """Whom other providers know somebody as, by the alphabet."""
    i = linked_identities.c
    theirs = select(i.issuer, i.subject, i.account_number, i.linked_at)
    rows = uow.db.execute(theirs.where(i.account_number == account_number).order_by(i.issuer, i.subject))
    return [LinkedIdentity(*row) for row in rows]


def unlink(uow: UnitOfWork, account_number: int) -> int:
    """Forget whom other providers know somebody as; how many that were. It ends no session."""
    mine = linked_identities.c.account_number == account_number
    links = uow.db.execute(delete(linked_identities).where(mine)).rowcount
    audit.record(uow, "identities unlinked", account=account_number, count=links)
    return links


def unlink_one(uow: UnitOfWork, caller: Principal, issuer: str, subject: str) -> None:
    """Forget whom one provider knows the caller as. Refuses `NotFound`, `LastWayIn`, `WhileImpersonating`.

    Their last way in stays: a password, where one signs in by passwords, a passkey, or another provider.
    """
    caller.require_in_person()
    number, i = caller.account.number, linked_identities.c
    accounts.lock(uow, number)  # of two that unlink at once the second one sees what is left
    all_ = [(each.issuer, each.subject) for each in identities_of(uow, number)]
    if (issuer, subject) not in all_:
        raise NotFound("linked identity")
    can = step_up.provable(uow, caller)
    by_password = can.password and uow.rules.password_login
    if len(all_) == 1 and not (by_password or can.passkey):
        raise LastWayIn
    uow.db.execute(delete(linked_identities).where(i.issuer == issuer, i.subject == subject))
    audit.record(uow, "identity unlinked", account=number, by=caller, issuer=issuer)


def _linked(uow: UnitOfWork, identity: Identity) -> int | None:
    """The number of the account that somebody is linked to."""
    i = linked_identities.c
    theirs = select(i.account_number).where(i.issuer == identity.issuer, i.subject == identity.subject)
    number: int | None = uow.db.scalar(theirs)
    return number


def _first_time(uow: UnitOfWork, provider: UpstreamProvider, identity: Identity) -> int | None:
    """The number of the account that is theirs from now on, an older one or a new one, if the policy has any."""
    found = _claimed(uow, provider.link, identity)
    if found is None and _may_be_made(uow, provider, identity):
        found = _made(uow, provider, identity)
    if found is None:
        # Whoever has come into the way since may have been themselves, signing in twice at once.
        return _linked(uow, identity)
    link = insert(uow.db, linked_identities).values(
        issuer=identity.issuer, subject=identity.subject, account_number=found.number, linked_at=uow.now
    )
    if uow.db.scalar(link.on_conflict_do_nothing().returning(linked_identities.c.subject)) is None:
        raise NameTaken("username")  # by themselves, a moment ago: whatever was made here is undone
    audit.record(uow, "identity linked", account=found.number, issuer=identity.issuer)
    return found.number


def _claimed(uow: UnitOfWork, policy: LinkPolicy, identity: Identity) -> Account | None:
    """The account that somebody new may have. One that somebody else at the same provider has is not."""
    name = identity.name if policy == "username" else identity.verified_email
    found = None if policy == "never" or name is None else accounts.find_by_name(uow, name)
    if found is None or name is None or not found.is_active:
        return None
    # What looks like an e-mail address is whose that address is, and the provider must have seen to it.
    if "@" in name and fold(name) != fold(identity.verified_email or ""):
        return None
    # Locked, so that of two who claim it at once the second one finds it claimed.
    accounts.lock(uow, found.number)
    i = linked_identities.c
    others = select(i.subject).where(i.account_number == found.number, i.issuer == identity.issuer)
    return None if uow.db.scalar(others.limit(1)) is not None else found


def _may_be_made(uow: UnitOfWork, provider: UpstreamProvider, identity: Identity) -> bool:
    """Nobody takes a name that is somebody's, and nobody comes before the first administrator."""
    is_free = accounts.find_by_name(uow, identity.name) is None
    return provider.auto_create and is_free and setup.is_done(uow)


def _made(uow: UnitOfWork, provider: UpstreamProvider, identity: Identity) -> Account:
    """A new account by the provider's name for somebody, without a password. Refuses `NameTaken`."""
    new = NewAccount(
        username=identity.name.lower(), display_name=identity.name, attributes=provider.attributes
    )
    try:
        return accounts.add(uow, new, None, via="upstream")
    except NameRefused as refused:
        failure = UpstreamFailed(f"the provider's name for somebody {refused.why}")
        _note(uow, failure)
        raise failure from refused


def _entered(uow: UnitOfWork, number: int) -> Account | None:
    """The account, signed in to now; None when nobody may be."""
    a = accounts.accounts.c
    enter = update(accounts.accounts).where(
        a.number == number, a.disabled_at.is_(None), a.deleted_at.is_(None)
    )
    if uow.db.execute(enter.values(signed_in_at=uow.now)).rowcount == 0:
        return None
    return accounts.find_by_number(uow, number)
