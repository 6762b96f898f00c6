"""What somebody who is signed in is asked to prove once more: the account's password.

*Ask* reads the hash and reserves the attempt, *verify* holds no connection, and a proof that fails leaves
its evidence. The use case that wanted the proof settles: it gives the attempt back, and writes only if
what was proved is still so (docs/decisions/0004-no-hash-while-a-connection-is-held.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sqlalchemy import select

from dragoman.core import audit, devices, throttle
from dragoman.core.accounts import accounts
from dragoman.core.errors import WrongPassword, WrongPin
from dragoman.core.secrets import Secret
from dragoman.core.throttle import Counter

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.principals import Principal
    from dragoman.core.work import Core, Origin, UnitOfWork


@dataclass(frozen=True)
class Proof:
    """`version` of a password or PIN was proved; `counters` hold the attempt, which settling gives back.

    A PIN that is removed and set anew begins with version 1 again: what was proved of one is its `hash`.
    """

    of: Literal["password", "pin"]
    version: int
    counters: tuple[Counter, ...]
    hash: str = field(default="", repr=False)


def attempts_at(uow: UnitOfWork, kind: str, number: int) -> tuple[Counter, ...]:
    """What attempts at one account's secret count against: its own device, or else account and address."""
    return attempts_from(uow, kind, number, devices.recognise(uow, number))


def attempts_from(uow: UnitOfWork, kind: str, number: int, device: str | None) -> tuple[Counter, ...]:
    """The same by a device that has been recognised; None is a stranger's."""
    if device is not None:
        return (throttle.device_counter(uow, kind, number, device),)
    return (throttle.account_counter(uow, kind, number), throttle.address_counter(uow, kind))


def prove_password(
    core: Core, origin: Origin, caller: Principal, password: Secret, *, of: Account | None = None
) -> Proof:
    """The caller knows the password of their account, or of another. Refuses `WrongPassword`, `PasswordTooLong`,
    `Throttled`.
    """
    hasher, number = core.tools.hasher, (of or caller.account).number
    hasher.require_sane(password.reveal())
    with core.begin(origin, writes=True) as uow:
        counters = attempts_at(uow, "password", number)
        throttle.reserve(uow, counters)
        stored = select(accounts.c.password, accounts.c.password_version).where(accounts.c.number == number)
        row = uow.db.execute(stored).one_or_none()
    if row is not None and row.password is not None and hasher.verify(row.password, password.reveal()):
        return Proof("password", row.password_version, counters)
    with core.begin(origin, writes=False) as uow:
        actor = None if caller.account.number == number else caller.account.number
        uow.evidence(audit.line(uow, "wrong password", account=number, actor=actor, via=caller.via))
        raise WrongPassword


def settle(uow: UnitOfWork, number: int, proof: Proof) -> None:
    """What was proved is still so: give the attempt back. Refuses `WrongPassword` or `WrongPin` if it is not.

    The account is locked first, as in every unit that locks more: so no two wait for each other.
    """
    a = accounts.c
    unchanged = select(a.number).where(a.number == number, a.disabled_at.is_(None), a.deleted_at.is_(None))
    if proof.of == "password":
        unchanged = unchanged.where(a.password_version == proof.version)
    if uow.db.scalar(unchanged.with_for_update(key_share=True)) is None:
        raise WrongPassword if proof.of == "password" else WrongPin
    throttle.forgive(uow, proof.counters)
