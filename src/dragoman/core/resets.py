"""Setting a password by a link that was mailed: completed by whoever reads that mail, whoever started it.

The link's secret proves one thing, that the account's mail is read. So it is used once, and no longer when the password
has changed in any way, or the address; within a day where an administrator started it, within half an hour where
somebody did who says that they forgot their password. Completing signs nobody in, asks for no second factor and removes
none: the next sign-in asks for both.

An account has one link at a time. Of any number that complete with it at the same instant, one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table, delete, select

from dragoman.core import audit, letters, outbox, policy, throttle
from dragoman.core.accounts import COLUMNS, Account, accounts, find_by_name, of
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import NoAddress, ResetRefused
from dragoman.core.password_change import replace_forgotten
from dragoman.core.secrets import Digest, Secret, digest, mint
from dragoman.core.telling import tell_owner

if TYPE_CHECKING:
    import uuid

    from dragoman.core.mail import Letter
    from dragoman.core.principals import Principal
    from dragoman.core.work import Core, Origin, UnitOfWork

password_resets = Table(
    "password_resets",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("password_version", Integer, nullable=False),
    Column(
        "email", String(320)
    ),  # the account's when it was started: who reads another's mail proves nothing
    Column("started_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

LIFETIME = timedelta(hours=24)
LIFETIME_WHEN_ASKED_FOR = timedelta(minutes=30)
BETWEEN = timedelta(minutes=5)  # a mailbox is not flooded by who types its address again and again
KIND = "password reset"


@dataclass(frozen=True)
class Started:
    """A link that sets a password until `expires_at`. Whoever has it can."""

    link: Secret
    expires_at: datetime


def start(
    uow: UnitOfWork, account: Account, *, by: Principal | None = None, lasts: timedelta = LIFETIME
) -> Started:
    """Make the link by which an account's password can be set, for somebody to hand over. The one before is dead.

    Refuses as `Principal.require_maker` does.
    """
    if by is not None:
        by.require_maker(uow)
    secret = mint(uow.tools.dice)
    expires_at = uow.now + lasts
    fresh = insert(uow.db, password_resets).values(
        account_number=account.number,
        digest=digest(secret),
        password_version=account.password_version,
        email=account.email,
        started_at=uow.now,
        expires_at=expires_at,
    )
    key = [password_resets.c.account_number]
    replaced = {column.name: fresh.excluded[column.name] for column in password_resets.c if column not in key}
    uow.db.execute(fresh.on_conflict_do_update(index_elements=key, set_=replaced))
    outbox.withdraw(uow, KIND, account.number)
    audit.record(uow, "password reset started", account=account.number, by=by)
    return Started(Secret(f"{uow.rules.reset_link}{secret.reveal()}"), expires_at)


def mail(uow: UnitOfWork, account: Account, *, by: Principal | None = None) -> uuid.UUID:
    """Mail an account the link by which its password can be set; the id of the mail. The link before is dead.

    Refuses `NoAddress`, `Throttled`, and as `start` does.
    """
    if account.email is None:
        raise NoAddress
    started = start(uow, account, by=by)
    letter = letters.write(
        "reset",
        name=account.display_name,
        login=account.username,
        link=started.link.reveal(),
        hours=LIFETIME // timedelta(hours=1),
    )
    return _post(uow, account, letter, started)


def ask(uow: UnitOfWork, name: str) -> None:
    """Mail whoever says that they forgot their password a link, if there is such an account. Nobody is told whether.

    It has an address, and a password that can be forgotten; and it was sent none in the last five minutes. Otherwise
    the same letter is written to nobody, so that time does not tell either. Refuses `Throttled` to an address that asks
    for many.
    """
    throttle.reserve(uow, (throttle.address_counter(uow, "forgotten"),))
    account = find_by_name(uow, name)
    asks = account is not None and account.is_active and account.has_password and account.email is not None
    if account is not None and asks and not _was_mailed_lately(uow, account.number):
        started = start(uow, account, lasts=LIFETIME_WHEN_ASKED_FOR)
        _post(uow, account, _forgotten(account.display_name, account.username, started.link), started)
    else:
        _forgotten(name, name, mint(uow.tools.dice))
        audit.record(uow, "password reset asked in vain", account=None if account is None else account.number)


def _was_mailed_lately(uow: UnitOfWork, number: int) -> bool:
    r = password_resets.c
    lately = select(r.account_number).where(r.account_number == number, r.started_at > uow.now - BETWEEN)
    return uow.db.scalar(lately) is not None


def _forgotten(name: str, login: str, link: Secret) -> Letter:
    minutes = LIFETIME_WHEN_ASKED_FOR // timedelta(minutes=1)
    return letters.write("forgotten", name=name, login=login, link=link.reveal(), minutes=minutes)


def _post(uow: UnitOfWork, account: Account, letter: Letter, started: Started) -> uuid.UUID:
    if account.email is None:
        raise NoAddress
    return outbox.post(uow, letter, to=account.email, kind=KIND, of=account.number, until=started.expires_at)


def is_open(uow: UnitOfWork, secret: Secret) -> bool:
    """Whether a password can be set by this secret now. Changes nothing: mail scanners look into links."""
    return _find(uow, digest(secret)) is not None


def complete(core: Core, origin: Origin, secret: Secret, new: Secret) -> Account:
    """Set the password of the account that was mailed this secret, and end all its sessions; the account then.

    A password that is not fit leaves the link as it was. Refuses `ResetRefused`, `PasswordRefused`, and
    `Throttled` to an address that guesses.
    """
    held = digest(secret)
    with core.begin(origin, writes=True, durable=False) as uow:
        counters = (throttle.address_counter(uow, "reset"),)
        throttle.reserve(uow, counters)
        account = _find(uow, held)
        if account is not None:
            throttle.forgive(uow, counters)
    if account is None:
        with core.begin(origin, writes=False) as uow:
            uow.evidence(audit.line(uow, "password reset refused"))
            raise ResetRefused
    policy.require_fit(core, origin, new, account.names)
    hashed = core.tools.hasher.hash(new.reveal())
    with core.begin(origin, writes=True) as uow:
        changed = replace_forgotten(uow, account.number, account.password_version, hashed)
        if changed is None or not _spend(uow, account.number, held):
            uow.evidence(audit.line(uow, "password reset refused", account=account.number, overtaken=True))
            raise ResetRefused
        audit.record(uow, "password reset", account=account.number)
        tell_owner(uow, changed, "A new password was set for your account, by a link that was sent for that.")
        return changed


def _find(uow: UnitOfWork, held: Digest) -> Account | None:
    """The account whose password can be set by the secret of this digest, as it is now."""
    r = password_resets.c
    query = select(*COLUMNS).join(password_resets, r.account_number == accounts.c.number)
    alive = (
        r.expires_at > uow.now,
        r.password_version == accounts.c.password_version,
        r.email.is_not_distinct_from(accounts.c.email),
        accounts.c.disabled_at.is_(None),
        accounts.c.deleted_at.is_(None),
    )
    row = uow.db.execute(query.where(r.digest == held, *alive)).one_or_none()
    return None if row is None else of(row)


def _spend(uow: UnitOfWork, number: int, held: Digest) -> bool:
    r = password_resets.c
    address = select(accounts.c.email).where(accounts.c.number == number).scalar_subquery()
    mine = (
        r.account_number == number,
        r.digest == held,
        r.expires_at > uow.now,
        r.email.is_not_distinct_from(address),
    )
    return uow.db.execute(delete(password_resets).where(*mine)).rowcount == 1
