"""What a process keeps of credentials in memory: how much, for how long, and what makes it forget."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import timedelta

import pytest
from tests.fakes import FakeClock

from dragoman import known
from dragoman.core.changes import EVERYBODY, Changes
from dragoman.core.errors import SessionRefused, Throttled
from dragoman.core.secrets import Secret
from dragoman.known import Answer, Key, Known, Strangers


def key(number: int) -> Key:
    """A made-up credential."""
    return number.to_bytes(16)


@pytest.fixture
def changes(clock: FakeClock) -> Changes:
    """What a process has changed, by the test's clock."""
    return Changes(clock.monotonic)


@pytest.fixture
def table(changes: Changes, clock: FakeClock) -> Known:
    """A table by the test's clock."""
    return Known(changes, clock.monotonic)


def good(table: Known, account: int = 1, actor: int = 0, *, seconds: float = 1.0) -> Answer:
    """What was read just now of somebody's credential."""
    return Answer(table._changes.epoch, table._monotonic() + seconds, b"somebody", account, actor)


def refused(table: Known) -> Answer:
    """That a credential was found to be no good just now."""
    return Answer(table._changes.epoch, table._monotonic() + 1, SessionRefused())


def test_an_answer_is_believed_until_its_end_and_not_at_it(table: Known, clock: FakeClock) -> None:
    """At the very instant of its end an answer is none any more."""
    table.keep(key(1), good(table))
    clock.forward(seconds=0.999)
    assert table.find(key(1)) == b"somebody"
    clock.forward(seconds=0.001)
    assert table.find(key(1)) is None


@pytest.mark.parametrize(("changed", "is_forgotten"), [(1, True), (2, True), (3, False), (EVERYBODY, True)])
def test_what_was_read_before_a_change_is_not_believed(
    table: Known, changes: Changes, changed: int, is_forgotten: bool
) -> None:
    """A change of the account, of whoever acts as it, or of everybody ends an answer; a change of others does not."""
    table.keep(key(1), good(table, account=1, actor=2))
    changes.note({changed})
    assert (table.find(key(1)) is None) == is_forgotten
    table.keep(key(1), good(table, account=1, actor=2))
    assert table.find(key(1)) is not None


def test_a_read_that_began_before_a_change_is_not_believed_when_it_ends_after(
    table: Known, changes: Changes
) -> None:
    """What counts is when the reading began."""
    slow = good(table)
    changes.note({1})
    table.keep(key(1), slow)
    assert table.find(key(1)) is None


def test_changes_are_forgotten_once_nothing_older_is_believed(changes: Changes, clock: FakeClock) -> None:
    """After more than a second of quiet the next change finds none before it."""
    changes.note(range(1, 1000))
    clock.forward(seconds=1)
    changes.note({1000})
    assert changes.since(0, 1)
    clock.forward(seconds=1.001)
    changes.note({1001})
    assert set(changes._changed) == {1001}
    changes.note(())
    assert changes.epoch == 3


def test_strangers_drive_out_nobody(table: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are refused, the good stay; and each of the two is bounded."""
    monkeypatch.setattr(known, "MOST_GOOD", 200)
    monkeypatch.setattr(known, "MOST_REFUSED", 100)
    for number in range(250):
        table.keep(key(number), good(table))
    for number in range(1000, 2000):
        table.keep(key(number), refused(table))
    assert len(table._good) <= 200
    assert len(table._refused) <= 100
    assert table.find(key(249)) is not None
    assert table.find(key(0)) is None
    assert table.was_good(key(249))
    assert not table.was_good(key(1999))


def test_what_is_read_again_stays(table: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read longest ago makes room, not what was there first."""
    monkeypatch.setattr(known, "MOST_GOOD", 100)
    for number in range(100):
        table.keep(key(number), good(table))
    table.keep(key(0), good(table))
    table.keep(key(100), good(table))
    assert (table.find(key(1)), table.find(key(0))) == (None, b"somebody")


def test_a_credential_is_good_or_refused_and_never_both(table: Known) -> None:
    """The last reading counts."""
    table.keep(key(1), good(table))
    table.keep(key(1), no := refused(table))
    assert table.find(key(1)) is no.told
    assert not table.was_good(key(1))
    table.keep(key(1), good(table))
    assert table.find(key(1)) == b"somebody"


def test_a_credential_is_found_as_what_it_is_alone(changes: Changes, table: Known, clock: FakeClock) -> None:
    """The same secret as another dialect's, of another kind, or in another process is another credential."""
    shown = ("immich", "session", Secret("a"))
    others = [
        ("shoko", "session", Secret("a")),
        ("immich", "api_key", Secret("a")),
        ("immich", "session", Secret("b")),
    ]
    keys = {
        table.key(*shown),
        *(table.key(*each) for each in others),
        Known(changes, clock.monotonic).key(*shown),
    }
    assert len(keys) == 5
    assert table.key(*shown) == table.key("immich", "session", Secret("a"))


def test_a_hundred_thousand_answers_take_less_than_thirty_mebibytes(table: Known, changes: Changes) -> None:
    """What a full table takes is bounded, and none of it is looked through for rubbish."""
    told = b"\n".join((b"x" * 36, b"1000000", b"false", b"", b"somebody", b"somebody@example.com", b"family"))
    tracemalloc.start()
    try:
        for number in range(1000):
            table.keep(
                key(number), Answer(changes.epoch, 1.5 + number, told + b"%d" % number, 10**6 + number)
            )
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / 1000 < 30 * 2**20 / known.MOST_GOOD
    assert not any(gc.is_tracked(each) for each in (*table._good, *table._good.values()))


def test_an_address_may_show_a_burst_and_then_so_many_a_second(clock: FakeClock) -> None:
    """Ten seconds' worth at once, then no more than it gets back; who is refused is told when to come."""
    strangers = Strangers(2, clock.monotonic)
    for _ in range(21):
        strangers.require_patience("192.0.2.7")
        strangers.note("192.0.2.7")
    with pytest.raises(Throttled) as throttled:
        strangers.require_patience("192.0.2.7")
    assert throttled.value.retry_after == timedelta(seconds=0.5)
    strangers.require_patience("192.0.2.8")
    clock.forward(seconds=0.5)
    strangers.require_patience("192.0.2.7")


def test_addresses_are_bounded(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has many addresses fills no memory with them."""
    monkeypatch.setattr(known, "MOST_ADDRESSES", 100)
    strangers = Strangers(2, clock.monotonic)
    for number in range(1000):
        strangers.note(f"192.0.2.{number}")
    assert len(strangers._paid) <= 100
