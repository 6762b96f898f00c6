"""A thread that makes ready what a first request would else wait for: after the start, and a little at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from dragoman.log import get_logger

log = get_logger("dragoman.warming")
AFTER = timedelta(seconds=1)
# Between steps of less than a millisecond each, so that nobody's answer waits for more than one of them.
PAUSE = timedelta(milliseconds=2)


class Warming:
    """Takes the steps of each job, one job after the other, from `AFTER` its start on."""

    def __init__(self, jobs: Sequence[Callable[[], Iterator[None]]]) -> None:
        self._jobs = jobs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dragoman-warming", daemon=True)

    def start(self) -> None:
        """Begin. The first moments belong to whoever asks first."""
        self._thread.start()

    def stop(self) -> None:
        """End, wherever it is: nothing depends on it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        if self._stopping.wait(AFTER.total_seconds()):
            return
        for job in self._jobs:
            try:
                for _ in job():
                    if self._stopping.wait(PAUSE.total_seconds()):
                        return
            except Exception:
                log.exception("could not warm up")
