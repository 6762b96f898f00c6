"""What is made ready after the start: not at once, little by little, and never to anybody's harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from dragoman import warming
from dragoman.warming import Warming


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first moments are over at once."""
    monkeypatch.setattr(warming, "AFTER", timedelta(0))


def test_the_first_moments_are_the_first_callers() -> None:
    """Nothing is begun at the start itself, and whoever stops before it begins waits for nothing."""
    begun = threading.Event()

    def job() -> Iterator[None]:
        begun.set()
        yield

    made = Warming([job])
    made.start()
    assert not begun.wait(0.1)
    before = time.monotonic()
    made.stop()
    assert time.monotonic() - before < 0.5
    assert not begun.is_set()


@pytest.mark.usefixtures("soon")
def test_every_job_is_done_and_one_that_fails_is_logged() -> None:
    """A job that fails is told of, and the next is begun."""
    done = threading.Event()

    def failing() -> Iterator[None]:
        yield
        raise RuntimeError("no such parser")

    def working() -> Iterator[None]:
        yield
        done.set()

    made = Warming([failing, working])
    with capture_logs() as lines:
        made.start()
        assert done.wait(5)
        made.stop()
    assert [line["event"] for line in lines] == ["could not warm up"]


@pytest.mark.usefixtures("soon")
def test_it_stops_between_two_steps() -> None:
    """A job without end is left where it is when the server stops."""
    steps = 0
    begun = threading.Event()

    def endless() -> Iterator[None]:
        nonlocal steps
        while True:
            steps += 1
            begun.set()
            yield

    made = Warming([endless])
    made.start()
    assert begun.wait(5)
    made.stop()
    taken = steps
    time.sleep(0.02)
    assert steps == taken


def test_one_that_was_never_started_can_be_stopped() -> None:
    """An application that is closed before it served has nothing to end."""
    Warming([]).stop()
