"""Bars, drawn by the server: where each begins and ends, in a box of 720 by 140."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 720, 140
GAP = 0.25  # of a bar's room


@dataclass(frozen=True)
class Bucket:
    """What one bar shows: since when, and how much of the good and of the bad."""

    begins: datetime
    good: int
    bad: int = 0


@dataclass(frozen=True)
class Bar:
    """One bar, from the left; the good stands on the ground, the bad on the good."""

    bucket: Bucket
    x: float
    width: float
    good_height: float
    bad_height: float

    @property
    def good_top(self) -> float:
        """Where the good ends, from above."""
        return round(HEIGHT - self.good_height, 1)

    @property
    def bad_top(self) -> float:
        """Where the bad ends, from above."""
        return round(self.good_top - self.bad_height, 1)


@dataclass(frozen=True)
class Chart:
    """Bars side by side, and the most that one of them shows."""

    bars: Sequence[Bar]
    most: int

    @property
    def good(self) -> int:
        """The good of all bars."""
        return sum(bar.bucket.good for bar in self.bars)

    @property
    def bad(self) -> int:
        """The bad of all bars."""
        return sum(bar.bucket.bad for bar in self.bars)


def drawn(buckets: Sequence[Bucket]) -> Chart:
    """The bars of some buckets, in their order."""
    most = max((each.good + each.bad for each in buckets), default=0)
    scale, room = HEIGHT / max(most, 1), WIDTH / max(len(buckets), 1)
    bars = [
        Bar(
            each,
            x=round(place * room + room * GAP / 2, 1),
            width=round(room * (1 - GAP), 1),
            good_height=round(each.good * scale, 1),
            bad_height=round(each.bad * scale, 1),
        )
        for place, each in enumerate(buckets)
    ]
    return Chart(bars, most)
