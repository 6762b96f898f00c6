"""What is counted and measured: plain numbers in memory, of one process, until somebody asks for them.

To count takes less than a microsecond, so it may be done for every request. What a number is broken down by
are dialects, operations, tables and kinds of outcome, of which there are few; never who asked, or for what.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, Literal, ParamSpec, TypeVar

from dragoman.core.errors import Refusal

if TYPE_CHECKING:
    from dragoman.core.work import Core, Origin

Given = TypeVar("Given")
Arguments = ParamSpec("Arguments")

# Of a figure by its name and the values of its labels: one number, or for a histogram how many were at most as
# long as each of the `BUCKETS`, how many were longer, and how long all were together.
Numbers = Mapping[tuple[str, tuple[str, ...]], Sequence[float]]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True)
class Figure:
    """Something that is counted (`counter`), stands at a number (`gauge`) or takes seconds (`histogram`).

    `shared`: every process sees the same number, and of several the greatest is told, not their sum.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: tuple[str, ...] = ()
    shared: bool = False


class Tally:
    """The numbers of one process. Threads may share it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._numbers: dict[tuple[str, tuple[str, ...]], list[float]] = {}
        self._watched: dict[tuple[str, tuple[str, ...]], Callable[[], float]] = {}

    def count(self, figure: Figure, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        with self._guard:
            self._of(figure, labels, 1)[0] += by

    def number(self, figure: Figure, *labels: str) -> list[float]:
        """A counter's number, alone in a list: for one thread that counts so often that it adds to it by itself."""
        with self._guard:
            return self._of(figure, labels, 1)

    def observe(self, figure: Figure, *labels: str, seconds: float) -> None:
        """Add to a histogram."""
        with self._guard:
            numbers = self._of(figure, labels, len(BUCKETS) + 2)
            numbers[bisect_left(BUCKETS, seconds)] += 1
            numbers[-1] += seconds

    def stands_at(self, figure: Figure, *labels: str, value: float) -> None:
        """Set a gauge."""
        with self._guard:
            self._of(figure, labels, 1)[0] = value

    def watch(self, figure: Figure, *labels: str, read: Callable[[], float]) -> None:
        """Read a gauge whenever the numbers are asked for: quickly, from any thread."""
        self._watched[figure.name, labels] = read

    def numbers(self) -> Numbers:
        """All of them, now."""
        watched = {key: [float(read())] for key, read in self._watched.items()}
        with self._guard:
            return {key: list(numbers) for key, numbers in self._numbers.items()} | watched

    def go_on_from(self, earlier: Numbers) -> None:
        """Count on from what a process counted in whose place this one is."""
        with self._guard:
            for (name, labels), numbers in earlier.items():
                self._numbers.setdefault((name, labels), [])[:] = numbers

    @contextmanager
    def outcome(self, figure: Figure, *labels: str) -> Iterator[None]:
        """Count how the body ends, as the last label: "succeeded", the kind of refusal, or "failed"."""
        ended = "failed"
        try:
            yield
            ended = "succeeded"
        except Refusal as refusal:
            ended = in_words(type(refusal))
            raise
        finally:
            self.count(figure, *labels, ended)

    def _of(self, figure: Figure, labels: tuple[str, ...], size: int) -> list[float]:
        numbers = self._numbers.get((figure.name, labels))
        if numbers is None:
            numbers = self._numbers[figure.name, labels] = [0.0] * size
        return numbers


def in_words(kind: type[Refusal]) -> str:
    """A kind of refusal as a label says it: `WrongCredentials` is "wrong_credentials"."""
    return _CAPITAL.sub("_", kind.__name__).lower()


def counted(
    figure: Figure, *labels: str
) -> Callable[
    [Callable[Concatenate[Core, Origin, Arguments], Given]],
    Callable[Concatenate[Core, Origin, Arguments], Given],
]:
    """Count how each call of a use case ends, by its dialect, these labels and the outcome."""

    def counting(
        use_case: Callable[Concatenate[Core, Origin, Arguments], Given],
    ) -> Callable[Concatenate[Core, Origin, Arguments], Given]:
        @wraps(use_case)
        def call(core: Core, origin: Origin, /, *args: Arguments.args, **named: Arguments.kwargs) -> Given:
            with core.tally.outcome(figure, origin.dialect, *labels):
                return use_case(core, origin, *args, **named)

        return call

    return counting
