"""A thread that sweeps: what has expired every minute, what was seen every few seconds, and at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dragoman.background import Background
from dragoman.core import rollups, sizes, sweep
from dragoman.core.columns import EPOCH
from dragoman.core.errors import Unavailable
from dragoman.core.tally import Figure
from dragoman.core.work import Origin
from dragoman.log import get_logger

if TYPE_CHECKING:
    from dragoman.core.work import Core

log = get_logger("dragoman.sweeper")
SEEN_EVERY = timedelta(seconds=5)
ORIGIN = Origin("sweeper")
JUMP = timedelta(minutes=10)
STEADY_FOR = timedelta(hours=1)
SWEEP = Figure("sweep_seconds", "histogram", "How long it took to remove what had expired")


class Steadiness:
    """Whether a clock goes as time does. One that has just jumped may be wrong, and what it says is over may not be."""

    def __init__(self, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._clock, self._monotonic = clock, monotonic
        self._offset = self._now_offset()
        self._jumped_at: float | None = None

    def is_given(self) -> bool:
        """Whether it has gone so for an hour, as far as it was looked at."""
        before, self._offset = self._offset, self._now_offset()
        if abs(self._offset - before) > JUMP:
            self._jumped_at = self._monotonic()
        return self._jumped_at is None or self._monotonic() - self._jumped_at >= STEADY_FOR.total_seconds()

    def _now_offset(self) -> timedelta:
        return self._clock() - EPOCH - timedelta(seconds=self._monotonic())


class Sweeper(Background):
    """Sweeps the core's database every `every`, at most `batch` rows in one unit of work.

    The first sweep comes after one interval, so that a start is not slowed by it. A clock that jumps is not believed
    for an hour: the years that it is ahead would sweep away every session, and the audit log.
    """

    def __init__(
        self, core: Core, *, every: timedelta, batch: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__("sweeper", self._run)
        self._core = core
        self._steadiness = Steadiness(core.tools.clock, monotonic)
        self._every = max(1, round(every / SEEN_EVERY))
        self._batch = batch

    def stop(self) -> None:
        """End, and write what was seen since the last time."""
        super().stop()
        self._quietly(self._write_last_seen)

    def _run(self, stopping: threading.Event) -> None:
        rounds = 0
        while not stopping.wait(SEEN_EVERY.total_seconds()):
            rounds += 1
            self._quietly(self._write_last_seen)
            if rounds % self._every == 0:
                self._quietly(self.sweep)
                self._quietly(self._tell_sizes)

    def _write_last_seen(self) -> None:
        sweep.write_last_seen(self._core, ORIGIN)

    def sweep(self) -> None:
        """Sweep once, if the clock can be believed."""
        if not self._steadiness.is_given():
            log.warning("the clock jumped", swept="nothing, until it has been steady for an hour")
            return
        self._quietly(self._roll_up)  # first, while what it counts is on record
        begun = time.perf_counter()
        swept = sweep.sweep(self._core, ORIGIN, batch=self._batch)
        self._core.tally.observe(SWEEP, seconds=time.perf_counter() - begun)
        if any(swept.values()):
            log.info("swept", **{table: rows for table, rows in swept.items() if rows})

    def _roll_up(self) -> None:
        rollups.roll_up(self._core, ORIGIN)

    def _tell_sizes(self) -> None:
        sizes.tell_sizes(self._core, ORIGIN)

    def _quietly(self, job: Callable[[], None]) -> None:
        """Run a job; when it fails, say so and live on: the next round comes."""
        try:
            job()
        except Unavailable as refusal:
            log.warning("could not sweep", why=refusal.why)
        except Exception:
            log.exception("sweeping failed")
