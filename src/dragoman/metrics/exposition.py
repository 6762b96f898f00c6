"""What the processes told, as Prometheus reads it: text of version 0.0.4, or OpenMetrics where that is asked for.

Of several processes one number is told: their sum, counters of those that have ended included; of what they
all see alike, the greatest. Only what the system knows of a process (memory, processor time, files) is told of
each, by its place.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from dragoman import __version__
from dragoman.core.tally import BUCKETS, Figure

if TYPE_CHECKING:
    from dragoman.metrics.places import Told

PREFIX = "dragoman_"
BOUNDS = [*map(floatToGoString, BUCKETS), "+Inf"]


def exposed(figures: Sequence[Figure], told: Sequence[Told], accept: str) -> tuple[bytes, str]:
    """The text and its media type; `accept` is the request's Accept header."""
    encoder, media = choose_encoder(accept)
    return encoder(_Collected(figures, told)), media


class _Collected(Collector):
    """Collects once: what an encoder takes for a registry."""

    def __init__(self, figures: Sequence[Figure], told: Sequence[Told]) -> None:
        self._figures = figures
        self._told = told

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            f"{PREFIX}build", "What serves", {"version": __version__, "python": platform.python_version()}
        )
        for figure in self._figures:
            yield _family(figure, _merged(figure, self._told))
        yield from _of_processes(self._told)


def _merged(figure: Figure, told: Iterable[Told]) -> Mapping[tuple[str, ...], Sequence[float]]:
    """One figure by its labels, of all processes."""
    merged: dict[tuple[str, ...], Sequence[float]] = {}
    for each in told:
        if not each.alive and figure.kind == "gauge":
            continue
        for (name, labels), numbers in each.numbers.items():
            if name == figure.name:
                before = merged.get(labels, [0.0] * len(numbers))
                both = zip(before, numbers, strict=True)
                merged[labels] = [max(pair) if figure.shared else sum(pair) for pair in both]
    return merged


def _family(figure: Figure, merged: Mapping[tuple[str, ...], Sequence[float]]) -> Metric:
    name = PREFIX + figure.name
    if figure.kind == "histogram":
        histogram = HistogramMetricFamily(name, figure.text, labels=figure.labels)
        for labels, (*counts, total) in sorted(merged.items()):
            histogram.add_metric(labels, list(zip(BOUNDS, accumulate(counts), strict=True)), total)
        return histogram
    family = (CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily)(
        name, figure.text, labels=figure.labels
    )
    for labels, (number,) in sorted(merged.items()):
        family.add_metric(labels, number)
    return family


def _of_processes(told: Iterable[Told]) -> Iterator[Metric]:
    families: dict[str, Metric] = {}
    for each in told:
        if not each.alive:
            continue
        for measured in _of_process(each.pid):
            family = families.setdefault(
                measured.name, Metric(measured.name, measured.documentation, measured.type)
            )
            for sample in measured.samples:
                family.add_sample(sample.name, {"worker": str(each.place)}, sample.value)
    yield from families.values()


def _of_process(pid: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: pid, registry=None).collect()
