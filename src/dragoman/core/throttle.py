"""Guessing is slowed down: attempts are counted before they are judged, and delays grow.

Each kind of secret has counters of its own. An attempt is *reserved* first, so that a hundred parallel
guesses are a hundred attempts; whoever turns out to know the secret gets the reservation back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    not_,
    or_,
    select,
    update,
)

from dragoman.core.columns import Instant, metadata
from dragoman.core.database import insert_on
from dragoman.core.errors import Throttled
from dragoman.core.prepared import Prepared

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.sql.dml import ReturningInsert

    from dragoman.core.work import UnitOfWork

throttles = Table(
    "throttles",
    metadata,
    Column("key", String(160), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("blocked_until", Instant),
    Column("forget_at", Instant, nullable=False, index=True),
)

KINDS = ("password", "pin", "totp", "recovery")
LOCKED = timedelta(days=36500)


def _counting(engine: str) -> ReturningInsert[Any]:
    """Count one more failure of a key that is not blocked; how many there are then, or nothing if it is."""
    fresh, t = insert_on(engine, throttles), throttles.c
    now, latest, lock = (bindparam(name, type_=Instant) for name in ("now", "latest", "lock"))
    forgotten = _forgotten(now, latest, lock)
    return fresh.on_conflict_do_update(
        index_elements=[t.key],
        set_={
            "failures": case((forgotten, 1), else_=t.failures + 1),
            "blocked_until": None,
            "forget_at": fresh.excluded.forget_at,
        },
        where=or_(t.blocked_until.is_(None), t.blocked_until <= now, forgotten),
    ).returning(t.failures)


def _forgotten(now: Any, latest: Any, lock: Any) -> ColumnElement[bool]:
    """Whether failures count no more: their time is over, or it is later than any but a lock's can be.

    The latter was written by a clock that was far ahead: of an address nobody could lift it.
    """
    forget_at = throttles.c.forget_at
    return or_(forget_at <= now, and_(forget_at > latest, forget_at < lock))


def _instants(uow: UnitOfWork) -> dict[str, datetime]:
    """What `_forgotten` goes by: now, the latest end there can be now, and from when on an end is a lock's."""
    rule = uow.rules.throttle
    return {
        "now": uow.now,
        "latest": uow.now + rule.longest + rule.forget,
        "lock": uow.now + LOCKED / 2,
    }


_MINE = throttles.c.key == bindparam("mine")
_ONE_MORE = Prepared(_counting)
_FORGET = Prepared(delete(throttles).where(_MINE))
_ONE_FEWER = Prepared(
    update(throttles)
    .where(_MINE)
    .values(failures=case((throttles.c.failures > 1, throttles.c.failures - 1), else_=0), blocked_until=None)
)


@dataclass(frozen=True)
class Counter:
    """One thing that attempts are counted against. `free` attempts cost nothing; `locks`: ends in a lock."""

    key: str
    free: int
    locks: bool = False
    shared: bool = False


def account_counter(uow: UnitOfWork, kind: str, number: int) -> Counter:
    """Attempts at one account's secret of this kind (`KINDS`)."""
    return Counter(f"{kind}:account:{number}", uow.rules.throttle.free, locks=True)


def device_counter(uow: UnitOfWork, kind: str, number: int, device: str) -> Counter:
    """Attempts at one account by a device it knows: strangers' failures do not count here."""
    return Counter(f"{kind}:account:{number}:{device}", uow.rules.throttle.free, locks=True)


def name_counter(uow: UnitOfWork, kind: str, name: str) -> Counter:
    """Attempts at a name that nobody has: treated as an account's, so that nobody can tell."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return Counter(f"{kind}:name:{digest}", uow.rules.throttle.free, locks=True)


def address_counter(uow: UnitOfWork, kind: str) -> Counter:
    """Attempts from one address (for IPv6 its /64), whoever they are aimed at."""
    return Counter(f"{kind}:address:{uow.origin.network}", uow.rules.throttle.address_free, shared=True)


def of_link(uow: UnitOfWork, link_id: int) -> tuple[Counter, ...]:
    """Attempts at a shared link's password. They never end in a lock: a stranger's failures must not close it."""
    return (Counter(f"link:{link_id}", uow.rules.throttle.free), address_counter(uow, "link"))


def reserve(uow: UnitOfWork, counters: Iterable[Counter]) -> bool:
    """Count an attempt that is about to be made, or refuse it. `Throttled` says how long to wait.

    Whether it is the last one: unless it is right, nothing more is heard until somebody unlocks the account.
    """
    last = [_count(uow, counter) for counter in counters]
    return any(last)


def _count(uow: UnitOfWork, counter: Counter) -> bool:
    rule, now = uow.rules.throttle, uow.now
    fresh = {"key": counter.key, "failures": 1, "blocked_until": None, "forget_at": now + rule.forget}
    counted = _ONE_MORE.find(uow.db, {**fresh, **_instants(uow)})
    if counted is None:
        # The conflict has locked the row, so it is there still, and blocked.
        until = uow.db.scalars(select(throttles.c.blocked_until).where(throttles.c.key == counter.key)).one()
        raise Throttled(retry_after=max(until - now, timedelta(seconds=1)))
    failures: int = counted[0]
    if counter.locks and failures >= rule.lock_after:
        _block(uow, counter, LOCKED)
        return True
    if delay := rule.delay(failures, free=counter.free):
        _block(uow, counter, delay)
    return False


def _block(uow: UnitOfWork, counter: Counter, delay: timedelta) -> None:
    until = uow.now + delay
    blocked = update(throttles).where(throttles.c.key == counter.key)
    uow.db.execute(blocked.values(blocked_until=until, forget_at=until + uow.rules.throttle.forget))


def forgive(uow: UnitOfWork, counters: Iterable[Counter]) -> None:
    """The attempt was right. What is counted for its owner starts anew; what is shared loses this one."""
    for counter in counters:
        (_ONE_FEWER if counter.shared else _FORGET).write(uow.db, {"mine": counter.key})


@dataclass(frozen=True)
class Standing:
    """What is held against an account. Until `blocked_until` (None: not at all) some attempt is not heard."""

    failures: int
    blocked_until: datetime | None
    locked: bool


def standing(uow: UnitOfWork, number: int) -> Standing:
    """What attempts at an account have led to: failures of all its secrets, and the longest delay now."""
    c = throttles.c
    counted = select(c.failures, c.blocked_until).where(
        _of_account(number), not_(_forgotten(**_instants(uow)))
    )
    rows = uow.db.execute(counted).all()
    until = max(
        (row.blocked_until for row in rows if row.blocked_until and row.blocked_until > uow.now), default=None
    )
    # Nothing but a lock lasts longer than the longest delay.
    locked = until is not None and until - uow.now > uow.rules.throttle.longest
    return Standing(sum(row.failures for row in rows), until, locked)


def unlock(uow: UnitOfWork, number: int, kinds: Sequence[str] = KINDS) -> int:
    """Forget every attempt at an account's secrets of these kinds, by its devices too. How many counters that were."""
    return uow.db.execute(delete(throttles).where(_of_account(number, kinds))).rowcount


def _of_account(number: int, kinds: Sequence[str] = KINDS) -> ColumnElement[bool]:
    prefixes = [f"{kind}:account:{number}" for kind in kinds]
    return or_(
        *[or_(throttles.c.key == p, func.substr(throttles.c.key, 1, len(p) + 1) == f"{p}:") for p in prefixes]
    )
