"""What happens here, drawn; and whether all is well: storage, mail, keys that sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dragoman.core import keys, outbox, rollups
from dragoman.core.outbox import State
from dragoman.core.rollups import HOUR, Count
from dragoman.web.account.sessions import products
from dragoman.web.charts import Bucket, Chart, drawn
from dragoman.web.pages import Answer, Page, Shown, Visit, Who

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/admin"
UNSENT: tuple[State, ...] = ("refused", "expired")


@dataclass(frozen=True)
class Period:
    """How far back is looked, and how many hours a bar has."""

    words: str
    bars: int
    hours: int


PERIODS: Mapping[str, Period] = {
    "day": Period("Last day", 24, 1),
    "week": Period("Last week", 28, 6),
    "month": Period("Last month", 30, 24),
}


@dataclass(frozen=True)
class Through:
    """What happened through one product."""

    name: str
    chart: Chart
    sessions: int


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """Sign-ins, refusals and sessions of a period; and how everything that works in the background does."""
    asked = visit.asked("period")
    period = PERIODS.get(asked, PERIODS["day"])
    first = uow.now.replace(minute=0, second=0, microsecond=0) - (period.bars * period.hours - 1) * HOUR
    counts = rollups.since(uow, first)
    named = {**products(), "web": "These pages"}
    mails = outbox.counted(uow, "waiting", *UNSENT)
    facts = {
        "periods": PERIODS,
        "period": period,
        "all": drawn(_events(counts, first, period)),
        "sessions": drawn(_sessions(counts, first, period)),
        "sessions_now": sum(_sessions_now(counts, uow.now).values()),
        "through": _through(counts, first, period, uow.now, named),
        "engine": "SQLite" if visit.core.database.is_sqlite else "PostgreSQL",
        "mailer": uow.tools.mailer is not None,
        "waiting": mails.get("waiting", 0),
        "unsent": sum(mails.get(state, 0) for state in UNSENT),
        "signing": [
            (named.get(key.dialect, key.dialect), key) for key in keys.listed(uow) if not key.retired_at
        ],
        "kept_days": uow.rules.audit_retention.days,
    }
    return Shown("admin/overview.html", facts)


def _through(
    counts: Sequence[Count], first: datetime, period: Period, now: datetime, named: Mapping[str, str]
) -> Sequence[Through]:
    """Each product through which something happened, by its name."""
    sessions_now = _sessions_now(counts, now)
    found = []
    for dialect in sorted({each.dialect for each in counts}, key=lambda dialect: named.get(dialect, dialect)):
        theirs = [each for each in counts if each.dialect == dialect]
        chart = drawn(_events(theirs, first, period))
        found.append(Through(named.get(dialect, dialect), chart, sessions_now.get(dialect, 0)))
    return found


def _events(counts: Sequence[Count], first: datetime, period: Period) -> Sequence[Bucket]:
    good, bad = [0] * period.bars, [0] * period.bars
    for each in counts:
        if each.kind != "sessions":
            bars = good if each.kind == "signed_in" else bad
            bars[_place(each.hour, first, period)] += each.count
    return [
        Bucket(_begins(place, first, period), *both) for place, both in enumerate(zip(good, bad, strict=True))
    ]


def _sessions(counts: Sequence[Count], first: datetime, period: Period) -> Sequence[Bucket]:
    """The most sessions that there were at one time within each bar's hours."""
    at_once: dict[datetime, int] = {}
    for each in counts:
        if each.kind == "sessions":
            at_once[each.hour] = at_once.get(each.hour, 0) + each.count
    most = [0] * period.bars
    for hour, count in at_once.items():
        place = _place(hour, first, period)
        most[place] = max(most[place], count)
    return [Bucket(_begins(place, first, period), count) for place, count in enumerate(most)]


def _sessions_now(counts: Sequence[Count], now: datetime) -> Mapping[str, int]:
    """The last count of each dialect's sessions, unless it is of long ago: the sweeper counts every minute."""
    return {
        each.dialect: each.count for each in counts if each.kind == "sessions" and each.hour > now - 2 * HOUR
    }


def _place(hour: datetime, first: datetime, period: Period) -> int:
    return min((hour - first) // timedelta(hours=period.hours), period.bars - 1)


def _begins(place: int, first: datetime, period: Period) -> datetime:
    return first + place * period.hours * HOUR


PAGES = (Page("GET", PATH, show, Who.ADMIN, room="What happens"),)
