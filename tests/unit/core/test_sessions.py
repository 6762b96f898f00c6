"""Sessions: how they live, whose they are, and how they end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import BOB, events, opened, presenting, rows, somebody
from tests.racing import at_once

from dragoman.core import session_ends, sessions, sweep
from dragoman.core.errors import SessionRefused
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, Session
from dragoman.core.work import Core

STRICT = replace(ORIGIN, dialect="strict")  # idle after 8 hours, over after a day


def is_alive(core: Core, secret: Secret, dialect: str = "immich") -> bool:
    """Whether a secret opens a session now."""
    try:
        presenting(core, secret, origin=replace(ORIGIN, dialect=dialect))
    except SessionRefused:
        return False
    return True


# --- how a session lives --------------------------------------------------------------------------------


def test_S_04_a_session_unused_idles_out(core: Core, clock: FakeClock) -> None:
    """A session that nobody uses is good until its idle limit, to the microsecond, and then no more."""
    _, secret = opened(core, somebody(core))
    clock.forward(days=90, microseconds=-1)
    with core.begin(ORIGIN, writes=False) as uow:
        assert sessions.owned(uow, 1) != []
    clock.forward(microseconds=1)
    assert not is_alive(core, secret)
    assert do(core, sessions.owned, 1) == []


def test_S_04_a_session_in_use_lives_on(core: Core, clock: FakeClock) -> None:
    """Being used just before the idle limit starts it anew, time after time, whenever the batch is written."""
    _, secret = opened(core, somebody(core))
    for _ in range(5):
        clock.forward(days=90, seconds=-1)
        assert is_alive(core, secret)
    clock.forward(days=90)
    assert not is_alive(core, secret)


@pytest.mark.parametrize("dialect", ["immich", "strict"])
def test_a_session_in_constant_use_lives_on(core: Core, clock: FakeClock, dialect: str) -> None:
    """Who is there every few minutes is not idle: what is seen is written every few seconds, in batches."""
    _, secret = opened(core, somebody(core), origin=replace(ORIGIN, dialect=dialect))
    for _ in range(40):
        clock.forward(minutes=30)
        assert is_alive(core, secret, dialect)
        sweep.write_last_seen(core, ORIGIN)
        assert sweep.sweep(core, ORIGIN)["sessions"] == 0


def test_S_04_an_absolute_limit_does_not_move(core: Core, clock: FakeClock) -> None:
    """Where a dialect's sessions end a day after they were opened, use does not lengthen it."""
    session, secret = opened(core, somebody(core), origin=STRICT)
    assert session.expires_at == clock.now + timedelta(days=1)
    for _ in range(4):
        clock.forward(hours=6, seconds=-1)
        assert is_alive(core, secret, "strict")
    clock.forward(seconds=4)
    assert not is_alive(core, secret, "strict")


def test_a_session_can_be_opened_for_a_while(core: Core, clock: FakeClock) -> None:
    """A duration ends a session of a dialect whose sessions have no other end."""
    session, secret = opened(core, somebody(core), duration=timedelta(minutes=10))
    assert session.expires_at == clock.now + timedelta(minutes=10)
    clock.forward(minutes=10, microseconds=-1)
    assert is_alive(core, secret)
    clock.forward(microseconds=1)
    assert not is_alive(core, secret)


def test_hearsay_is_cut_to_size(core: Core) -> None:
    """What a client says of itself is stored as far as there is room."""
    device = Device("n" * 200, "o" * 200, "v" * 100)
    origin = replace(ORIGIN, address="a" * 100, agent="g" * 300)
    session, _ = do(core, sessions.open_session, somebody(core).number, device, origin=origin)
    assert (session.device, session.os, session.app_version) == ("n" * 128, "o" * 128, "v" * 64)
    (row,) = rows(core, sessions.sessions)
    assert (row["address"], row["agent"]) == ("a" * 64, "g" * 256)
    plain, _ = do(core, sessions.open_session, 1, Device())
    assert (plain.device, plain.os, plain.app_version) == ("", "", None)


# --- parents and children -------------------------------------------------------------------------------


def test_a_child_dies_with_its_parent(core: Core, clock: FakeClock) -> None:
    """When a session ends, or idles out, so do the sessions that it opened."""
    account = somebody(core)
    parent, _ = opened(core, account)
    child, secret = opened(core, account, parent=parent)
    assert child.parent_id == parent.id
    assert is_alive(core, secret)
    do(core, session_ends.end, parent)
    assert not is_alive(core, secret)
    assert rows(core, sessions.sessions) == []
    aging, _ = opened(core, account)
    clock.forward(days=1)
    _, secret = opened(core, account, parent=aging)
    clock.forward(days=89)
    assert not is_alive(core, secret)


def test_a_child_does_not_outlive_its_parents_end(core: Core, clock: FakeClock) -> None:
    """A child of a session that was opened for a while is over when that is, swept or not."""
    account = somebody(core)
    parent, _ = opened(core, account, duration=timedelta(hours=1))
    _, secret = opened(core, account, parent=parent, duration=timedelta(hours=5))
    clock.forward(hours=1)
    assert not is_alive(core, secret)
    sweep.sweep(core, ORIGIN)
    assert rows(core, sessions.sessions) == []


def test_a_parent_outlives_its_child(core: Core) -> None:
    """Ending a child leaves its parent alone."""
    account = somebody(core)
    parent, secret = opened(core, account)
    child, _ = opened(core, account, parent=parent)
    do(core, session_ends.end, child)
    assert is_alive(core, secret)


# --- how a session ends ---------------------------------------------------------------------------------


def test_an_ended_session_is_gone(core: Core) -> None:
    """Signing out deletes the session, once: whoever comes second is refused, and puts nothing on record."""
    session, secret = opened(core, somebody(core))
    outcomes = at_once(*[lambda: do(core, session_ends.end, session)] * 8)
    assert [type(outcome) for outcome in outcomes].count(SessionRefused) == 7
    assert not is_alive(core, secret)
    assert events(core) == ["account added", "signed out"]


def test_a_session_belongs_to_its_dialect(core: Core) -> None:
    """What opens a session in one dialect opens none in another."""
    _, secret = opened(core, somebody(core))
    assert is_alive(core, secret)
    assert not is_alive(core, secret, "strict")


def test_all_sessions_end_but_one(core: Core) -> None:
    """An account's other sessions end in all dialects or in some; another account's never."""
    alice, bob = somebody(core), somebody(core, BOB)
    (mine, _), (other, _), (strict, _), (bobs, _) = (
        opened(core, alice),
        opened(core, alice),
        opened(core, alice, origin=STRICT),
        opened(core, bob),
    )

    def left() -> set[Session]:
        return set(do(core, sessions.owned))

    assert do(core, session_ends.end_all, alice.number, but=mine, dialects=["strict", "another"]) == 1
    assert left() == {mine, other, bobs}
    assert do(core, session_ends.end_all, alice.number, but=mine, dialects=[]) == 0
    assert do(core, session_ends.end_all, alice.number, but=mine) == 1
    assert left() == {mine, bobs}
    assert do(core, session_ends.end_all, alice.number) == 1
    assert left() == {bobs}
    assert do(core, session_ends.end_all, alice.number) == 0
    assert events(core).count("sessions ended") == 3
    assert strict not in left()


def test_an_account_sees_its_live_sessions(core: Core, clock: FakeClock) -> None:
    """The list of an account's sessions has the live ones, the last seen first, in one dialect or in all."""
    alice, bob = somebody(core), somebody(core, BOB)
    opened(core, bob)
    first, _ = opened(core, alice)
    clock.forward(minutes=1)
    second, _ = opened(core, alice)
    clock.forward(minutes=1)
    strict, _ = opened(core, alice, origin=STRICT)
    opened(core, alice, duration=timedelta(0))
    assert do(core, sessions.owned, alice.number) == [strict, second, first]
    assert do(core, sessions.owned, alice.number, "immich") == [second, first]
    clock.forward(hours=8)
    assert do(core, sessions.owned, alice.number) == [second, first]
