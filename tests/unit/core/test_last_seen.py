"""What was seen is noted in memory, in bounds, and nothing of it is lost to a database that is away."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from tests.fakes import START
from tests.racing import at_once

from dragoman.core import last_seen
from dragoman.core.last_seen import LastSeen, Sighting

LATER = START + timedelta(seconds=1)


def test_a_later_sighting_takes_the_place_of_an_earlier() -> None:
    """Of one credential only the last sighting is kept, whatever it is and whoever else was seen."""
    seen, who, other = LastSeen(), uuid.UUID(int=1), uuid.UUID(int=2)
    seen.note("session", who, Sighting(START, LATER))
    seen.note("session", who, Sighting(LATER, LATER))
    seen.note("session", other, Sighting(START))
    seen.note("api_key", who, Sighting(START))
    assert seen.noted("session", who) == Sighting(LATER, LATER)
    assert seen.noted("api_key", other) is None
    assert seen.take() == {
        ("session", who): Sighting(LATER, LATER),
        ("session", other): Sighting(START),
        ("api_key", who): Sighting(START),
    }


def test_what_is_taken_is_pending_no_more() -> None:
    """Sightings are written once."""
    seen, who = LastSeen(), uuid.UUID(int=1)
    seen.note("session", who, Sighting(START))
    assert len(seen.take()) == 1
    assert seen.take() == {}
    assert seen.noted("session", who) is None


def test_what_is_put_back_gives_way_to_what_was_noted_since() -> None:
    """Sightings that could not be written wait for the next time, unless there are newer ones."""
    seen, who, other = LastSeen(), uuid.UUID(int=1), uuid.UUID(int=2)
    seen.note("session", who, Sighting(START))
    seen.note("session", other, Sighting(START))
    taken = seen.take()
    seen.note("session", who, Sighting(LATER))
    seen.put_back(taken)
    assert seen.take() == {("session", who): Sighting(LATER), ("session", other): Sighting(START)}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many credentials are seen while the database is away, a hundred thousand are remembered."""
    assert last_seen.MOST == 100_000
    monkeypatch.setattr(last_seen, "MOST", 1000)
    seen = LastSeen()
    sighting = Sighting(START)
    ids = [uuid.UUID(int=n) for n in range(last_seen.MOST + 10)]
    for who in ids:
        seen.note("session", who, sighting)
    seen.note("session", ids[0], Sighting(LATER))  # who is remembered already stays up to date
    taken = seen.take()
    assert len(taken) == last_seen.MOST
    assert taken["session", ids[0]] == Sighting(LATER)
    for who in ids[: last_seen.MOST // 2]:
        seen.note("api_key", who, sighting)
    seen.put_back(taken)
    left = seen.take()
    assert len(left) == last_seen.MOST
    assert sum(kind == "api_key" for kind, _ in left) == last_seen.MOST // 2


def test_noting_and_taking_lose_nothing() -> None:
    """What is noted while others take is in exactly one of what they took."""
    seen = LastSeen()
    taken: list[int] = []

    def note(start: int) -> None:
        for n in range(start, start + 2000):
            seen.note("session", uuid.UUID(int=n), Sighting(START))

    def take() -> None:
        taken.extend(len(seen.take()) for _ in range(200))

    at_once(lambda: note(0), lambda: note(2000), take, take)
    taken.append(len(seen.take()))
    assert sum(taken) == 4000
