"""What this process knows of credentials, for a second at most, and how many unknown ones an address may show."""

from __future__ import annotations

import secrets
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from itertools import islice
from struct import Struct
from typing import TYPE_CHECKING, TypeVar

from dragoman.core.errors import Refusal, Throttled

if TYPE_CHECKING:
    from dragoman.core.changes import Changes
    from dragoman.core.secrets import Secret

MOST_GOOD = 100_000
MOST_REFUSED = 10_000
MOST_LOOKS = 10_000
MOST_ADDRESSES = 10_000
BURST = 10.0  # seconds' worth of unknown credentials that an address may show at once

# What is kept of a good answer before the identity: until when and since which epoch, the account and the actor.
FACTS = Struct("=dqqq")

Key = bytes  # stands for a credential in this process, and nowhere else
Identity = bytes  # what others are told of whose a credential is, a line each
K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Answer:
    """What was read of a credential in an epoch (core/changes.py), believed until a monotonic instant.

    `told` is whose it is, which hangs on the numbers of the `account` and of the `actor` (0 for nobody), or why it
    was refused.
    """

    epoch: int
    until: float
    told: Identity | Refusal
    account: int = 0
    actor: int = 0


class Known:
    """Answers by credential, for the event loop's thread alone.

    Good ones and refused ones are kept apart, so that nobody who makes credentials up drives out those that are
    good. What is read again each second stays; what was read longest ago makes room. A good one is two strings of
    bytes: as objects they would take three times the memory, and Python would look through all of them now and then
    for rubbish, at whose request it happens to be.
    """

    def __init__(self, changes: Changes, monotonic: Callable[[], float]) -> None:
        self._changes = changes
        self._monotonic = monotonic
        self._salt = secrets.token_bytes(blake2b.MAX_KEY_SIZE)
        self._begun: dict[tuple[str, str], blake2b] = {}
        self._good: dict[Key, bytes] = {}
        self._refused: dict[Key, Answer] = {}
        self._looks: dict[Key, Key] = {}

    def key(self, dialect: str, kind: str, secret: Secret) -> Key:
        """What stands for a credential of a kind."""
        return self.key_of(dialect, kind, secret.reveal().encode("utf-8", "surrogatepass"))

    def key_of(self, dialect: str, kind: str, shown: bytes) -> Key:
        """What stands for what was shown, as something of a kind.

        128 bits are enough: without the salt, which nobody knows, no two can be found that have the same ones.
        """
        begun = self._begun.get((dialect, kind))
        if begun is None:
            begun = blake2b(f"{dialect} {kind} ".encode(), digest_size=16, key=self._salt)
            self._begun[dialect, kind] = begun
        hashing = begun.copy()
        hashing.update(shown)
        return hashing.digest()

    def remember(self, look: Key, key: Key) -> None:
        """Whatever looks like this, to whoever asks, holds up that credential."""
        put_last(self._looks, look, key, MOST_LOOKS)

    def recognise(self, look: Key) -> Identity | None:
        """Whose credential is held up by what looks like this, if that is known and good."""
        key = self._looks.get(look)
        told = None if key is None else self.find(key)
        return None if isinstance(told, Refusal) else told

    def find(self, key: Key) -> Identity | Refusal | None:
        """What is known of a credential, if that is still believed."""
        good = self._good.get(key)
        if good is not None:
            return good[FACTS.size :] if self._is_believed(*FACTS.unpack_from(good)) else None
        answer = self._refused.get(key)
        if answer is None or not self._is_believed(answer.until, answer.epoch, answer.account, answer.actor):
            return None
        return answer.told

    def _is_believed(self, until: float, epoch: int, account: int, actor: int) -> bool:
        return until > self._monotonic() and not self._changes.since(epoch, account, actor)

    def was_good(self, key: Key) -> bool:
        """Whether the credential was good when it was last read, believed or not."""
        return key in self._good

    def keep(self, key: Key, answer: Answer) -> None:
        """Remember an answer instead of what was known."""
        self._good.pop(key, None)
        self._refused.pop(key, None)
        if isinstance(answer.told, Refusal):
            put_last(self._refused, key, answer, MOST_REFUSED)
        else:
            facts = FACTS.pack(answer.until, answer.epoch, answer.account, answer.actor)
            put_last(self._good, key, facts + answer.told, MOST_GOOD)


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
