"""The processes of one server, and what each of them counted: whichever is asked tells of all.

They share a folder. Each has a place there, which is a number, and writes what it counted into a file of that
number: every few seconds, and before it tells anybody, so that what was once told never becomes less. A process
that takes a dead one's place counts on from its file. Whoever serves alone needs no folder.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from dragoman.background import Background
from dragoman.core.tally import Numbers, Tally
from dragoman.log import get_logger

log = get_logger("dragoman.metrics")
EVERY = timedelta(seconds=5)


@dataclass(frozen=True)
class Told:
    """What the process at a place has counted. `alive`: whether it is there still; else its gauges say nothing."""

    place: int
    pid: int
    alive: bool
    numbers: Numbers


class Alone:
    """The place of a process that serves alone."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def start(self) -> None:
        """Nothing: nobody else reads what is counted here."""

    def stop(self) -> None:
        """Nothing, likewise."""

    def told(self) -> Sequence[Told]:
        """What this process has counted."""
        return [Told(0, os.getpid(), alive=True, numbers=self._tally.numbers())]


class Place:
    """A process's place among several, in their `folder`. The figures named in `passing` end with a process."""

    def __init__(self, tally: Tally, folder: Path, *, passing: Collection[str]) -> None:
        self._tally = tally
        self._folder = folder
        self._writing = threading.Lock()
        self._publishing = Background("metrics", self._publish_often)
        with self._nobody_else_looking():
            taken = ((number, self._taken(number)) for number in itertools.count())
            self._number, self._held = next((number, lock) for number, lock in taken if lock is not None)
        with suppress(FileNotFoundError):
            _, earlier = self._read(self._number)
            tally.go_on_from({key: numbers for key, numbers in earlier.items() if key[0] not in passing})

    def start(self) -> None:
        """Begin to write what is counted."""
        self._publishing.start()

    def stop(self) -> None:
        """Write it for the last time, and leave the place."""
        self._publishing.stop()
        self._publish()
        os.close(self._held)

    def told(self) -> Sequence[Told]:
        """What all processes have counted, in the order of their places."""
        self._publish()
        with self._nobody_else_looking():
            places = sorted(int(file.stem) for file in self._folder.glob("*.json"))
            alive = {number for number in places if self._is_taken(number)}
        return [
            Told(number, pid, number in alive, said)
            for number in places
            for pid, said in [self._read(number)]
        ]

    def _publish_often(self, stopping: threading.Event) -> None:
        while not stopping.wait(EVERY.total_seconds()):
            try:
                self._publish()
            except OSError:
                log.exception("what was counted cannot be written")

    def _publish(self) -> None:
        with self._writing:
            numbers = [[*key, said] for key, said in self._tally.numbers().items()]
            new = self._folder / f"{self._number}.new"
            new.write_text(json.dumps([os.getpid(), numbers]), encoding="utf-8")
            new.replace(self._folder / f"{self._number}.json")

    def _read(self, number: int) -> tuple[int, Numbers]:
        pid, numbers = json.loads((self._folder / f"{number}.json").read_text(encoding="utf-8"))
        return pid, {(name, tuple(labels)): said for name, labels, said in numbers}

    def _taken(self, number: int) -> int | None:
        """The lock that keeps a place as long as its process lives, or None if somebody else has it."""
        lock = os.open(self._folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _is_taken(self, number: int) -> bool:
        lock = None if number == self._number else self._taken(number)
        if lock is None:
            return True
        os.close(lock)
        return False

    @contextmanager
    def _nobody_else_looking(self) -> Iterator[None]:
        """Else whoever looks whether a place is free would for a moment seem to have it."""
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
