"""Signing in on pages, where there is room to ask: name and password first, then the second factor; or a passkey.

Between the two steps the browser carries, sealed and for five minutes, whose password was right. Whoever has that
has still proved no second factor: its attempts are counted apart from those at passwords.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dragoman.core import (
    accounts,
    audit,
    carried,
    demands,
    factors,
    passkeys,
    recovery_codes,
    step_up,
    throttle,
)
from dragoman.core.errors import CodeRefused, CodeRequired, PasskeyRefused, StepOutdated, WrongCredentials
from dragoman.core.login import SignedIn, enter, log_in_with, open_for
from dragoman.core.proofs import attempts_at

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.passkeys import Site
    from dragoman.core.secrets import Secret
    from dragoman.core.sessions import Device
    from dragoman.core.step_up import Method
    from dragoman.core.work import Core, Origin, UnitOfWork

BETWEEN = timedelta(minutes=5)
PURPOSE = "second step"


@dataclass(frozen=True)
class Halfway:
    """The password was right: what the browser `carries` to the second step, and which ways there are to take that."""

    carries: Secret
    by_code: bool
    by_passkey: bool


def begin(core: Core, origin: Origin, name: str, password: Secret, device: Device) -> SignedIn | Halfway:
    """Sign in by name and password; or come half the way, where a second factor is asked for.

    Whoever has yet to set one up comes in, and nowhere before they have (core/demands.py). Refuses as `login.log_in`.
    """

    def noted(uow: UnitOfWork, signed_in: SignedIn) -> SignedIn:
        step_up.note(uow, signed_in.session, "password")
        return signed_in

    try:
        return log_in_with(core, origin, name, password, device, then=noted, in_steps=True)
    except CodeRequired as asked:
        with core.begin(origin, writes=True) as uow:
            # It was right. What is guessed from here on are codes, which are counted apart.
            throttle.forgive(uow, attempts_at(uow, "password", asked.account_number))
            facts = {"account": asked.account_number, "version": asked.password_version}
            return halfway(uow, carried.write(uow, PURPOSE, facts, lasts=BETWEEN))


def halfway(uow: UnitOfWork, carries: Secret) -> Halfway:
    """Where somebody is who carries this. Refuses `StepOutdated`."""
    guard = demands.guard(uow, _account(uow, carries))
    return Halfway(carries, by_code=guard.takes_codes, by_passkey=guard.has_passkey)


def complete(core: Core, origin: Origin, carries: Secret, code: Secret, device: Device) -> SignedIn:
    """Sign in by a code of the second factor, once the password was right. Refuses as `_complete` does."""

    def is_proved(uow: UnitOfWork, account: Account) -> bool:
        return demands.guard(uow, account).takes_codes and factors.is_proved(uow, account.number, code)

    return _complete(core, origin, carries, device, method="totp", is_proved=is_proved)


def complete_by_recovery(
    core: Core, origin: Origin, carries: Secret, code: Secret, device: Device
) -> SignedIn:
    """The same by a recovery code, which is spent."""
    return _complete(
        core,
        origin,
        carries,
        device,
        method="recovery",
        is_proved=lambda uow, account: recovery_codes.spend(uow, account.number, code),
    )


def _complete(
    core: Core,
    origin: Origin,
    carries: Secret,
    device: Device,
    *,
    method: Method,
    is_proved: Callable[[UnitOfWork, Account], bool],
) -> SignedIn:
    """Refuses `StepOutdated` (the password was asked for too long ago, or has changed), `CodeRefused`, `Throttled`."""
    with core.begin(origin, writes=True, durable=False) as uow:
        account = _account(uow, carries)
        counters = attempts_at(uow, method, account.number)
        throttle.reserve(uow, counters)
    with core.begin(origin, writes=True) as uow:
        try:
            enter(uow, account)
        except WrongCredentials:
            raise StepOutdated from None
        if not is_proved(uow, account):
            uow.evidence(audit.line(uow, "sign-in refused", account=account.number, second_factor=True))
            raise CodeRefused
        signed_in = open_for(uow, account, device, counters=counters)
        step_up.note(uow, signed_in.session, "password", method)
        return signed_in


def _account(uow: UnitOfWork, carries: Secret) -> Account:
    facts = carried.read(uow, PURPOSE, carries)
    account = None if facts is None else accounts.find_by_number(uow, facts["account"])
    if facts is None or account is None or account.password_version != facts["version"]:
        raise StepOutdated
    return account


def by_passkey(
    core: Core, origin: Origin, site: Site, carries: Secret, answer: Mapping[str, Any], *, device: Device
) -> SignedIn:
    """Sign in by a passkey, which is both factors in one. Refuses `PasskeyRefused`, `Throttled`."""
    with core.begin(origin, writes=True, durable=False) as uow:
        counters = (throttle.address_counter(uow, "passkey"),)
        throttle.reserve(uow, counters)
    with core.begin(origin, writes=True) as uow:
        try:
            account, _ = passkeys.finish_showing(uow, site, carries, answer)
            enter(uow, account)
        except (PasskeyRefused, WrongCredentials):
            uow.evidence(audit.line(uow, "sign-in refused", passkey=True))
            raise
        signed_in = open_for(uow, account, device, counters=counters)
        step_up.note(uow, signed_in.session, "passkey")
        return signed_in
