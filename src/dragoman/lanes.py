"""Lanes of worker threads: for what hashes, waits for other servers, is asked by gateways or writes, and for the rest.

With one lane, 200 sign-ins at a time made every other answer wait two seconds behind their hashes; with a lane of
their own, three milliseconds. A lane that is full says so at once instead of letting callers queue for nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dragoman.core import together
from dragoman.core.errors import Unavailable
from dragoman.core.tally import Figure, Tally
from dragoman.core.together import Joint

if TYPE_CHECKING:
    from dragoman.core.work import Core, Origin, UnitOfWork
    from dragoman.settings import Settings

T = TypeVar("T")
CHECKING = 4  # threads that read for gateways what the event loop cannot
MOST_TOGETHER = 32  # units that share a commit: some 20 ms, after which others have their turn
HASHES_AHEAD = 2  # threads per hash: while one hashes, another reads and writes around its own
RUNNING = Figure("lane_running", "gauge", "Jobs that a lane's threads work on", ("lane",))
WAITING = Figure("lane_waiting", "gauge", "Jobs that wait for a thread of a lane", ("lane",))
REFUSED = Figure("lane_refused", "counter", "Jobs refused because a lane was full", ("lane",))


class Waiting(NamedTuple):
    """A job in line: who waits for its answer, and `claim`, taken by whoever comes first, a worker or its caller's end."""

    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    context: contextvars.Context
    job: Callable[[], Any]
    claim: threading.Lock


class Lane:
    """`threads` workers, at most `waiting` jobs in line, and none that would wait longer than `patience`."""

    def __init__(
        self, name: str, *, threads: int, waiting: int, patience: timedelta, tally: Tally | None = None
    ) -> None:
        self._name = name
        self._tally = tally or Tally()
        self._tally.watch(RUNNING, name, read=lambda: min(self._inside, threads))
        self._tally.watch(WAITING, name, read=lambda: max(0, self._inside - threads))
        self._jobs: SimpleQueue[Waiting | None] = SimpleQueue()
        self._workers = [
            threading.Thread(target=self._work, name=f"dragoman-{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        self._started = 0
        self._threads = threads
        self._waiting = waiting
        self._patience = patience.total_seconds()
        self._inside = 0
        self._second = self._refused = 0  # how many were refused in the current second
        self._typical = 0.0  # seconds a job takes, a moving average

    async def run(self, job: Callable[[], T]) -> T:
        """The job's result, from a worker thread. `Unavailable` when the lane is full, at once unless to many."""
        queued = self._inside - self._threads
        wait = max(0, queued + 1) * self._typical / self._threads
        if queued >= self._waiting or wait > self._patience:
            self._tally.count(REFUSED, self._name)
            await self._slow_down()
            raise Unavailable(retry_after=timedelta(seconds=max(1, math.ceil(wait))), why="the lane is full")
        self._inside += 1
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        # Not `run_in_executor`: its two futures, chained, cost more than the hop itself.
        claim = threading.Lock()
        self._jobs.put(Waiting(loop, answer, contextvars.copy_context(), job, claim))
        if self._started < min(self._inside, self._threads):
            self._workers[self._started].start()
            self._started += 1
        try:
            return await answer
        except asyncio.CancelledError:
            # The caller is gone. A job that has begun keeps its thread, and so its place, until it ends.
            if claim.acquire(blocking=False):
                self._inside -= 1
            raise

    async def _slow_down(self) -> None:
        """Hold a refusal back for a second when there have been many in this one.

        Else those who ask again at once, whatever Retry-After says, keep the event loop from everybody.
        """
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._refused = second, 0
        self._refused += 1
        if self._refused > self._threads + self._waiting:
            await asyncio.sleep(1)

    def _work(self) -> None:
        while (waiting := self._jobs.get()) is not None:
            if waiting.claim.acquire(blocking=False):
                self._do(waiting)
            del waiting  # nothing of a request stays here until the next

    def _do(self, waiting: Waiting) -> None:
        begun = time.monotonic()
        settle: Callable[[asyncio.Future[Any], Any], None] = asyncio.Future.set_result
        try:
            outcome = waiting.context.run(waiting.job)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
            settle, outcome = asyncio.Future.set_exception, error
        self._typical += (time.monotonic() - begun - self._typical) / 16
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            waiting.loop.call_soon_threadsafe(self._leave, waiting.answer, settle, outcome)

    def _leave(
        self,
        answer: asyncio.Future[Any],
        settle: Callable[[asyncio.Future[Any], Any], None],
        outcome: Any,
    ) -> None:
        self._inside -= 1
        if not answer.done():
            settle(answer, outcome)

    def close(self) -> None:
        """Let the jobs that were taken finish, and end the threads."""
        for _ in self._workers:
            self._jobs.put(None)
        for worker in self._workers[: self._started]:
            worker.join()


class Writing:
    """What writes on SQLite: one thread, and a transaction for all units that wait for it (core/together.py)."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._waiting: deque[Joint] = deque()

    async def run(self, core: Core, origin: Origin, work: Callable[[UnitOfWork], T]) -> T:
        """What a unit's work answers, once it is committed. `Unavailable` as `Lane.run`."""
        joint = Joint(origin, work)
        self._waiting.append(joint)
        try:
            # What came in the same instant is then there when the first of it is begun.
            await asyncio.sleep(0)
            answer: T = await self._lane.run(lambda: self._outcome(core, joint))
        except BaseException:
            joint.is_over = True  # not to be begun, if it was turned away or its caller is gone
            raise
        return answer

    def _outcome(self, core: Core, mine: Joint) -> Any:
        """What came of a unit, if need be by writing it with those that wait behind it."""
        if not mine.is_over:
            together.write(core, list(self._taken()))
        return mine.outcome()

    def _taken(self) -> Iterator[Joint]:
        for _ in range(MOST_TOGETHER):
            if not self._waiting:
                return
            joint = self._waiting.popleft()
            if not joint.is_over:
                yield joint

    def close(self) -> None:
        """Let what was taken be written, and end the thread."""
        self._lane.close()


@dataclass(frozen=True)
class Lanes:
    """The lanes of a process: for what hashes, for what asks other servers (`outward`), for gateways' checks,
    for what writes on SQLite, and for the rest."""

    plain: Lane
    writing: Writing
    hashing: Lane
    outward: Lane
    checking: Lane

    @classmethod
    def of(cls, settings: Settings, *, hashes: int, tally: Tally) -> Lanes:
        """As settings say, where so many passwords are hashed at once."""
        server, outgoing = settings.server, settings.outgoing
        patience, hash_patience = timedelta(seconds=10), timedelta(seconds=server.hash_wait_seconds)
        lane = partial(Lane, tally=tally)
        return cls(
            plain=lane("plain", threads=server.threads, waiting=1024, patience=patience),
            writing=Writing(lane("writing", threads=1, waiting=1024, patience=patience)),
            hashing=lane(
                "hashing", threads=HASHES_AHEAD * hashes, waiting=server.hash_queue, patience=hash_patience
            ),
            outward=lane("outward", threads=outgoing.threads, waiting=64, patience=patience),
            checking=lane("checking", threads=CHECKING, waiting=1024, patience=patience),
        )

    def close(self) -> None:
        """Let the jobs that were taken finish, and end all threads."""
        self.writing.close()
        for lane in (self.hashing, self.outward, self.checking, self.plain):
            lane.close()
