"""The second factor: codes that a device makes of a seed and the time (TOTP, RFC 6238).

A code has six digits and is good for thirty seconds, half a minute before and after them, and once: the last step
of time that was used is kept, and nothing before it counts (§5.2). Devices whose clock runs ahead or behind are
synchronised (§6). Seeds are sealed, since codes are made of them again and again.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from sqlalchemy import Column, ForeignKey, Integer, Table, bindparam, delete, select, update

from dragoman.core import audit, recovery_codes, throttle
from dragoman.core.accounts import AT_A_TIME, Account, accounts
from dragoman.core.columns import Instant, Number, Sealed, metadata
from dragoman.core.database import insert
from dragoman.core.errors import FactorAlreadySet, FactorNotSet, SeedRefused, WrongCode
from dragoman.core.prepared import Prepared
from dragoman.core.proofs import attempts_at
from dragoman.core.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from dragoman.core.principals import Principal
    from dragoman.core.work import Core, Origin, UnitOfWork

totp_factors = Table(
    "totp_factors",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("seed", Sealed, nullable=False),
    Column("drift", Integer, nullable=False),  # steps that the device's clock is ahead of ours
    Column("last_step", Number, nullable=False),  # nothing up to here counts again
    Column("enabled_at", Instant, nullable=False),
)
_OF_ACCOUNT = Prepared(select(totp_factors).where(totp_factors.c.account_number == bindparam("account")))


class _Factor(NamedTuple):
    """A row of the table, column by column."""

    account_number: int
    seed: bytes
    drift: int
    last_step: int
    enabled_at: datetime


STEP = 30  # seconds
DIGITS = 6
NEAR = 1  # steps that a device may be off
FAR = 10  # and while it is synchronised
# RFC 4226 §4 wants 128 bits; but what many devices were given has 80.
SHORTEST_SEED, LONGEST_SEED = 10, 128
CODE = re.compile(r"[0-9]{6}")


class _Place(TypedDict):
    table: str
    column: str
    row: int


def _place(number: int) -> _Place:
    return {"table": totp_factors.name, "column": "seed", "row": number}


def code_at(seed: bytes, step: int) -> str:
    """The code of a step (RFC 4226 §5.3, with SHA-1)."""
    mac = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    start = mac[-1] & 0xF
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_at(moment: datetime) -> int:
    """The step that an instant is in (RFC 6238 §4.2)."""
    return int(moment.timestamp()) // STEP


def seed_of(text: Secret) -> bytes:
    """The seed written in Base32 (RFC 4648 §6), in either case, blanks and hyphens in it. Refuses `SeedRefused`."""
    letters = re.sub(r"[\s=-]", "", text.reveal()[: 4 * LONGEST_SEED]).upper()
    try:
        seed = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        raise SeedRefused from None
    if not SHORTEST_SEED <= len(seed) <= LONGEST_SEED:
        raise SeedRefused
    return seed


def enable(uow: UnitOfWork, account: Account, seed: Secret, code: Secret, *, by: Principal) -> None:
    """Ask for a code of this seed at every sign-in of the account from now on. The code shows that a device has it.

    Refuses `SessionRequired`, `WhileImpersonating`, `FactorAlreadySet`, `SeedRefused`, `WrongCode`.
    """
    by.require_in_person()
    by.require_maker(uow)
    if is_enabled(uow, account.number):
        raise FactorAlreadySet
    plain = seed_of(seed)
    step = _matching(plain, code, step_at(uow.now), NEAR, after=0)
    if step is None:
        raise WrongCode
    fresh = insert(uow.db, totp_factors).values(
        account_number=account.number,
        seed=uow.sealer.seal(uow, plain, **_place(account.number)),
        drift=0,
        last_step=step,
        enabled_at=uow.now,
    )
    if uow.db.scalar(fresh.on_conflict_do_nothing().returning(totp_factors.c.account_number)) is None:
        raise FactorAlreadySet
    audit.record(uow, "second factor enabled", account=account.number, by=by)


def synchronise(core: Core, origin: Origin, account: Account, code: Secret, *, by: Principal) -> int:
    """Learn by a code how many steps the device's clock is ahead of ours, five minutes at most; how many.

    Refuses `SessionRequired`, `WhileImpersonating`, `FactorNotSet`, `WrongCode`, `Throttled`.
    """
    by.require_in_person()
    with core.begin(origin, writes=True) as uow:
        if not is_enabled(uow, account.number):
            raise FactorNotSet
        counters = attempts_at(uow, "totp", account.number)
        throttle.reserve(uow, counters)
    with core.begin(origin, writes=True) as uow:
        row, now = _stored(uow, account.number), step_at(uow.now)
        step = None if row is None else _spent(uow, row, code, now, FAR)
        if step is None:
            uow.evidence(audit.line(uow, "wrong code", account=account.number, via=by.via))
            raise WrongCode
        throttle.forgive(uow, counters)
        mine = update(totp_factors).where(totp_factors.c.account_number == account.number)
        uow.db.execute(mine.values(drift=step - now))
        audit.record(uow, "second factor synchronised", account=account.number, by=by, drift=step - now)
        return step - now


def disable(uow: UnitOfWork, account: Account, *, by: Principal | None = None) -> None:
    """Ask for no code any more, nor for a recovery code in its place: those there are open nothing, ever.

    Refuses `FactorNotSet`, and to a caller `SessionRequired`, `WhileImpersonating`.
    """
    if by is not None:
        by.require_in_person()
        by.require_maker(uow)
    gone = delete(totp_factors).where(totp_factors.c.account_number == account.number)
    if uow.db.execute(gone).rowcount == 0:
        raise FactorNotSet
    recovery_codes.remove(uow, account.number)
    audit.record(uow, "second factor disabled", account=account.number, by=by)


def is_enabled(uow: UnitOfWork, number: int) -> bool:
    """Whether an account has a second factor."""
    return _OF_ACCOUNT.find(uow.db, {"account": number}) is not None


def enabled_among(uow: UnitOfWork, numbers: Sequence[int]) -> Collection[int]:
    """Which of the accounts with these numbers have a second factor."""
    number, found = totp_factors.c.account_number, set[int]()
    for start in range(0, len(numbers), AT_A_TIME):
        some = numbers[start : start + AT_A_TIME]
        found |= set(uow.db.scalars(select(number).where(number.in_(some))))
    return found


def is_right(uow: UnitOfWork, number: int, code: Secret | None) -> bool:
    """Whether `is_proved` would say so. Nothing is spent."""
    row = _stored(uow, number)
    return row is None or (code is not None and _step_of(uow, row, code, None, NEAR) is not None)


def is_proved(uow: UnitOfWork, number: int, code: Secret | None) -> bool:
    """Whether a code is the account's now, which spends it; or the account has no second factor.

    Of any number that show one code at once one is right. Attempts are the caller's to count.
    """
    row = _stored(uow, number)
    return row is None or (code is not None and _spent(uow, row, code, None, NEAR) is not None)


def require(uow: UnitOfWork, number: int, code: Secret | None) -> None:
    """Refuses `WrongCode` to whoever is signed in and does not prove the account's second factor."""
    if not is_proved(uow, number, code):
        raise WrongCode


def appended(secret: Secret) -> tuple[Secret, Secret | None]:
    """A password and the code that was typed behind it, for products without a field for one.

    One blank between them belongs to neither.
    """
    text = secret.reveal()
    password, code = text[:-DIGITS].removesuffix(" "), text[-DIGITS:]
    return (Secret(password), Secret(code)) if CODE.fullmatch(code) else (secret, None)


def _stored(uow: UnitOfWork, number: int) -> _Factor | None:
    row = _OF_ACCOUNT.find(uow.db, {"account": number})
    return None if row is None else _Factor(*row)


def _spent(uow: UnitOfWork, row: _Factor, code: Secret, around: int | None, within: int) -> int | None:
    """As `_step_of`; with all before it the step is spent from now on. None also when another was faster."""
    step = _step_of(uow, row, code, around, within)
    if step is None:
        return None
    t = totp_factors.c
    # Of a factor that was replaced meanwhile nothing is proved.
    unspent = (
        t.account_number == row.account_number,
        t.enabled_at == row.enabled_at,
        t.last_step < step,
    )
    spent = update(totp_factors).where(*unspent).values(last_step=step)
    return step if uow.db.execute(spent).rowcount == 1 else None


def _step_of(uow: UnitOfWork, row: _Factor, code: Secret, around: int | None, within: int) -> int | None:
    """The step that a code is of, near `around`, or near to where the device's clock should be; None: of none."""
    seed = uow.sealer.open(uow, row.seed, **_place(row.account_number))
    centre = step_at(uow.now) + row.drift if around is None else around
    return _matching(seed, code, centre, within, after=row.last_step)


def _matching(seed: bytes, code: Secret, centre: int, within: int, *, after: int) -> int | None:
    """The step nearest to the centre that a code is of, among those that count."""
    typed = re.sub(r"\s", "", code.reveal()[: 4 * DIGITS])
    if CODE.fullmatch(typed) is None:
        return None
    steps = [step for step in range(centre - within, centre + within + 1) if step > after]
    # All are compared, so that the time it takes tells nothing.
    good = [step for step in steps if hmac.compare_digest(code_at(seed, step), typed)]
    return min(good, key=lambda step: abs(step - centre), default=None)
