"""How many guesses a password takes whoever tries the likely ones first: an estimate, and no proof.

As in zxcvbn (D. L. Wheeler, USENIX Security 2016), a password is cut into pieces, each with the guesses that it
takes by the cheapest way to find it: by its rank among common passwords, as one of the account's names, as a run of
one character or of neighbours in the alphabet, as a number, or by trying every character. The cut with the least
product counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from dragoman.core.names import fold
from dragoman.core.policy import common_passwords

LONGEST = 64  # characters that are looked at: whatever is behind them makes a password no weaker
# Guesses in a second by whoever stole the hashes: generous, at 19 MiB and 20 ms each.
GUESSES_PER_SECOND = 10_000.0
ANY_CHARACTER = 10.0  # zxcvbn's cost of one that follows no rule, low because people do not draw at random
A_NAME = 2.0
CASES = 4.0  # a word in other letters than small ones
LEAST_WORD, LEAST_RUN = 3, 3
CEILING = 1e300


def seconds_to_guess(password: str, names: Iterable[str] = ()) -> float:
    """How long somebody with the hash would look for a password; 0 for an empty one. `names` are the account's."""
    return least_guesses(password, names) / GUESSES_PER_SECOND


def least_guesses(password: str, names: Iterable[str] = ()) -> float:
    """The guesses that the cheapest cut of a password takes; 0 for an empty one."""
    text = password[:LONGEST]
    if not text:
        return 0.0
    own = {word: A_NAME for name in names if len(word := fold(name)) >= LEAST_WORD}
    cheapest = [1.0]
    for end in range(1, len(text) + 1):
        by_itself = cheapest[end - 1] * ANY_CHARACTER
        in_pieces = (cheapest[start] * _guesses(text[start:end], own) for start in range(end - LEAST_RUN + 1))
        cheapest.append(min(by_itself, CEILING, *in_pieces))
    return cheapest[-1]


def _guesses(piece: str, own: Mapping[str, float]) -> float:
    """What a piece takes by the cheapest rule that finds it whole."""
    small = fold(piece)
    found = [_run(small), _number(piece)]
    rank = own.get(small) or common_passwords().get(small)
    if rank is not None:
        found.append(rank * (1.0 if piece == small else CASES))
    return min(found)


def _run(text: str) -> float:
    """`aaaa`, `abcd`, `9876`: where it begins, how it goes on, how long it is."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return 100.0 * len(text) if steps in ({0}, {1}, {-1}) else CEILING


def _number(text: str) -> float:
    """A year or a date is one of few, and any other number one of ten for each digit."""
    if not (text.isascii() and text.isdigit()):
        return CEILING
    if len(text) == 4 and text[:2] in ("19", "20"):
        return 200.0
    return float(10 ** len(text))
