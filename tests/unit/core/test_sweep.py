"""Sweeping: only what is over goes, so many rows at a time; and what was seen is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from tests.fakes import FakeClock, do
from tests.people import events, everything, opened, presenting, rows, somebody
from tests.racing import after_statements, is_write

from dragoman.core import api_keys, audit, devices, session_ends, sessions, sweep, throttle
from dragoman.core.errors import Unavailable
from dragoman.core.last_seen import Sighting
from dragoman.core.work import Core, Origin

SWEEPER = Origin("sweeper")
NOTHING = {
    "sessions": 0,
    "api_keys": 0,
    "throttles": 0,
    "known_devices": 0,
    "refresh_tokens": 0,
    "tickets": 0,
    "access_tokens": 0,
    "signing_keys": 0,
    "outbox": 0,
    "invitations": 0,
    "password_resets": 0,
    "spent_challenges": 0,
    "approvals": 0,
    "hourly_counts": 0,
    "audit_log": 0,
}


def failed(core: Core, name: str) -> None:
    """An attempt at a name was counted."""
    do(core, lambda uow: throttle.reserve(uow, [throttle.name_counter(uow, "password", name)]))


# --- what goes ------------------------------------------------------------------------------------------


def test_only_what_is_over_is_swept(core: Core, clock: FakeClock) -> None:
    """Everything that expires goes when it is over, and not a microsecond before."""
    account = somebody(core)
    opened(core, account, duration=timedelta(days=1))
    opened(core, account)
    for expires_at in (None, clock.now + timedelta(days=1)):
        do(
            core,
            api_keys.issue,
            account.number,
            "immich",
            name="k",
            permissions=["all"],
            expires_at=expires_at,
        )
    failed(core, "nobody")
    do(core, devices.remember, account.number)
    steps = [
        (timedelta(days=1), {"sessions": 1, "throttles": 1}),  # a duration, and a failure that is forgotten
        (timedelta(days=31), {"api_keys": 1}),  # 30 days after the key expired
        (timedelta(days=90), {"sessions": 1}),  # idle
        (timedelta(days=180), {"known_devices": 1}),
        (timedelta(days=365), {"audit_log": 3}),
        (timedelta(days=3650), {}),
    ]
    start = clock.now
    for after, gone in steps:
        clock.now = start + after - timedelta(microseconds=1)
        assert sweep.sweep(core, SWEEPER) == NOTHING
        clock.now = start + after
        assert sweep.sweep(core, SWEEPER) == {**NOTHING, **gone}
    left = everything(core)
    assert [row["expires_at"] for row in left["api_keys"]] == [None]
    assert len(left["accounts"]) == 1


def test_the_audit_log_is_kept_as_long_as_configured(core: Core, clock: FakeClock) -> None:
    """How long the record is kept is the operator's choice."""
    do(core, audit.record, "tested")
    short = Core(core.database, core.tools, replace(core.rules, audit_retention=timedelta(days=7)))
    clock.forward(days=7)
    assert sweep.sweep(short, SWEEPER)["audit_log"] == 1


def test_a_sweep_comes_in_batches(core: Core, clock: FakeClock) -> None:
    """No unit of work removes more than a batch, and no sweep more than so many batches: nobody waits long."""
    account = somebody(core)
    for _ in range(25):
        opened(core, account)
    clock.forward(days=90)
    in_each: list[int] = []

    def count(statement: str) -> None:
        if "FROM sessions" in statement and not is_write(statement):
            in_each.append(0)
        elif statement.startswith("DELETE FROM sessions"):
            in_each[-1] += 1

    with after_statements(core, count):
        assert sweep.sweep(core, SWEEPER, batch=10, most_batches=2)["sessions"] == 20
        assert in_each == [10, 10]
        assert sweep.sweep(core, SWEEPER, batch=10, most_batches=2)["sessions"] == 5
    assert in_each == [10, 10, 5]
    assert rows(core, sessions.sessions) == []


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_what_came_alive_again_stays(core: Core, clock: FakeClock) -> None:
    """A session that another node sees between being found idle and being removed is not removed.

    On SQLite nobody can write between the two.
    """
    account = somebody(core)
    (alive, _), _ = opened(core, account), opened(core, account)
    clock.forward(days=90)
    seen: list[str] = []

    def see(statement: str) -> None:
        if "FROM sessions" in statement and not is_write(statement) and not seen:
            seen.append(statement)
            s = sessions.sessions
            with core.database.writing() as db:
                later = clock.now + timedelta(days=90)
                db.execute(update(s).where(s.c.id == alive.id).values(seen_at=clock.now, idle_until=later))

    with after_statements(core, see):
        assert sweep.sweep(core, SWEEPER)["sessions"] == 1
    assert [row["id"] for row in rows(core, sessions.sessions)] == [alive.id]


# --- what was seen --------------------------------------------------------------------------------------


def test_what_was_seen_is_written(core: Core, clock: FakeClock) -> None:
    """When sessions and keys were last used is written in one unit, once."""
    account = somebody(core)
    session, secret = opened(core, account)
    _, key_secret = do(core, api_keys.issue, account.number, "immich", name="k", permissions=["all"])
    clock.forward(hours=1)
    presenting(core, secret)
    presenting(core, key_secret, "api_key")
    assert sweep.write_last_seen(core, SWEEPER) == 2
    (row,), (key,) = rows(core, sessions.sessions), rows(core, api_keys.api_keys)
    assert (row["seen_at"], row["idle_until"]) == (clock.now, clock.now + timedelta(days=90))
    assert key["used_at"] == clock.now
    assert sweep.write_last_seen(core, SWEEPER) == 0
    assert session.seen_at < clock.now


def test_an_older_sighting_moves_nothing_back(core: Core, clock: FakeClock) -> None:
    """Of two nodes that saw a credential the one that writes last may have seen it first: the later holds."""
    account = somebody(core)
    session, _ = opened(core, account)
    key, _ = do(core, api_keys.issue, account.number, "immich", name="k", permissions=["all"])
    for seen in (clock.now + timedelta(hours=5), clock.now + timedelta(hours=2)):
        core.seen.note("session", session.id, Sighting(seen, seen + timedelta(days=90)))
        core.seen.note("api_key", key.id, Sighting(seen))
        assert sweep.write_last_seen(core, SWEEPER) == 2
    (row,), (key_row,) = rows(core, sessions.sessions), rows(core, api_keys.api_keys)
    assert row["seen_at"] == key_row["used_at"] == clock.now + timedelta(hours=5)
    assert row["idle_until"] == clock.now + timedelta(days=90, hours=5)


def test_what_was_seen_of_the_departed_is_nothing(core: Core, clock: FakeClock) -> None:
    """A session that ended after it was seen stays ended."""
    session, secret = opened(core, somebody(core))
    clock.forward(hours=1)
    presenting(core, secret)
    do(core, session_ends.end, session)
    assert sweep.write_last_seen(core, SWEEPER) == 1
    assert rows(core, sessions.sessions) == []
    assert events(core) == ["account added", "signed out"]


def test_what_cannot_be_written_is_not_forgotten(core: Core, clock: FakeClock) -> None:
    """While the database is away what was seen waits, and is written when it is back."""
    session, secret = opened(core, somebody(core))
    clock.forward(hours=1)
    presenting(core, secret)

    def break_off(statement: str) -> None:
        if statement.startswith("UPDATE sessions"):
            raise Unavailable(retry_after=timedelta(seconds=1), why="the test says so")

    with after_statements(core, break_off), pytest.raises(Unavailable):
        sweep.write_last_seen(core, SWEEPER)
    (row,) = rows(core, sessions.sessions)
    assert row["seen_at"] == session.seen_at
    assert sweep.write_last_seen(core, SWEEPER) == 1
    (row,) = rows(core, sessions.sessions)
    assert row["seen_at"] == clock.now
