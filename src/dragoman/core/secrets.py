"""A secret is born here, leaves the building once, and only its digest stays.

`Secret` is a type that no log line, f-string or traceback shows; `reveal()` is the one way out.
`Digest` is SHA-256 of the secret: enough for values with 128 bits of their own (a password is hashed by
`core/passwords.py` instead).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import NewType, final

Digest = NewType("Digest", bytes)  # stays: the only half that the database ever sees

Dice = Callable[[int], bytes]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@final
class Secret:
    """A string that must not be seen: leaves the building once, in one response."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Each caller of this is a place to look at twice."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not to be copied out of the process")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # Lone surrogates, which JSON can spell, are compared as they are.
        mine, theirs = (each._value.encode("utf-8", "surrogatepass") for each in (self, other))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash(digest(self))


def mint(dice: Dice, *, length: int = 40, prefix: str = "") -> Secret:
    """A fresh secret of `length` letters and digits after `prefix`: 5.95 bits each, 238 in 40.

    Letters and digits only, so that it can stand in a URL unescaped (Immich contract §0.5) and never
    starts with "-" (§8).
    """
    letters: list[str] = []
    while len(letters) < length:
        # 248 = 4 x 62: a byte above it would favour the first letters of the alphabet.
        letters += [ALPHABET[byte % 62] for byte in dice(length) if byte < 248]
    return Secret(prefix + "".join(letters[:length]))


def digest(secret: Secret) -> Digest:
    """What is stored of a secret: SHA-256, 32 bytes. A look-up by it is constant in the secret."""
    return Digest(hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).digest())


@dataclass(frozen=True)
class KeyForm:
    """What a dialect's API keys look like: `prefix`, then letters and digits, or 32 bytes `in_base64`."""

    prefix: str = ""
    in_base64: bool = False

    def mint(self, dice: Dice) -> Secret:
        """A fresh key."""
        if self.in_base64:
            return Secret(self.prefix + base64.b64encode(dice(32)).decode())
        return mint(dice, prefix=self.prefix)

    def hint(self, secret: Secret) -> str:
        """Six characters, or three after the prefix: for its owner to tell keys apart, useless to anybody else."""
        return secret.reveal()[: max(6, len(self.prefix) + 3)]


PLAIN_KEY = KeyForm()
