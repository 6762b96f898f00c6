"""The figures of a run: samples, what they ought to be, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich import box
from rich.table import Table
from tests.load.machine import Watch


@dataclass(frozen=True)
class Figure:
    """What a figure means. `goal` is what it should be, `limit` what it must be; `less`: less is better."""

    name: str
    label: str
    unit: str = ""
    digits: int = 1
    goal: float | None = None
    limit: float | None = None
    less: bool = False

    def shown(self, value: float) -> str:
        """A value as people read it."""
        return f"{value:,.{self.digits}f}".replace(",", " ")

    @property
    def aim(self) -> str:
        """Goal and limit in words."""
        sign = "≤" if self.less else "≥"
        said = [] if self.goal is None else [f"{sign} {self.goal:g}"]
        if self.limit not in {None, self.goal}:
            said.append(f"(must {sign} {self.limit:g})")
        return " ".join(said)

    def verdict(self, value: float) -> str:
        """How a value stands to goal and limit; "" where nothing was asked."""
        if self.goal is None:
            return ""
        if self._reaches(value, self.goal):
            return "[green]reached[/]"
        if self.limit is not None and self._reaches(value, self.limit):
            return "[yellow]within the limit[/]"
        return "[red]missed[/]"

    def _reaches(self, value: float, bound: float) -> bool:
        return value <= bound if self.less else value >= bound


@dataclass(frozen=True)
class Sample:
    """One round's value, and how many cores others used meanwhile."""

    value: float
    others: float
    is_clean: bool


class Figures:
    """Samples by figure. The median is of the clean ones, or of all if there is none."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._figures = {figure.name: figure for figure in figures}
        self._samples: dict[str, list[Sample]] = {name: [] for name in self._figures}

    def note(self, watch: Watch, **values: float) -> None:
        """Add a round's values by the figures' names."""
        for name, value in values.items():
            self._samples[name].append(Sample(value, watch.others, watch.is_clean))

    def table(self) -> Table:
        """A row per figure; `quiet` says in how many of its rounds others left the machine alone."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("figure", "median", "", "range", "goal", "verdict", "quiet"):
            right = heading in {"median", "range", "quiet"}
            table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "range")
        for name, figure in self._figures.items():
            samples = self._samples[name]
            if not samples:
                continue
            if table.row_count and not figure.label.startswith(" "):
                table.add_section()
            used = self._used(name)
            table.add_row(
                figure.label,
                figure.shown(median(used)),
                figure.unit,
                f"{figure.shown(min(used))} – {figure.shown(max(used))}" if len(used) > 1 else "",  # noqa: RUF001
                figure.aim,
                figure.verdict(median(used)),
                f"{sum(sample.is_clean for sample in samples)}/{len(samples)}",
            )
        return table

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Label, median with its unit, goal, and verdict of each figure that was measured."""
        for name, figure in self._figures.items():
            if self._samples[name]:
                value = median(self._used(name))
                verdict = re.sub(r"\[/?\w*\]", "", figure.verdict(value))
                yield figure.label, f"{figure.shown(value)} {figure.unit}".strip(), figure.aim, verdict

    def shares(self) -> Iterator[tuple[str, float]]:
        """How much of its goal each figure that has one reached: 1 for all of it, more for better."""
        for name, figure in self._figures.items():
            if self._samples[name] and figure.goal:
                value = median(self._used(name))
                yield figure.label.strip(), figure.goal / value if figure.less else value / figure.goal

    def as_json(self) -> dict[str, Any]:
        """Everything, sample by sample."""
        return {
            name: {
                "label": figure.label,
                "unit": figure.unit,
                "median": median(self._used(name)),
                "goal": figure.goal,
                "limit": figure.limit,
                "samples": [{"value": s.value, "others": round(s.others, 3)} for s in self._samples[name]],
            }
            for name, figure in self._figures.items()
            if self._samples[name]
        }

    def _used(self, name: str) -> list[float]:
        clean = [sample.value for sample in self._samples[name] if sample.is_clean]
        return clean or [sample.value for sample in self._samples[name]]
