"""One's own sessions: found, locked, marked, ended one by one; and sessions that sessions open."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import BOB, calling, events, opened, presenting, rows, somebody
from tests.racing import at_once

from dragoman.core import elevation, session_ends, sessions, sweep
from dragoman.core.errors import NotFound, SessionRefused, TooMany
from dragoman.core.principals import Presented, Principal, identify
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, Session
from dragoman.core.work import Core

STRICT = replace(ORIGIN, dialect="strict")
PIN = Secret("123456")
PHONE = Device("Pixel 9", "Android", "2.7.5")


def is_alive(core: Core, secret: Secret) -> bool:
    """Whether a secret opens a session now."""
    try:
        presenting(core, secret)
    except SessionRefused:
        return False
    return True


# --- one of them ----------------------------------------------------------------------------------------


def test_a_session_is_found_by_its_owner_alone(core: Core, clock: FakeClock) -> None:
    """A session is found by its account, its dialect and its id together, and only while it lives."""
    alice, bob = somebody(core), somebody(core, BOB)
    session, _ = opened(core, alice)
    mine = (alice.number, "immich", session.id)
    assert do(core, sessions.find_owned, *mine) == do(core, sessions.get_owned, *mine) == session
    others = [
        (bob.number, "immich", session.id),
        (alice.number, "strict", session.id),
        (alice.number, "immich", uuid.uuid4()),
    ]
    clock.forward(days=90)
    for wrong in [*others, mine]:
        assert do(core, sessions.find_owned, *wrong) is None
        with pytest.raises(NotFound):
            do(core, sessions.get_owned, *wrong)


def test_the_operator_finds_any_session_that_lives(core: Core, clock: FakeClock) -> None:
    """By its id alone a session is found whoever's it is, while it lives."""
    session, _ = opened(core, somebody(core))
    strict, _ = opened(core, somebody(core, BOB), origin=STRICT)
    assert [do(core, sessions.get, each.id) for each in (session, strict)] == [session, strict]
    clock.forward(hours=8)
    assert do(core, sessions.get, session.id) == session
    for gone in (strict.id, uuid.uuid4()):
        with pytest.raises(NotFound):
            do(core, sessions.get, gone)


def test_one_session_is_ended(core: Core) -> None:
    """Ending one's own session by its id ends it and its children, once, and leaves the others."""
    account = somebody(core)
    (session, secret), (_, other) = opened(core, account), opened(core, account)
    _, childs = opened(core, account, parent=session)
    mine = (account.number, "immich", session.id)
    outcomes = at_once(*[lambda: do(core, session_ends.end_one, *mine)] * 8)
    assert [type(outcome) for outcome in outcomes].count(NotFound) == 7
    assert not is_alive(core, secret)
    assert not is_alive(core, childs)
    assert is_alive(core, other)
    assert events(core) == ["account added", "session ended"]


def test_nobody_ends_anothers_session(core: Core) -> None:
    """Somebody else's session, and one of another dialect, are not found, and live on."""
    alice, bob = somebody(core), somebody(core, BOB)
    session, secret = opened(core, alice)
    for wrong in ((bob.number, "immich"), (alice.number, "strict")):
        for use in (session_ends.end_one, sessions.lock_one):
            with pytest.raises(NotFound):
                do(core, use, *wrong, session.id)
        with pytest.raises(NotFound):
            do(core, sessions.set_attributes, *wrong, session.id, {"fact": 1})
    assert presenting(core, secret).session == session


def test_one_session_is_locked(core: Core, clock: FakeClock) -> None:
    """Locking one's own session by its id ends its elevation alone, and dates it (contract §2.3, §2.7)."""
    account = somebody(core)
    first, second = calling(core, account), calling(core, account)
    elevation.set_pin(core, ORIGIN, first, PIN)
    for caller in (first, second):
        elevation.unlock(core, ORIGIN, caller, PIN)
    clock.forward(minutes=1)
    session = first.require_session()
    do(core, sessions.lock_one, account.number, "immich", session.id)
    locked, other = (
        do(core, sessions.get_owned, account.number, "immich", caller.require_session().id)
        for caller in (first, second)
    )
    assert (locked.elevated_until, locked.seen_at) == (None, clock.now)
    assert other.elevated_until is not None
    assert "session locked" in events(core)


def test_a_dialect_keeps_facts_with_a_session(core: Core, clock: FakeClock) -> None:
    """Facts that mean something to one product are laid over those that are there, and date the session."""
    account = somebody(core)
    session, secret = opened(core, account)
    assert session.attributes == {}
    mine = (account.number, "immich", session.id)
    do(core, sessions.set_attributes, *mine, {"a": 1, "b": [2]})
    clock.forward(seconds=1)
    changed = do(core, sessions.set_attributes, *mine, {"a": None})
    assert changed.attributes == {"a": None, "b": [2]}
    assert changed.seen_at == clock.now
    assert presenting(core, secret).session == changed == do(core, sessions.get_owned, *mine)


def test_facts_set_at_once_are_all_kept(core: Core) -> None:
    """Of facts that several units set at one time none is lost."""
    account = somebody(core)
    session, _ = opened(core, account)
    mine = (account.number, "immich", session.id)
    at_once(*[lambda n=n: do(core, sessions.set_attributes, *mine, {str(n): n}) for n in range(8)])
    assert do(core, sessions.get_owned, *mine).attributes == {str(n): n for n in range(8)}


def test_a_list_may_be_short(core: Core, clock: FakeClock) -> None:
    """Of a list with a limit the last seen sessions are shown, of one account or of all."""
    alice, bob = somebody(core), somebody(core, BOB)
    made = []
    for account in (alice, bob, alice, bob):
        clock.forward(seconds=1)
        made.append(opened(core, account)[0])
    assert do(core, sessions.owned, limit=3) == [made[3], made[2], made[1]]
    assert do(core, sessions.owned, alice.number, "immich", limit=1) == [made[2]]
    assert do(core, sessions.owned, dialect="strict") == []


# --- sessions that sessions open ------------------------------------------------------------------------


def test_a_dead_session_opens_none(core: Core, clock: FakeClock) -> None:
    """Nothing is opened from a session that has ended, expired or idled out."""
    account = somebody(core)
    (ended, _), (idle, _) = opened(core, account), opened(core, account)
    expired, _ = opened(core, account, duration=timedelta(days=1))
    do(core, session_ends.end, ended)
    clock.forward(days=90)
    for parent in (ended, expired, idle):
        with pytest.raises(SessionRefused):
            opened(core, account, parent=parent)
    assert len(rows(core, sessions.sessions)) == 2


def test_a_session_opens_only_its_owners(core: Core) -> None:
    """A session opens none for another account, nor in another dialect."""
    alice, bob = somebody(core), somebody(core, BOB)
    session, _ = opened(core, alice)
    with pytest.raises(SessionRefused):
        opened(core, bob, parent=session)
    with pytest.raises(SessionRefused):
        opened(core, alice, parent=session, origin=STRICT)


def generations(core: Core, oldest: Session) -> list[tuple[Session, Secret]]:
    """Sessions that opened one another, as many as may be, after the oldest."""
    parent, found = oldest, []
    for _ in range(sessions.MOST_ANCESTORS):
        parent, secret = do(core, sessions.open_session, oldest.account_number, Device(), parent=parent)
        found.append((parent, secret))
    return found


def test_descendants_die_with_their_oldest(core: Core, clock: FakeClock) -> None:
    """When the first of a line of sessions idles out or expires, so do all after it, before any sweep."""
    account = somebody(core)
    idle, _ = opened(core, account)
    brief, _ = opened(core, account, duration=timedelta(days=45))
    clock.forward(days=44)
    lines = [*generations(core, idle), *generations(core, brief)]
    assert all(is_alive(core, secret) for _, secret in lines)
    clock.forward(days=1)
    assert [is_alive(core, secret) for _, secret in lines] == [True] * 3 + [False] * 3
    clock.forward(days=45)
    assert not any(is_alive(core, secret) for _, secret in lines)
    assert do(core, sessions.owned, account.number) == []
    sweep.sweep(core, ORIGIN)
    assert rows(core, sessions.sessions) == []


def test_descendants_end_with_any_of_their_line(core: Core) -> None:
    """Ending a session in the middle of a line ends what is below it, and nothing above."""
    account = somebody(core)
    oldest, oldests = opened(core, account)
    (_, firsts), (second, seconds), (_, thirds) = generations(core, oldest)
    do(core, session_ends.end, second)
    assert [is_alive(core, secret) for secret in (oldests, firsts, seconds, thirds)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_line_of_sessions_is_bounded(core: Core) -> None:
    """Each level is looked at with every use, so there are at most so many; more are refused."""
    oldest, _ = opened(core, somebody(core))
    youngest, _ = generations(core, oldest)[-1]
    with pytest.raises(TooMany) as refused:
        do(core, sessions.open_session, oldest.account_number, Device(), parent=youngest)
    assert refused.value.limit == sessions.MOST_ANCESTORS


# --- what a session runs on -----------------------------------------------------------------------------


def using(core: Core, secret: Secret, device: Device | None) -> Session:
    """The session as a request on this device finds it, which is then written."""
    with core.begin(ORIGIN, writes=False) as uow:
        caller: Principal = identify(uow, Presented("session", secret), device)
    sweep.write_last_seen(core, ORIGIN)
    return caller.require_session()


def runs_on(session: Session) -> Device:
    """What a session says it runs on."""
    return Device(session.device, session.os, session.app_version)


def test_an_update_of_the_app_is_seen(core: Core, clock: FakeClock) -> None:
    """A request of another version of the app tells at once what the session runs on (contract §2.7)."""
    account = somebody(core)
    session, secret = do(core, sessions.open_session, account.number, PHONE)
    updated = Device("Pixel 10", "Android 16", "2.8.0")
    found = using(core, secret, updated)
    assert runs_on(found) == updated
    assert presenting(core, secret).session == found == replace(session, **updated.stored)  # type: ignore[arg-type]
    clock.forward(minutes=5)
    again = using(core, secret, PHONE)
    assert (runs_on(again), again.seen_at) == (PHONE, clock.now)
    assert presenting(core, secret).session == again


def test_what_a_session_runs_on_is_looked_at_with_last_seen(core: Core, clock: FakeClock) -> None:
    """The same version on another device is noted when "last seen" is due, an hour later, and not before."""
    account = somebody(core)
    _, secret = do(core, sessions.open_session, account.number, PHONE)
    moved = replace(PHONE, name="Pixel 10")
    clock.forward(minutes=59)
    assert runs_on(using(core, secret, moved)) == PHONE
    clock.forward(minutes=1)
    assert runs_on(using(core, secret, moved)) == moved
    assert runs_on(using(core, secret, None)) == moved


def test_who_says_nothing_of_the_device_changes_nothing(core: Core, clock: FakeClock) -> None:
    """Where a release does not look at devices, what a session runs on is what it was opened on."""
    account = somebody(core)
    _, secret = do(core, sessions.open_session, account.number, PHONE)
    clock.forward(days=80)
    seen = using(core, secret, None)
    assert (runs_on(seen), seen.seen_at) == (PHONE, clock.now)
    assert presenting(core, secret).session == seen


def test_a_sighting_without_a_device_hides_none(core: Core, clock: FakeClock) -> None:
    """Of two sightings in one batch the later dates the session, and what either said of the device is kept."""
    account = somebody(core)
    session, secret = do(core, sessions.open_session, account.number, PHONE)
    moved = Device("Tablet", "Android", None)
    for device in (moved, None):
        clock.forward(days=30)
        with core.begin(ORIGIN, writes=False) as uow:
            identify(uow, Presented("session", secret), device)
    sweep.write_last_seen(core, ORIGIN)
    (row,) = rows(core, sessions.sessions)
    assert (row["device"], row["os"], row["app_version"]) == ("Tablet", "Android", None)
    assert row["seen_at"] == clock.now > session.seen_at


def test_an_elevation_in_use_keeps_its_session_alive(core: Core, clock: FakeClock) -> None:
    """Sliding an elevation dates the session, and is use like any other: it moves the idle limit, too."""
    account = somebody(core)
    session, secret = opened(core, account)
    caller = presenting(core, secret)
    elevation.set_pin(core, ORIGIN, caller, PIN)
    elevation.unlock(core, ORIGIN, caller, PIN)
    clock.forward(minutes=11)
    slid = presenting(core, secret).require_session()
    assert slid.idle_until == clock.now + timedelta(days=90) > session.idle_until
    assert do(core, sessions.get_owned, account.number, "immich", session.id) == slid
