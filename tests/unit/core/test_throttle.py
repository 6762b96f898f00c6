"""Guessing is slowed down: what is counted against whom, how long it is remembered, and who is exempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import ELSEWHERE, NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, Meddler, calling, rows, sealing, somebody, with_tools
from tests.racing import at_once

from dragoman.core import devices, login, password_change, throttle
from dragoman.core.elevation import set_pin, unlock
from dragoman.core.errors import Throttled, WrongCredentials, WrongPassword, WrongPin
from dragoman.core.rules import ThrottleRule
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.throttle import Standing, throttles
from dragoman.core.work import Core, Origin
from dragoman.network import address_bucket

WRONG = "wrong-horse-7-battery"
SECOND = timedelta(seconds=1)
QUARTER = timedelta(minutes=15)


def attempt(
    core: Core, name: str = ALICE, password: str = WRONG, *, origin: Origin = ORIGIN
) -> timedelta | None:
    """Sign in. None when it was heard and wrong; else how long to wait; a zero when it was right."""
    try:
        login.log_in(core, origin, name, Secret(password), Device())
    except WrongCredentials:
        return None
    except Throttled as refusal:
        return refusal.retry_after
    return timedelta(0)


RIGHT = timedelta(0)


def use_up(
    core: Core, clock: FakeClock, failures: int, *, name: str = ALICE, origin: Origin = ORIGIN
) -> None:
    """Fail so often, each time as soon as it is heard."""
    heard = 0
    while heard < failures:
        delay = attempt(core, name, origin=origin)
        if delay is None:
            heard += 1
        else:
            clock.forward(seconds=delay.total_seconds())


def counted(core: Core) -> Mapping[str, int]:
    """How many attempts are counted against what."""
    return {row["key"]: row["failures"] for row in rows(core, throttles)}


@pytest.fixture
def core(core: Core) -> Core:
    """A core on each engine that can seal: whose account is locked is told by mail."""
    return sealing(core)


def patient(core: Core, **rule: Any) -> Core:
    """The same core with another rule, so that one limit can be seen without the other."""
    return Core(core.database, core.tools, replace(core.rules, throttle=ThrottleRule(**rule)))


# --- delays ---------------------------------------------------------------------------------------------


def test_delays_grow(core: Core, clock: FakeClock) -> None:
    """Ten failures cost nothing; each one after doubles the delay, from a second to a quarter of an hour."""
    somebody(core)
    for _ in range(11):
        assert attempt(core) is None
    waits = []
    for _ in range(13):
        wait = attempt(core)
        assert wait is not None
        waits.append(wait.total_seconds())
        clock.forward(seconds=wait.total_seconds() - 0.001)
        assert attempt(core) == SECOND  # never told less than a second
        clock.forward(seconds=0.001)
        assert attempt(core) is None
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_waiting_is_not_an_attempt(core: Core, clock: FakeClock) -> None:
    """Who asks while delayed is told the rest of the delay, and does not lengthen it."""
    somebody(core)
    use_up(core, clock, 15)
    assert attempt(core) == timedelta(seconds=16)
    clock.forward(seconds=6)
    assert [attempt(core, password=PASSWORD) for _ in range(3)] == [timedelta(seconds=10)] * 3
    clock.forward(seconds=10)
    assert attempt(core, password=PASSWORD) == RIGHT


def test_a_hundred_failures_lock(core: Core, clock: FakeClock) -> None:
    """After a hundred failures in a row nothing is heard any more, until somebody unlocks the account."""
    account = somebody(core)
    use_up(core, clock, 100)
    clock.forward(days=3650)
    assert attempt(core, password=PASSWORD, origin=ELSEWHERE) is not None
    assert do(core, throttle.unlock, account.number) == 1
    assert attempt(core, password=PASSWORD, origin=ELSEWHERE) == RIGHT


def test_a_new_password_unlocks(core: Core, clock: FakeClock) -> None:
    """When an administrator gives an account a new password, its owner can use it at once."""
    core = patient(core, lock_after=15)
    account = somebody(core)
    use_up(core, clock, 15)
    password_change.set_password(core, ORIGIN, account, Secret(NEW_PASSWORD))
    assert attempt(core, password=NEW_PASSWORD, origin=ELSEWHERE) == RIGHT


def test_failures_are_forgotten(core: Core, clock: FakeClock) -> None:
    """A day after the last delay the account has its ten free attempts again."""
    somebody(core)
    use_up(core, clock, 30)
    clock.forward(minutes=15)
    clock.forward(hours=24, seconds=-1)
    assert attempt(core) is None
    assert attempt(core) == QUARTER
    clock.forward(minutes=15)
    clock.forward(hours=24)
    assert [attempt(core) for _ in range(11)] == [None] * 11
    assert attempt(core) == SECOND


def test_failures_of_a_clock_far_ahead_are_forgotten(core: Core, clock: FakeClock) -> None:
    """What was counted while the clock was ten years ahead delays no account and no address once it is right."""
    core = patient(core, address_free=12)
    alice = somebody(core)
    clock.forward(days=3650)
    use_up(core, clock, 13)
    assert attempt(core, BOB) == SECOND
    assert attempt(core, origin=ELSEWHERE) is not None
    clock.forward(days=-3650)
    assert do(core, throttle.standing, alice.number) == Standing(0, None, locked=False)
    assert attempt(core, BOB) is None
    assert attempt(core, password=PASSWORD, origin=ELSEWHERE) == RIGHT


@given(
    st.builds(
        ThrottleRule,
        free=st.integers(1, 100),
        first=st.timedeltas(timedelta(seconds=1), timedelta(hours=1)),
        longest=st.timedeltas(timedelta(hours=1), timedelta(days=1)),
    ),
    st.integers(1, 10**9),
)
def test_a_delay_never_shrinks(rule: ThrottleRule, failures: int) -> None:
    """Of two failures the later is never delayed less, and none longer than the longest or while it is free."""
    delay, next_one = (rule.delay(failures + n, free=rule.free) for n in range(2))
    assert timedelta(0) <= delay <= next_one <= rule.longest
    assert (delay == timedelta(0)) == (failures <= rule.free)
    if failures > rule.free:
        assert delay >= min(rule.first, rule.longest)


# --- whose attempts they are ----------------------------------------------------------------------------


def test_who_is_let_in_starts_anew(core: Core, clock: FakeClock) -> None:
    """A right password takes back the account's failures, and of the address only its own attempt."""
    account = somebody(core)
    somebody(core, BOB)
    use_up(core, clock, 5, name=BOB)
    use_up(core, clock, 9)
    assert attempt(core, password=PASSWORD) == RIGHT
    assert f"password:account:{account.number}" not in counted(core)
    assert counted(core)[f"password:address:{ORIGIN.network}"] == 14


def test_parallel_guesses_are_counted_before_they_are_hashed(core: Core) -> None:
    """Of fifty guesses at the same instant no more are hashed than of fifty in a row."""
    account = somebody(core)
    meddler = Meddler()
    core = with_tools(core, hasher=meddler)
    outcomes = at_once(*[lambda: attempt(core) for _ in range(50)])
    assert len(meddler.verified) == 11
    assert sorted(map(str, outcomes)) == sorted(["None"] * 11 + [str(SECOND)] * 39)
    assert counted(core)[f"password:account:{account.number}"] == 11


def test_an_address_is_slowed_down_whoever_it_asks_for(core: Core, clock: FakeClock) -> None:
    """Who tries a few passwords on each of many names is delayed by their address after a hundred."""
    for n in range(100):
        assert attempt(core, f"user{n}") is None
    assert attempt(core, "user100") is None
    assert attempt(core, "user101") == SECOND
    assert attempt(core, "user101", origin=ELSEWHERE) is None
    # What the address was refused is not counted against the name.
    assert counted(core)[do(core, throttle.name_counter, "password", "user101").key] == 1
    clock.forward(seconds=1)
    assert attempt(core, "user101") is None
    assert attempt(core, "user101") == timedelta(seconds=2)


def test_an_address_is_never_locked(core: Core, clock: FakeClock) -> None:
    """An address may be a whole school's: it is delayed, and never shut out."""
    core = patient(core, address_free=2)
    for n in range(120):
        wait = attempt(core, f"user{n}")
        assert wait is None or wait <= QUARTER
        clock.forward(minutes=15)


def test_a_right_password_does_not_clear_an_address(core: Core, clock: FakeClock) -> None:
    """Who knows one password has not earned free guesses at others: the address keeps its failures."""
    core = patient(core, address_free=10)
    somebody(core, BOB)
    for n in range(10):
        assert attempt(core, f"user{n}") is None
    assert attempt(core, BOB, PASSWORD) == RIGHT
    assert attempt(core, "another") is None
    assert attempt(core, "one more") == SECOND


def test_an_ipv6_network_is_one_address(core: Core) -> None:
    """Of IPv6, where everybody has an endless number of addresses, a /64 counts as one."""
    core = patient(core, address_free=3)
    addresses = [f"2001:db8::{n}" for n in range(4)]
    origins = [replace(ORIGIN, address=a, network=address_bucket(a)) for a in addresses]
    for n, origin in enumerate(origins):
        assert attempt(core, f"user{n}", origin=origin) is None
    assert attempt(core, "another", origin=origins[0]) == SECOND
    beside = replace(ORIGIN, network=address_bucket("2001:db8:0:1::1"))
    assert attempt(core, "another", origin=beside) is None


# --- who is exempt --------------------------------------------------------------------------------------


def test_strangers_do_not_lock_out_a_known_device(core: Core, clock: FakeClock) -> None:
    """However often strangers fail, a device that has signed in before is heard; a new one is not."""
    core = patient(core, lock_after=15)
    somebody(core)
    assert attempt(core, password=PASSWORD) == RIGHT
    use_up(core, clock, 15, origin=ELSEWHERE)
    assert attempt(core, password=PASSWORD, origin=ELSEWHERE) is not None
    new_device = replace(ORIGIN, agent="another")
    assert attempt(core, password=PASSWORD, origin=new_device) is not None
    assert attempt(core, password=PASSWORD) == RIGHT


def test_a_known_device_is_counted_too(core: Core, clock: FakeClock) -> None:
    """Being known is no licence to guess: a device has a counter of its own, with the same delays and lock."""
    core = patient(core, lock_after=20)
    account = somebody(core)
    assert attempt(core, password=PASSWORD) == RIGHT
    assert [attempt(core) for _ in range(11)] == [None] * 11
    assert attempt(core) == SECOND
    assert attempt(core, password=PASSWORD, origin=ELSEWHERE) == RIGHT
    use_up(core, clock, 9)
    clock.forward(days=170)
    assert attempt(core, password=PASSWORD) is not None
    assert do(core, throttle.unlock, account.number) == 1
    assert attempt(core, password=PASSWORD) == RIGHT


def test_a_device_is_known_for_half_a_year(core: Core, clock: FakeClock) -> None:
    """A device that has not signed in for half a year is a stranger again."""
    somebody(core)
    assert attempt(core, password=PASSWORD) == RIGHT
    clock.forward(days=180)
    use_up(core, clock, 15, origin=ELSEWHERE)
    assert attempt(core, password=PASSWORD) == timedelta(seconds=16)


# --- nothing is given away ------------------------------------------------------------------------------


def test_unknown_names_are_throttled_alike(core: Core, clock: FakeClock) -> None:
    """Delays and lock come for a name that nobody has as for one that somebody has."""
    somebody(core)
    core = patient(core, address_free=10**6)
    for _ in range(130):
        known, unknown = attempt(core, ALICE), attempt(core, "nobody@example.org")
        assert known == unknown
        if known is not None:
            clock.forward(seconds=min(known.total_seconds(), 900))


@pytest.mark.parametrize("other", ["NOBODY@example.org", "\uff2eobody@example.org"])
def test_a_name_in_other_letters_is_no_other_name(core: Core, other: str) -> None:
    """Attempts at a name that nobody has are counted together, however it is written."""
    for _ in range(11):
        assert attempt(core, "nobody@example.org") is None
    assert attempt(core, other) == SECOND


def test_names_that_are_guessed_are_not_stored(core: Core) -> None:
    """What people type where a name belongs may be a password: only its digest is kept."""
    attempt(core, "my-secret-typed-into-the-wrong-field")
    assert "secret" not in str(counted(core))


# --- each secret its own --------------------------------------------------------------------------------


def test_each_kind_of_secret_has_its_own_counter(core: Core, clock: FakeClock) -> None:
    """Failures with the PIN do not delay a password, nor does a right password forgive them."""
    account = somebody(core)
    caller = calling(core, account)
    set_pin(core, ORIGIN, caller, Secret("123456"))
    for _ in range(11):
        with pytest.raises(WrongPin):
            unlock(core, ORIGIN, caller, Secret("000000"))
    with pytest.raises(Throttled):
        unlock(core, ORIGIN, caller, Secret("123456"))
    assert attempt(core, password=PASSWORD, origin=ELSEWHERE) == RIGHT
    with pytest.raises(Throttled):
        unlock(core, ORIGIN, caller, Secret("123456"))
    clock.forward(seconds=1)
    unlock(core, ORIGIN, caller, Secret("123456"))


def test_a_proof_is_throttled_as_a_sign_in_is(core: Core) -> None:
    """Who holds a session may not guess at its password either: the attempts are the same account's."""
    caller = calling(core, somebody(core))
    for _ in range(11):
        with pytest.raises(WrongPassword):
            password_change.change_password(core, ORIGIN, caller, Secret(WRONG), Secret(NEW_PASSWORD))
    with pytest.raises(Throttled):
        password_change.change_password(core, ORIGIN, caller, Secret(PASSWORD), Secret(NEW_PASSWORD))
    assert attempt(core, password=PASSWORD) == SECOND


def test_unlocking_one_account_unlocks_no_other(core: Core) -> None:
    """Unlocking account 1 forgets its attempts, its PIN's and its devices', and none of account 10's."""
    made = [somebody(core, f"user{n}@example.org") for n in range(10)]
    for account in (made[0], made[9]):
        name = str(account.email)
        attempt(core, name, PASSWORD)
        for origin in (ORIGIN, ELSEWHERE):
            attempt(core, name, origin=origin)
        caller = calling(core, account)
        set_pin(core, ORIGIN, caller, Secret("123456"))
        with pytest.raises(WrongPin):
            unlock(core, ORIGIN, caller, Secret("000000"))
    before = counted(core)
    assert do(core, throttle.unlock, 1) == 3
    gone = sorted(before.keys() - counted(core).keys())
    device = do(core, devices.recognise, 1)
    assert gone == ["password:account:1", f"password:account:1:{device}", f"pin:account:1:{device}"]
    assert do(core, throttle.unlock, 1) == 0


def test_what_is_held_against_an_account_can_be_seen(core: Core, clock: FakeClock) -> None:
    """An operator sees how often was guessed, until when it is delayed, and whether it is locked."""
    account = somebody(core)
    assert do(core, throttle.standing, account.number) == Standing(0, None, locked=False)
    use_up(core, clock, 12)
    delayed = Standing(12, clock.now + timedelta(seconds=2), locked=False)
    assert do(core, throttle.standing, account.number) == delayed
    clock.forward(seconds=2)
    assert do(core, throttle.standing, account.number) == Standing(12, None, locked=False)
    use_up(core, clock, 88)
    standing = do(core, throttle.standing, account.number)
    assert (standing.failures, standing.locked) == (100, True)
    somebody(core, BOB)
    assert do(core, throttle.standing, account.number + 1) == Standing(0, None, locked=False)
