"""Passwords that are made for people: drawn, so that their strength is known, and fit by the rules there are.

Words are made up, so that no list of them need be kept or guessed from: five letters, consonant and vowel in
turn, which can be said and remembered. There are 65 536 of them, 16 bits each, as in Daniel S. Wilkerson's
proquints (arXiv:0901.4016). Four are 64 bits, more than a throttled or slowly hashed password can be guessed by.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Literal

from dragoman.core import policy
from dragoman.core.secrets import Secret, mint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dragoman.core.work import Dice, UnitOfWork

Form = Literal["words", "characters"]

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
FEWEST: Mapping[Form, int] = {"words": 4, "characters": 16}  # 64 bits, and 95


def make(uow: UnitOfWork, names: Iterable[str] = ()) -> Secret:
    """A new password, fit for an account with these `names` in the unit's dialect. Nothing is changed."""
    fewest, named = FEWEST[uow.rules.made_passwords], tuple(names)
    # Longer each time: what is too short for these rules, or looks common, is passed over.
    drawn = (_drawn(uow.tools.dice, uow.rules.made_passwords, size) for size in count(fewest))
    return next(each for each in drawn if not policy.unfit(uow.rules, uow.origin, each, named))


def _drawn(dice: Dice, form: Form, size: int) -> Secret:
    """So many words or characters."""
    if form == "characters":
        return mint(dice, length=size)
    return Secret("-".join(_word(dice) for _ in range(size)))


def _word(dice: Dice) -> str:
    """A word of 16 bits: 4 for each consonant, 2 for each vowel."""
    bits = int.from_bytes(dice(2), "big")
    return "".join(
        (CONSONANTS if size == 4 else VOWELS)[bits >> place & (2**size - 1)]
        for size, place in ((4, 12), (2, 10), (4, 6), (2, 4), (4, 0))
    )
