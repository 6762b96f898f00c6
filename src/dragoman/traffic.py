"""What is counted of requests: how many there were, how they ended, and how long they took."""

from __future__ import annotations

from dragoman.core.tally import Figure, Tally

REQUESTS = Figure("requests", "counter", "Requests answered", ("dialect", "operation", "status"))
SECONDS = Figure("request_seconds", "histogram", "How long an answer took", ("dialect", "operation"))


def count(tally: Tally, dialect: str, operation: str | None, status: int, seconds: float) -> None:
    """Count an answer, by the class of its status ("2xx"). `operation` is None where the path leads to none."""
    tally.count(REQUESTS, dialect, operation or "none", f"{status // 100}xx")
    tally.observe(SECONDS, dialect, operation or "none", seconds=seconds)
