"""Lanes of workers: who waits, who is turned away, and that one lane's queue is not the other's."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import event
from tests.fakes import ORIGIN
from tests.people import events

from dragoman.core import audit
from dragoman.core.errors import NotFound, Unavailable
from dragoman.core.work import Core, UnitOfWork
from dragoman.lanes import Lane, Writing

T = TypeVar("T")


@contextmanager
def lane(threads: int = 1, waiting: int = 2, patience: float = 60) -> Iterator[Lane]:
    """A lane for the body."""
    made = Lane("test", threads=threads, waiting=waiting, patience=timedelta(seconds=patience))
    yield made
    made.close()


class Gate:
    """A job that waits until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> str:
        """Begin, wait, go through."""
        self.begun.set()
        assert self._open.wait(10)
        return "through"

    def open(self) -> None:
        """Let it go."""
        self._open.set()


async def occupied(lane: Lane, gate: Gate, jobs: int) -> list[asyncio.Task[str]]:
    """So many jobs in a lane, the first of them running."""
    tasks = [asyncio.create_task(lane.run(gate)) for _ in range(jobs)]
    await asyncio.to_thread(gate.begun.wait, 10)
    return tasks


def test_a_job_runs_in_a_worker_thread() -> None:
    """The result is the job's, the thread one of the lane's, and the caller's context goes along."""
    variable = contextvars.ContextVar("variable", default="unset")

    async def ask() -> tuple[str, str]:
        variable.set("set")
        with lane() as only:
            return await only.run(lambda: (threading.current_thread().name, variable.get()))

    name, value = asyncio.run(ask())
    assert name.startswith("dragoman-test")
    assert value == "set"


def test_what_a_job_raises_is_its_callers() -> None:
    """A refusal or an accident in a worker reaches whoever asked, and the lane goes on."""

    def refuse() -> str:
        raise NotFound("anything")

    async def ask() -> str:
        with lane(waiting=0) as only:
            for _ in range(3):
                with pytest.raises(NotFound):
                    await only.run(refuse)
            return await only.run(lambda: "on")

    assert asyncio.run(ask()) == "on"


def test_a_full_lane_says_so_at_once() -> None:
    """When all threads are busy and all places taken the next one is turned away without waiting."""

    async def ask() -> list[str]:
        with lane(threads=1, waiting=2) as only:
            gate = Gate()
            tasks = await occupied(only, gate, 3)
            begun = time.perf_counter()
            with pytest.raises(Unavailable) as refusal:
                await only.run(gate)
            assert time.perf_counter() - begun < 0.5
            assert refusal.value.retry_after >= timedelta(seconds=1)
            gate.open()
            answers = await asyncio.gather(*tasks)
            return [*answers, await only.run(gate)]

    assert asyncio.run(ask()) == ["through"] * 4


def test_a_flood_of_refusals_is_held_back() -> None:
    """Whoever asks a full lane again and again waits a second for each no, so that others are heard meanwhile."""

    async def ask() -> list[float]:
        async def refused() -> float:
            begun = time.perf_counter()
            with pytest.raises(Unavailable):
                await only.run(gate)
            return time.perf_counter() - begun

        with lane(threads=1, waiting=1) as only:
            gate = Gate()
            tasks = await occupied(only, gate, 2)
            waits = await asyncio.gather(*[refused() for _ in range(20)])
            gate.open()
            await asyncio.gather(*tasks)
            return sorted(waits)

    waits = asyncio.run(ask())
    # Two a second are turned away at once, and the twenty may have fallen into two seconds.
    assert waits[0] < 0.5
    assert sum(wait >= 0.9 for wait in waits) >= 16


def test_who_would_wait_too_long_is_not_let_in() -> None:
    """A lane that knows its jobs to be slow turns away who would wait longer than its patience, and says how long."""

    async def ask() -> timedelta:
        with lane(threads=1, waiting=100, patience=0.5) as only:
            only._typical = 2.0
            gate = Gate()
            tasks = await occupied(only, gate, 1)
            with pytest.raises(Unavailable) as refusal:
                await only.run(gate)
            gate.open()
            await asyncio.gather(*tasks)
            return refusal.value.retry_after

    assert asyncio.run(ask()) == timedelta(seconds=2)


def test_a_free_thread_is_never_refused() -> None:
    """However slow its jobs have been, a lane with a thread to spare takes the next one."""

    async def ask() -> str:
        with lane(threads=2, waiting=0, patience=0.001) as only:
            only._typical = 1000.0
            gate = Gate()
            tasks = await occupied(only, gate, 1)
            answer = await only.run(lambda: "taken")
            gate.open()
            await asyncio.gather(*tasks)
            return answer

    assert asyncio.run(ask()) == "taken"


def test_the_lane_learns_how_long_its_jobs_take() -> None:
    """What a job takes is averaged over the last ones, failures included."""

    def fail() -> None:
        time.sleep(0.02)
        raise NotFound("anything")

    async def ask() -> float:
        with lane() as only:
            for _ in range(40):
                with pytest.raises(NotFound):
                    await only.run(fail)
            return only._typical

    assert 0.015 < asyncio.run(ask()) < 0.2


def test_a_full_lane_does_not_hold_up_the_other() -> None:
    """While one lane is full of slow jobs the other answers."""

    async def ask() -> tuple[int, float]:
        with lane(threads=1, waiting=10) as slow, lane(threads=1, waiting=10) as quick:
            gate = Gate()
            tasks = await occupied(slow, gate, 11)
            begun = time.perf_counter()
            answers = [await quick.run(lambda: 1) for _ in range(10)]
            took = time.perf_counter() - begun
            gate.open()
            await asyncio.gather(*tasks)
            return sum(answers), took

    answered, took = asyncio.run(ask())
    assert answered == 10
    assert took < 5


def test_whoever_gives_up_gives_up_their_place() -> None:
    """A caller that goes away while waiting makes room, and its job is not run."""
    ran: list[str] = []

    async def ask() -> str:
        with lane(threads=1, waiting=1) as only:
            gate = Gate()
            (running,) = await occupied(only, gate, 1)
            waiting = asyncio.create_task(only.run(lambda: ran.append("ran")))
            await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.wait([waiting])
            next_one = asyncio.create_task(only.run(lambda: "next"))
            await asyncio.sleep(0.01)
            gate.open()
            await running
            return await next_one

    assert asyncio.run(ask()) == "next"
    assert ran == []


def test_a_job_under_way_keeps_its_place_when_its_caller_goes_away() -> None:
    """Callers that give up do not make a lane take more than it has threads and places for."""

    async def ask() -> list[str]:
        with lane(threads=1, waiting=1) as only:
            gate = Gate()
            (running,) = await occupied(only, gate, 1)
            running.cancel()
            await asyncio.wait([running])
            waiting = asyncio.create_task(only.run(lambda: "waited"))
            await asyncio.sleep(0.01)
            with pytest.raises(Unavailable):
                await only.run(lambda: "one too many")
            gate.open()
            return [await waiting, await only.run(lambda: "next")]

    assert asyncio.run(ask()) == ["waited", "next"]


def test_closing_lets_jobs_finish() -> None:
    """A lane that is closed finishes what runs."""
    done: list[str] = []

    def work() -> None:
        time.sleep(0.05)
        done.append("done")

    async def ask() -> None:
        with lane() as only:
            task = asyncio.create_task(only.run(work))
            await asyncio.sleep(0.01)
        await task

    asyncio.run(ask())
    assert done == ["done"]


# --- units that share a commit --------------------------------------------------------------------------


@contextmanager
def writing(waiting: int = 8) -> Iterator[Writing]:
    """What writes, for the body."""
    made = Writing(Lane("writing", threads=1, waiting=waiting, patience=timedelta(minutes=1)))
    yield made
    made.close()


def note(name: str) -> Callable[[UnitOfWork], str]:
    """A unit's work: a line in the audit log; its name."""

    def work(uow: UnitOfWork) -> str:
        audit.record(uow, name)
        return name

    return work


async def behind(gate: Gate, lane: Writing, core: Core, *names: str) -> list[asyncio.Task[str]]:
    """A unit that waits at a gate, and others that came after it began."""
    tasks = [asyncio.create_task(lane.run(core, ORIGIN, lambda _uow: gate()))]
    await asyncio.to_thread(gate.begun.wait, 10)
    tasks += [asyncio.create_task(lane.run(core, ORIGIN, note(name))) for name in names]
    await asyncio.sleep(0)
    return tasks


def test_units_that_wait_are_written_together(sqlite_core: Core) -> None:
    """What comes while another unit is written waits for that, and is then committed at once; each has its answer."""
    commits: list[object] = []
    event.listen(sqlite_core.database.engine, "commit", commits.append)

    async def ask() -> list[str]:
        gate = Gate()
        with writing() as lane:
            tasks = await behind(gate, lane, sqlite_core, "a", "b", "c")
            gate.open()
            return await asyncio.gather(*tasks)

    assert asyncio.run(ask()) == ["through", "a", "b", "c"]
    assert len(commits) == 2
    assert sorted(events(sqlite_core)) == ["a", "b", "c"]


def test_nobody_is_answered_before_the_commit(sqlite_core: Core) -> None:
    """Who shares a transaction hears nothing until all of it is written."""
    last = Gate()

    async def ask() -> None:
        first = Gate()
        with writing() as lane:
            tasks = await behind(first, lane, sqlite_core, "early")
            tasks.append(asyncio.create_task(lane.run(sqlite_core, ORIGIN, lambda _uow: last())))
            await asyncio.sleep(0)
            first.open()
            await asyncio.to_thread(last.begun.wait, 10)
            await asyncio.sleep(0.05)
            assert [task.done() for task in tasks] == [True, False, False]
            assert events(sqlite_core) == []
            last.open()
            await asyncio.gather(*tasks)

    asyncio.run(ask())
    assert events(sqlite_core) == ["early"]


def test_a_unit_whose_caller_is_gone_is_not_begun(sqlite_core: Core) -> None:
    """Who leaves while waiting, or is turned away, leaves nothing; who stays is answered."""

    async def ask() -> None:
        gate = Gate()
        with writing(waiting=2) as lane:
            tasks = await behind(gate, lane, sqlite_core, "gone", "stays", "turned away")
            with pytest.raises(Unavailable):
                await tasks.pop()
            tasks[1].cancel()
            await asyncio.sleep(0)
            gate.open()
            assert await tasks[2] == "stays"

    asyncio.run(ask())
    assert events(sqlite_core) == ["stays"]
