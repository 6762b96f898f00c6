"""What happened in each hour: counted from the audit log, the same however often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete
from tests.fakes import START, FakeClock, do
from tests.people import opened, rows, somebody

from dragoman.core import audit, rollups, sessions
from dragoman.core.audit import audit_log
from dragoman.core.rollups import hourly_counts
from dragoman.core.work import Core, Origin

SWEEPER = Origin("sweeper")
HOUR = START.replace(minute=0, second=0, microsecond=0)


def counted(core: Core) -> Sequence[tuple[int, str, str, int]]:
    """Everything counted: how many hours after the start, through what, what, how often."""
    found = do(core, rollups.since, HOUR - timedelta(days=365))
    return [((each.hour - HOUR) // timedelta(hours=1), each.dialect, each.kind, each.count) for each in found]


def test_hours_are_counted_by_dialect_and_kind(core: Core, clock: FakeClock) -> None:
    """Sign-ins and refusals of every hour, those between which nothing happened passed over; other events are not."""
    for event in ("signed in", "signed in", "sign-in refused", "upstream sign-in failed", "tested"):
        do(core, audit.record, event)
    do(core, audit.record, "signed in", origin=Origin("portainer"))
    clock.forward(days=3)
    do(core, audit.record, "sign-in refused")
    clock.forward(hours=2)
    assert rollups.roll_up(core, SWEEPER) == 3  # two in which something happened, and the one under way
    here, there = "immich", "portainer"
    expected = [(0, here, "signed_in", 2), (0, here, "refused", 2), (72, here, "refused", 1)]
    expected.append((0, there, "signed_in", 1))
    assert sorted(counted(core)) == sorted(expected)


def test_counting_again_changes_nothing_and_late_lines_are_counted(core: Core, clock: FakeClock) -> None:
    """An hour is counted anew until it is well past, never twice; what was counted outlasts the log."""
    do(core, audit.record, "signed in")
    rollups.roll_up(core, SWEEPER)
    rollups.roll_up(core, SWEEPER)
    assert counted(core) == [(0, "immich", "signed_in", 1)]
    do(core, audit.record, "signed in")
    clock.forward(hours=1)
    rollups.roll_up(core, SWEEPER)
    assert counted(core) == [(0, "immich", "signed_in", 2)]
    do(core, lambda uow: uow.db.execute(delete(audit_log)))
    clock.forward(hours=1)
    rollups.roll_up(core, SWEEPER)
    assert counted(core) == [(0, "immich", "signed_in", 2)]


def test_sessions_are_counted_as_they_are_now(core: Core, clock: FakeClock) -> None:
    """How many there are in the hour under way; where there are none any more, that is counted, too."""
    account = somebody(core)
    opened(core, account, duration=timedelta(hours=1))
    opened(core, account)
    rollups.roll_up(core, SWEEPER)
    clock.forward(hours=1)
    rollups.roll_up(core, SWEEPER)
    assert counted(core) == [(0, "immich", "sessions", 2), (1, "immich", "sessions", 1)]
    do(core, lambda uow: uow.db.execute(delete(sessions.sessions)))
    rollups.roll_up(core, SWEEPER)
    assert counted(core)[-1] == (1, "immich", "sessions", 0)


def test_no_more_is_counted_than_is_shown(core: Core, clock: FakeClock) -> None:
    """What lies further back than a month is not counted, and what was is forgotten."""
    do(core, audit.record, "signed in")
    clock.forward(days=32)
    assert rollups.roll_up(core, SWEEPER) == 1
    assert rows(core, hourly_counts) == []
    do(core, audit.record, "signed in")
    rollups.roll_up(core, SWEEPER)
    clock.forward(days=32)
    with core.begin(SWEEPER, writes=True) as uow:
        assert uow.db.execute(delete(hourly_counts).where(rollups.is_forgotten(uow.now))).rowcount == 1
