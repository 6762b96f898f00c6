"""PINs, and the fifteen minutes of stronger trust that one buys.

One PIN per account, hashed like a password, shared by all its sessions. Elevation is a state of one
session: never of an account, never of an API key. Immich contract §1.7-§1.11, §2.2, §2.3.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, delete, select, update

from dragoman.core import audit, throttle
from dragoman.core.accounts import accounts
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import PinAlreadySet, PinNotSet, ProofMissing, SessionRefused, WrongPin
from dragoman.core.proofs import Proof, attempts_at, prove_password, settle
from dragoman.core.sessions import dated, is_live, sessions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.errors import Refusal
    from dragoman.core.principals import Principal
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Core, Origin, UnitOfWork

pins = Table(
    "pins",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

ELEVATED_FOR = timedelta(minutes=15)


def has_pin(uow: UnitOfWork, account_number: int) -> bool:
    """Whether the account has a PIN."""
    return uow.db.scalar(select(pins.c.version).where(pins.c.account_number == account_number)) is not None


def set_pin(core: Core, origin: Origin, caller: Principal, pin: Secret) -> None:
    """Give the account its first PIN. Refuses `SessionRequired`, `WhileImpersonating`, `PinAlreadySet`."""
    caller.require_in_person()
    number = caller.account.number
    with core.begin(origin, writes=False) as uow:
        if has_pin(uow, number):
            raise PinAlreadySet
    hashed = core.tools.hasher.hash(pin.reveal())
    with core.begin(origin, writes=True) as uow:
        fresh = insert(uow.db, pins).values(account_number=number, hash=hashed, version=1, changed_at=uow.now)
        if uow.db.scalar(fresh.on_conflict_do_nothing().returning(pins.c.version)) is None:
            raise PinAlreadySet
        audit.record(uow, "PIN set", account=number, via=caller.via)


def change_pin(
    core: Core, origin: Origin, caller: Principal, new: Secret, *, password: Secret | None, pin: Secret | None
) -> None:
    """Replace the PIN, proving the password or else the old PIN.

    Refuses `SessionRequired`, `WhileImpersonating`, `PinNotSet`, `WrongPassword`, `WrongPin`, `ProofMissing`,
    `Throttled`.
    """
    proof = _prove_either(core, origin, caller, password=password, pin=pin)
    hashed = core.tools.hasher.hash(new.reveal())
    number = caller.account.number
    with core.begin(origin, writes=True) as uow:
        settle(uow, number, proof)
        changed = update(pins).where(pins.c.account_number == number, *_unchanged(proof))
        renewed = changed.values(hash=hashed, version=pins.c.version + 1, changed_at=uow.now)
        if uow.db.execute(renewed).rowcount == 0:
            raise _overtaken(proof)
        audit.record(uow, "PIN changed", account=number, via=caller.via)


def reset_pin(
    core: Core, origin: Origin, caller: Principal, *, password: Secret | None, pin: Secret | None
) -> None:
    """Remove the PIN, proving it or the password, and end every elevation of the account.

    Refuses as `change_pin` does.
    """
    proof = _prove_either(core, origin, caller, password=password, pin=pin)
    number = caller.account.number
    with core.begin(origin, writes=True) as uow:
        settle(uow, number, proof)
        removed = delete(pins).where(pins.c.account_number == number, *_unchanged(proof))
        if uow.db.execute(removed).rowcount == 0:
            raise _overtaken(proof)
        s, dialect = sessions.c, origin.dialect
        elevated = update(sessions).where(s.account_number == number, s.elevated_until.is_not(None))
        uow.db.execute(elevated.where(s.dialect == dialect, is_live(uow.now)).values(**dated(uow, dialect)))
        uow.db.execute(elevated.values(elevated_until=None))
        audit.record(uow, "PIN removed", account=number, via=caller.via)


def unlock(core: Core, origin: Origin, caller: Principal, pin: Secret | None) -> datetime:
    """Raise the calling session to elevated trust; until when.

    Refuses `SessionRequired`, `WhileImpersonating`, `PinNotSet`, `ProofMissing`, `WrongPin`, `Throttled`.
    """
    session, number = caller.require_in_person(), caller.account.number
    proof = _prove_either(core, origin, caller, password=None, pin=pin)
    with core.begin(origin, writes=True) as uow:
        settle(uow, number, proof)
        # The PIN may have been removed while we verified it, and the session ended.
        unchanged = select(pins.c.version).where(pins.c.account_number == number, *_unchanged(proof))
        if uow.db.scalar(unchanged.with_for_update()) is None:
            raise _overtaken(proof)
        until = uow.now + ELEVATED_FOR
        raised = update(sessions).where(sessions.c.id == session.id, is_live(uow.now))
        if uow.db.execute(raised.values(elevated_until=until, **dated(uow, session.dialect))).rowcount == 0:
            raise SessionRefused
        audit.record(uow, "session unlocked", account=number, via=caller.via)
    return until


def lock(uow: UnitOfWork, caller: Principal) -> None:
    """End the calling session's elevation, if it has one. Refuses `SessionRequired`."""
    session = caller.require_session()
    mine = update(sessions).where(sessions.c.id == session.id)
    uow.db.execute(mine.values(elevated_until=None, **dated(uow, session.dialect)))


def _prove_either(
    core: Core, origin: Origin, caller: Principal, *, password: Secret | None, pin: Secret | None
) -> Proof:
    """A proof of the password if one is given, else of the PIN. The password wins (contract §1.8)."""
    caller.require_in_person()
    with core.begin(origin, writes=False) as uow:
        if not has_pin(uow, caller.account.number):
            raise PinNotSet
    if password is not None:
        return prove_password(core, origin, caller, password)
    if pin is not None:
        return _prove_pin(core, origin, caller, pin)
    raise ProofMissing


def _prove_pin(core: Core, origin: Origin, caller: Principal, pin: Secret) -> Proof:
    number = caller.account.number
    with core.begin(origin, writes=True) as uow:
        counters = attempts_at(uow, "pin", number)
        throttle.reserve(uow, counters)
        row = uow.db.execute(
            select(pins.c.hash, pins.c.version).where(pins.c.account_number == number)
        ).one_or_none()
    if row is not None and core.tools.hasher.verify(row.hash, pin.reveal()):
        return Proof("pin", row.version, counters, row.hash)
    with core.begin(origin, writes=False) as uow:
        uow.evidence(audit.line(uow, "wrong PIN", account=number, via=caller.via))
        raise WrongPin


def _unchanged(proof: Proof) -> tuple[ColumnElement[bool], ...]:
    """That the PIN is still the one proved. A proved password says nothing of the PIN."""
    return (pins.c.hash == proof.hash,) if proof.of == "pin" else ()


def _overtaken(proof: Proof) -> Refusal:
    """The PIN changed or went while its proof was verified: what proved it then is wrong now."""
    return WrongPin() if proof.of == "pin" else PinNotSet()
