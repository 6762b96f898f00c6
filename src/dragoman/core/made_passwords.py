"""Passwords that are made for people: drawn, so that their strength is known, and fit by the rules there are.

Words are made up, so that no list of them need be kept or guessed from: five letters, consonant and vowel in
turn, which can be said and remembered. There are 65 536 of them, 16 bits each, as in Daniel S. Wilkerson's
proquints (arXiv:0901.4016). Four are 64 bits, more than a throttled or slowly hashed password can be guessed by.
"""

from __future__ import annotations

from collections.abc import Iterator
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
FEWEST_WORDS = 4
FEWEST_CHARACTERS = 16  # of 62: 95 bits


def make(uow: UnitOfWork, names: Iterable[str] = ()) -> Secret:
    """A new password, fit for an account with these `names` in the unit's dialect. Nothing is changed."""
    names = tuple(names)
    for candidate in _candidates(uow.tools.dice, uow.rules.made_passwords):
        if not policy.unfit(uow.rules, uow.origin, candidate, names):
            return candidate
    raise AssertionError("candidates get longer for ever, and length is all that a policy can ask of them")


def _candidates(dice: Dice, form: Form) -> Iterator[Secret]:
    """One after the other, each longer than the one before: what is too short or looks common is passed over."""
    for more in count():
        if form == "characters":
            yield mint(dice, length=FEWEST_CHARACTERS + more)
        else:
            yield Secret("-".join(_word(dice) for _ in range(FEWEST_WORDS + more)))


def _word(dice: Dice) -> str:
    """A word of 16 bits: 4 for each consonant, 2 for each vowel."""
    bits = int.from_bytes(dice(2), "big")
    return "".join(
        (CONSONANTS if size == 4 else VOWELS)[bits >> place & (2**size - 1)]
        for size, place in ((4, 12), (2, 10), (4, 6), (2, 4), (4, 0))
    )
