"""What may go wrong when an operation is sent: the tree that the package's docstring draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """Whatever keeps an operation from being answered."""


class Refused(ClientError):
    """The server said no.

    `status` is of HTTP. `messages` are the server's own sentences, at least one, and `message` is all of
    them; `body` is the parsed JSON, None if there was none. `retry_after` is in seconds; `request_id` finds
    the request in the server's log. Either is None if the server did not say.
    """

    def __init__(
        self,
        status: int,
        messages: tuple[str, ...],
        body: Any = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        # All of them, so that a copy or a pickle is made whole.
        super().__init__(status, messages, body, retry_after, request_id)
        self.status = status
        self.messages = messages
        self.body = body
        self.retry_after = retry_after
        self.request_id = request_id

    @property
    def message(self) -> str:
        """What the server said, in one line."""
        return "; ".join(self.messages)

    def __str__(self) -> str:
        return f"{self.status} {self.message}"


class Unauthorized(Refused):
    """401: not signed in (any more), or the wrong credentials."""


class Forbidden(Refused):
    """403: signed in, and not allowed."""


class TryLater(Refused):
    """429 or 503, and whatever says when to come back: too often, or the server cannot tell now."""


REFUSALS: Mapping[int, type[Refused]] = {401: Unauthorized, 403: Forbidden, 429: TryLater, 503: TryLater}


class NotInRelease(ClientError):
    """The client was told which `release` it speaks to, and that has no such `operation`. Nothing was sent."""

    def __init__(self, operation: str, release: str) -> None:
        super().__init__(operation, release)
        self.operation = operation
        self.release = release

    def __str__(self) -> str:
        return f"release {self.release} has no {self.operation}"


class Unreachable(ClientError):
    """No answer came. `__cause__` is httpx2's own error."""


class TimedOut(Unreachable):
    """No answer came in time. What was asked may have been done all the same."""


class Unintelligible(ClientError):
    """What came is no answer of the contract: an HTML page, another shape, a redirection.

    `excerpt` is the beginning of it, with stars for secrets of the request. `status` is None where not even
    that could be read.
    """

    def __init__(self, why: str, status: int | None = None, excerpt: str = "") -> None:
        super().__init__(why, status, excerpt)
        self.why = why
        self.status = status
        self.excerpt = excerpt

    def __str__(self) -> str:
        return self.why
