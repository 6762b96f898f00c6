"""A thread that makes ready what a first request would else wait for: after the start, and a little at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from dragoman.background import Background
from dragoman.log import get_logger

log = get_logger("dragoman.warming")
AFTER = timedelta(seconds=1)
# Between steps of less than a millisecond each, so that nobody's answer waits for more than one of them.
PAUSE = timedelta(milliseconds=2)


class Warming(Background):
    """Takes the steps of each job, one job after the other, from `AFTER` its start on.

    The first moments belong to whoever asks first; nothing depends on how far it came.
    """

    def __init__(self, jobs: Sequence[Callable[[], Iterator[None]]]) -> None:
        super().__init__("warming", self._run)
        self._jobs = jobs

    def _run(self, stopping: threading.Event) -> None:
        if stopping.wait(AFTER.total_seconds()):
            return
        for job in self._jobs:
            try:
                for _ in job():
                    if stopping.wait(PAUSE.total_seconds()):
                        return
            except Exception:
                log.exception("could not warm up")
