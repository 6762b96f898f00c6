"""What this process knows of credentials, for a second at most, and how many unknown ones an address may show."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from dragoman.core.errors import Throttled

if TYPE_CHECKING:
    from dragoman.core.changes import Changes
    from dragoman.core.errors import Refusal

MOST_GOOD = 100_000
MOST_REFUSED = 10_000
MOST_ADDRESSES = 10_000
BURST = 10.0  # seconds' worth of unknown credentials that an address may show at once

# The dialect, the kind of the credential, and its digest.
Key = tuple[str, str, bytes]
K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Answer:
    """What was read of a credential in an epoch (core/changes.py), believed until a monotonic instant.

    Either whose it is, as the `identity` that others are told, with the `account` and the `actor` whose numbers
    that hangs on (0 for nobody), or why it was refused.
    """

    epoch: int
    until: float
    identity: tuple[bytes, ...] | None = None
    account: int = 0
    actor: int = 0
    refusal: Refusal | None = None


class Known:
    """Answers by credential, for the event loop's thread alone.

    Good ones and refused ones are kept apart, so that nobody who makes credentials up drives out those that are
    good. What is read again each second stays; what was read longest ago makes room.
    """

    def __init__(self, changes: Changes, monotonic: Callable[[], float]) -> None:
        self._changes = changes
        self._monotonic = monotonic
        self._good: dict[Key, Answer] = {}
        self._refused: dict[Key, Answer] = {}

    def find(self, key: Key) -> Answer | None:
        """What is known of a credential, if that is still believed."""
        answer = self._good.get(key) or self._refused.get(key)
        if answer is None or answer.until <= self._monotonic():
            return None
        return None if self._changes.since(answer.epoch, answer.account, answer.actor) else answer

    def was_good(self, key: Key) -> bool:
        """Whether the credential was good when it was last read, believed or not."""
        return key in self._good

    def keep(self, key: Key, answer: Answer) -> None:
        """Remember an answer instead of what was known."""
        self._good.pop(key, None)
        self._refused.pop(key, None)
        if answer.refusal is None:
            put_last(self._good, key, answer, MOST_GOOD)
        else:
            put_last(self._refused, key, answer, MOST_REFUSED)


class Strangers:
    """Unknown credentials by the address that showed them: so many `per_second`, and a burst of that for a while."""

    def __init__(self, per_second: int, monotonic: Callable[[], float]) -> None:
        self._costs = 1 / per_second
        self._monotonic = monotonic
        self._paid: dict[str, float] = {}  # until when an address has used up what it may

    def require_patience(self, network: str) -> None:
        """Refuses `Throttled` to an address that has shown too many."""
        ahead = self._paid.get(network, 0.0) - self._monotonic() - BURST
        if ahead > 0:
            raise Throttled(retry_after=timedelta(seconds=ahead))

    def note(self, network: str) -> None:
        """One more from there."""
        paid = max(self._paid.pop(network, 0.0), self._monotonic())
        put_last(self._paid, network, paid + self._costs, MOST_ADDRESSES)


def put_last(table: MutableMapping[K, V], key: K, value: V, most: int) -> None:
    """Add at the end of a table of at most so many; when it is full, its first hundredth makes room at once.

    One at a time would look through the gaps of all that went before, each time.
    """
    if len(table) >= most:
        for first in list(islice(table, max(1, most // 100))):
            del table[first]
    table[key] = value
