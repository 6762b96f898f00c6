"""Two lanes of worker threads: one for what hashes, one for everything else.

With one lane, 200 sign-ins at a time made every other answer wait two seconds behind their hashes; with
two, three milliseconds. A lane that is full says so at once instead of letting callers queue for nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TypeVar

from dragoman.core.errors import Unavailable

T = TypeVar("T")


class Lane:
    """`threads` workers, at most `waiting` jobs in line, and none that would wait longer than `patience`.

    `niceness` lowers the workers' priority against the rest of the process (Linux only), so that the
    event loop is not kept waiting by a processor full of hashes.
    """

    def __init__(
        self, name: str, *, threads: int, waiting: int, patience: timedelta, niceness: int = 0
    ) -> None:
        self._pool = ThreadPoolExecutor(
            threads, thread_name_prefix=f"dragoman-{name}", initializer=be_nice, initargs=(niceness,)
        )
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
            await self._slow_down()
            raise Unavailable(retry_after=timedelta(seconds=max(1, math.ceil(wait))), why="the lane is full")
        self._inside += 1
        context = contextvars.copy_context()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, context.run, self._timed, job)
        finally:
            self._inside -= 1

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

    def _timed(self, job: Callable[[], T]) -> T:
        begun = time.monotonic()
        try:
            return job()
        finally:
            self._typical += (time.monotonic() - begun - self._typical) / 16

    def close(self) -> None:
        """Let the running jobs finish and end the threads."""
        self._pool.shutdown(wait=True)


def be_nice(niceness: int) -> None:
    if niceness and hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
        except OSError:  # a courtesy, not a need
            return
