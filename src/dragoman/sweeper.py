"""A thread that sweeps: what has expired every minute, what was seen every few seconds, and at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.background import Background
from dragoman.core import sizes, sweep
from dragoman.core.errors import Unavailable
from dragoman.core.tally import Figure
from dragoman.core.work import Origin
from dragoman.log import get_logger

if TYPE_CHECKING:
    from dragoman.core.work import Core

log = get_logger("dragoman.sweeper")
SEEN_EVERY = timedelta(seconds=5)
ORIGIN = Origin("sweeper")
SWEEP = Figure("sweep_seconds", "histogram", "How long it took to remove what had expired")


class Sweeper(Background):
    """Sweeps the core's database every `every`, at most `batch` rows in one unit of work.

    The first sweep comes after one interval, so that a start is not slowed by it.
    """

    def __init__(self, core: Core, *, every: timedelta, batch: int) -> None:
        super().__init__("sweeper", self._run)
        self._core = core
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
                self._quietly(self._sweep)
                self._quietly(self._tell_sizes)

    def _write_last_seen(self) -> None:
        sweep.write_last_seen(self._core, ORIGIN)

    def _sweep(self) -> None:
        begun = time.perf_counter()
        swept = sweep.sweep(self._core, ORIGIN, batch=self._batch)
        self._core.tally.observe(SWEEP, seconds=time.perf_counter() - begun)
        if any(swept.values()):
            log.info("swept", **{table: rows for table, rows in swept.items() if rows})

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
