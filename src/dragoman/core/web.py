"""What the core may ask of the web: one request, one answer, nothing followed.

How it is asked (which addresses may be reached, how long, how much) is for `dragoman.outgoing` to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WebRequest:
    """A request to `url`. Headers and body may hold secrets, and so are not shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class WebAnswer:
    """What came back: the status, the media type in lower case without parameters, and the whole body."""

    status: int
    media: str
    body: bytes = field(repr=False)


class NoAnswer(Exception):
    """Nothing came that is an answer: not allowed, not reached, not in time, too much. The text says which."""


Web = Callable[[WebRequest], WebAnswer]


def nowhere(request: WebRequest) -> WebAnswer:
    """The web of tools that were given none: every request stays without an answer."""
    raise NoAnswer(f"there is no way out to {request.url}")
