"""The way out of a process that serves: a notice first, if there is to be one, then the end in good order."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

# What comes sooner than so many seconds is the same wish twice: one Ctrl+C is two where a program between, such as
# make or timeout, passes it on to a group that has had it.
AGAIN = 1.0


class Leaving:
    """What a signal to stop begins: `announce` at once, `stop` when notice was given for so many seconds.

    Callable as the handler of a signal. Signals after the first change nothing.
    """

    def __init__(
        self, notice: int, announce: Callable[[], None], stop: Callable[[int, FrameType | None], object]
    ) -> None:
        self._notice = notice
        self._announce = announce
        self._stop = stop
        self._begun = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._begun:
            return
        self._begun = True
        self._announce()
        if not self._notice:
            self._stop(number, frame)
            return
        waiting = threading.Timer(self._notice, self._stop, (number, None))
        waiting.daemon = True
        waiting.start()


def is_urged(number: int, told: float) -> bool:
    """Whether a signal, heard now, wants the end at once of who was told to stop at this monotonic second."""
    return number == signal.SIGTERM and time.monotonic() - told >= AGAIN


def end_at_once() -> None:
    """End as by the signal itself, with nothing finished: what was acknowledged is safe, as after any kill."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
