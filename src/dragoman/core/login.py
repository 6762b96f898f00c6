"""Signing in with a name and a password.

It runs in three steps (docs/decisions/0004-no-hash-while-a-connection-is-held.md):

*ask*     one unit: find the account, and reserve the attempt, so that parallel guesses are counted
          before they are hashed.
*verify*  no connection held; against a decoy if nobody has the name, so that time does not tell.
*settle*  one unit: a write that is conditional on the account being as it was asked about, so that a
          sign-in overtaken by a change of password or a disabling opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import bindparam, select, update

from dragoman.core import audit, devices, policy, second_steps, sessions, throttle
from dragoman.core.accounts import COLUMNS, Account, accounts
from dragoman.core.columns import Instant
from dragoman.core.devices import known_devices
from dragoman.core.errors import (
    PasswordChangeRequired,
    PasswordLoginDisabled,
    PasswordRefused,
    Reason,
    WrongCredentials,
)
from dragoman.core.names import account_names, looked_up
from dragoman.core.password_change import put_in_place
from dragoman.core.prepared import Prepared
from dragoman.core.proofs import attempts_from
from dragoman.core.second_steps import ByPassword, Typed
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, Session
from dragoman.core.tally import Figure, counted
from dragoman.core.telling import tell_owner
from dragoman.core.throttle import Counter
from dragoman.core.work import UnitOfWork

if TYPE_CHECKING:
    from dragoman.core.passwords import Hasher
    from dragoman.core.second_steps import Step
    from dragoman.core.work import Core, Origin

Given = TypeVar("Given")
LAST_GUESS = "Too many wrong passwords were tried for your account: until it is unlocked, none is heard."

_BY_NAME = Prepared(
    select(
        *COLUMNS,
        accounts.c.password,
        known_devices.c.device,
        known_devices.c.seen_at,
    )
    .join(account_names, account_names.c.account_number == accounts.c.number)
    .outerjoin(known_devices, devices.is_this(accounts.c.number))
    .where(account_names.c.folded == bindparam("name"))
)
_ENTERING = (
    update(accounts)
    .where(
        accounts.c.number == bindparam("asked"),
        accounts.c.password_version == bindparam("version"),
        accounts.c.disabled_at.is_(None),
        accounts.c.deleted_at.is_(None),
    )
    .values(signed_in_at=bindparam("at", type_=Instant))
)
_ENTER, _ENTER_RENEWED = Prepared(_ENTERING), Prepared(_ENTERING.values(password=bindparam("renewed")))


@dataclass(frozen=True)
class SignedIn:
    """An account, its new session, and the secret that opens it."""

    account: Account
    session: Session
    secret: Secret


@dataclass(frozen=True)
class _Asked:
    """What *ask* found. `stored` is a hash or None, and is never shown; `seen_at` is the device's.

    `step` says what must be the password, and how the second factor is shown where there is one.
    """

    account: Account | None
    stored: str | None
    counters: tuple[Counter, ...]
    step: Step
    seen_at: datetime | None = None


LOGINS = Figure("logins", "counter", "Sign-ins by how they ended", ("dialect", "by", "result"))

Opener = Callable[[UnitOfWork, int, Device], tuple[Session, Secret]]


def log_in(core: Core, origin: Origin, name: str, password: Secret, device: Device) -> SignedIn:
    """Open a session for whoever has this e-mail address or username, and this password.

    Refuses `WrongCredentials` (unknown, wrong, without a password, disabled or deleted: all alike),
    `PasswordLoginDisabled`, `PasswordTooLong`, `Throttled`, `Unavailable`.
    """
    return log_in_with(core, origin, name, password, device, then=lambda _, signed_in: signed_in)


@counted(LOGINS, "password")
def log_in_with(
    core: Core,
    origin: Origin,
    name: str,
    password: Secret,
    device: Device,
    *,
    then: Callable[[UnitOfWork, SignedIn], Given],
    opens: Opener = sessions.open_session,
    may_be_blank: bool = False,
    code: Secret | None = None,
    code_apart: bool = False,
    in_steps: bool = False,
    new_password: Secret | None = None,
    insists_on_change: bool = False,
) -> Given:
    """As `log_in`; what `then` does is done in the unit that opens the session, or neither is. What it gives.

    `opens` gives the session; a blank password is wrong unless it `may_be_blank`, even where it is the account's.
    An account with a second factor needs a `code` of it. From products that have a field for one it comes
    `code_apart`; in the others it is shown in one of the ways that the account allows (core/second_steps.py). What is
    missing or wrong is said to whoever knows the password: refuses `CodeRequired`, `CodeRefused`, `ApprovalRequired`,
    `FactorMissing`. Where one signs in `in_steps`, `CodeRequired` is the way to the second.
    A product that `insists_on_change` lets nobody in whose password must be changed, until a `new_password` comes
    with it, which is stored with the session's opening: refuses `PasswordChangeRequired`, `PasswordRefused`.
    """
    if not core.rules.password_login:
        raise PasswordLoginDisabled
    hasher = core.tools.hasher
    hasher.require_sane(password.reveal())
    # With the power an attempt or two may be forgotten too; to wait for the disk here would cost every sign-in.
    with core.begin(origin, writes=True, durable=False) as uow:
        asked = _ask_by_name(uow, name, Typed(password, code, code_apart, device, in_steps))
    matches, renewed = True, None
    if asked.step.password is not None:
        matches, renewed = _verify(hasher, asked.stored, asked.step.password.reveal(), may_be_blank)
    if not matches or asked.account is None:
        with core.begin(origin, writes=False) as uow:
            known = asked.account.number if asked.account else None
            uow.evidence(audit.line(uow, "sign-in refused", account=known))
            raise WrongCredentials
    # Before anything else is said: what comes after may give the attempt back, and codes could be guessed.
    asked.step.look(core, origin, asked.account)
    successor = None
    if insists_on_change and asked.account.must_change_password:
        # Whoever has not shown the password does not replace it.
        proposed = None if asked.step.password is None else new_password
        successor = _successor(core, origin, asked, asked.account, proposed)
    with core.begin(origin, writes=True) as uow:
        signed_in = _settle(uow, asked, asked.account, renewed, device=device, opens=opens)
        if successor is not None:
            signed_in = replace(signed_in, account=put_in_place(uow, signed_in.session, successor))
        return then(uow, signed_in)


def _verify(hasher: Hasher, stored: str | None, password: str, may_be_blank: bool) -> tuple[bool, str | None]:
    """Whether a password is the one that is stored, and its new hash if that one is outdated."""
    matches = hasher.verify(stored or hasher.decoy, password) and stored is not None
    matches = matches and (may_be_blank or password != "")
    return matches, hasher.hash(password) if matches and hasher.is_outdated(stored or "") else None


def _successor(core: Core, origin: Origin, asked: _Asked, account: Account, new: Secret | None) -> str:
    """The hash of the password that takes the place of one that was right. A refusal gives the attempt back."""
    try:
        return _hashed_successor(core, origin, asked, account, new)
    except (PasswordChangeRequired, PasswordRefused):
        with core.begin(origin, writes=True) as uow:
            throttle.forgive(uow, asked.counters)
        raise


def _hashed_successor(core: Core, origin: Origin, asked: _Asked, account: Account, new: Secret | None) -> str:
    hasher = core.tools.hasher
    if new is None:
        raise PasswordChangeRequired
    policy.require_fit(core, origin, new, account.names)
    if hasher.verify(asked.stored or hasher.decoy, new.reveal()):
        raise PasswordRefused([Reason("unchanged", "Use another password than before")])
    return hasher.hash(new.reveal())


def _ask_by_name(uow: UnitOfWork, name: str, typed: Typed) -> _Asked:
    row = _BY_NAME.find(uow.db, {"name": looked_up(name), **devices.this(uow)})
    if row is None:
        counters: tuple[Counter, ...] = (
            # Not folded when it cannot be a name: half a million accents would take minutes to sort.
            throttle.name_counter(uow, "password", looked_up(name) or name),
            throttle.address_counter(uow, "password"),
        )
        throttle.reserve(uow, counters)
        return _Asked(None, None, counters, ByPassword(typed.password))
    account = Account(*row[: len(COLUMNS)])
    stored, known_device, seen_at = row[len(COLUMNS) :]
    counters = attempts_from(uow, "password", account.number, known_device)
    if throttle.reserve(uow, counters):
        tell_owner(uow, account, LAST_GUESS)
    step = second_steps.read(uow, account, typed)
    return _Asked(account, stored if account.is_active else None, counters, step, seen_at)


def _settle(
    uow: UnitOfWork,
    asked: _Asked,
    account: Account,
    renewed: str | None,
    *,
    device: Device,
    opens: Opener,
) -> SignedIn:
    enter(uow, account, renewed)
    asked.step.take(uow, account)
    signed_in = open_for(uow, account, device, counters=asked.counters, seen_at=asked.seen_at, opens=opens)
    asked.step.opened(uow, signed_in.session)
    return signed_in


def enter(uow: UnitOfWork, account: Account, renewed: str | None = None) -> None:
    """Lock an account that is as it was asked about, enabled and with the same password; `renewed` is its new hash.

    Refuses `WrongCredentials` when a change or a disabling was faster.
    """
    as_asked = {"asked": account.number, "version": account.password_version, "at": uow.now}
    entered = (
        _ENTER.write(uow.db, as_asked)
        if renewed is None
        else _ENTER_RENEWED.write(uow.db, {**as_asked, "renewed": renewed})
    )
    if entered == 0:
        uow.evidence(audit.line(uow, "sign-in refused", account=account.number, overtaken=True))
        raise WrongCredentials


def open_for(
    uow: UnitOfWork,
    account: Account,
    device: Device,
    *,
    counters: Sequence[Counter],
    seen_at: datetime | None = None,
    opens: Opener = sessions.open_session,
) -> SignedIn:
    """Open a session for whoever has proved all there is to prove, and give their attempts back."""
    throttle.forgive(uow, counters)
    devices.remember(uow, account.number, seen_at=seen_at)
    session, secret = opens(uow, account.number, device)
    audit.record(uow, "signed in", account=account.number, via=f"session {session.id}")
    return SignedIn(account, session, secret)
