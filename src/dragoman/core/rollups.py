"""What happened in each hour, counted by dialect: sign-ins and refusals from the audit log, and sessions.

Counting again gives the same, so an hour is counted as often as the sweeper comes by until it is well past, by any
number of nodes. The log itself may be pruned meanwhile: what was counted stays for as long as it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Column, String, Table, func, or_, select

from dragoman.core.audit import audit_log
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.sessions import sessions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.work import Core, Origin, UnitOfWork

Kind = Literal["signed_in", "refused", "sessions"]

hourly_counts = Table(
    "hourly_counts",
    metadata,
    Column("hour", Instant, primary_key=True),
    Column("dialect", String(32), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("count", Number, nullable=False),
)

HOUR = timedelta(hours=1)
KEPT = timedelta(days=31)
# A line is dated when its unit begins, by the clock of its node, and may be there to be read only later.
LATE = HOUR
KINDS: Mapping[str, Kind] = {
    "signed in": "signed_in",
    "sign-in refused": "refused",
    "upstream sign-in refused": "refused",
    "upstream sign-in failed": "refused",
}


@dataclass(frozen=True)
class Count:
    """How often something happened through a dialect within the hour that begins then; or how many sessions there were."""

    hour: datetime
    dialect: str
    kind: Kind
    count: int


def roll_up(core: Core, origin: Origin) -> int:
    """Count every hour that is not well past, or was not counted yet; how many. Each in a unit of its own."""
    with core.begin(origin, writes=False) as uow:
        hours = list(_uncounted(uow))
    for hour in hours:
        with core.begin(origin, writes=False) as uow:
            found = [*_events(uow, hour), *(_sessions(uow, hour) if hour == hours[-1] else ())]
        if found:
            with core.begin(origin, writes=True) as uow:
                _write(uow, found)
    return len(hours)


def _uncounted(uow: UnitOfWork) -> Iterator[datetime]:
    """From an hour before the last that was counted on, or as far back as is shown, to the one under way."""
    now = _hour_of(uow.now)
    last: datetime | None = uow.db.scalar(select(func.max(hourly_counts.c.hour)))
    hour = max(now - KEPT, now - KEPT if last is None else last - LATE)
    while hour < now:
        earliest = select(func.min(audit_log.c.at)).where(audit_log.c.at >= hour)
        at: datetime | None = uow.db.scalar(earliest)
        if at is None or _hour_of(at) >= now:
            break
        hour = _hour_of(at)
        yield hour
        hour += HOUR
    yield now


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _events(uow: UnitOfWork, hour: datetime) -> Iterator[Count]:
    a = audit_log.c
    within = (a.at >= hour, a.at < hour + HOUR, a.event.in_(KINDS))
    counted: dict[tuple[str, Kind], int] = {}
    query = select(a.dialect, a.event, func.count()).where(*within).group_by(a.dialect, a.event)
    for dialect, event, count in uow.db.execute(query):
        counted[dialect, KINDS[event]] = counted.get((dialect, KINDS[event]), 0) + count
    for (dialect, kind), count in counted.items():
        yield Count(hour, dialect, kind, count)


def _sessions(uow: UnitOfWork, hour: datetime) -> Iterator[Count]:
    """Sessions that have not run out. Those that were ended otherwise are gone within a round of the sweeper's."""
    s, c = sessions.c, hourly_counts.c
    # Where there were some just now, and are none any more, that is counted, too.
    lately = select(c.dialect).where(c.hour >= hour - HOUR, c.kind == "sessions")
    counted = dict.fromkeys(uow.db.scalars(lately), 0)
    running = (s.idle_until > uow.now, or_(s.expires_at.is_(None), s.expires_at > uow.now))
    query = select(s.dialect, func.count().label("sessions")).where(*running).group_by(s.dialect)
    counted |= {row.dialect: row.sessions for row in uow.db.execute(query)}
    for dialect, count in counted.items():
        yield Count(hour, dialect, "sessions", count)


def _write(uow: UnitOfWork, found: Sequence[Count]) -> None:
    # Always in the same order, so that two nodes that count the same hour do not lock each other out.
    rows = [each.__dict__ for each in sorted(found, key=lambda each: (each.dialect, each.kind))]
    fresh = insert(uow.db, hourly_counts)
    key = list(hourly_counts.primary_key.columns)
    uow.db.execute(
        fresh.on_conflict_do_update(index_elements=key, set_={"count": fresh.excluded["count"]}), rows
    )


def since(uow: UnitOfWork, first: datetime) -> Sequence[Count]:
    """What was counted of the hours from `first` on, in their order."""
    c = hourly_counts.c
    query = select(c.hour, c.dialect, c.kind, c["count"]).where(c.hour >= first).order_by(c.hour, c.dialect)
    return [Count(*row) for row in uow.db.execute(query)]


def is_forgotten(now: datetime) -> ColumnElement[bool]:
    """What is not shown any more."""
    return hourly_counts.c.hour < now - KEPT - HOUR
