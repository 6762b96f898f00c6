"""How long it takes to find a password: an estimate that puts the weak below the strong."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.guesses import GUESSES_PER_SECOND, least_guesses, seconds_to_guess
from dragoman.core.policy import common_passwords

DAY = 86_400.0


@pytest.mark.parametrize(
    "password",
    [
        "123456",
        "password",
        "Password1",
        "monkey1990",
        "aaaaaaaaaaaaaaaa",
        "abcdefghij",
        "98765432",
        "20241231",
    ],
)
def test_what_everybody_tries_first_is_found_within_a_day(password: str) -> None:
    """Common passwords, years, numbers, and runs of one character or of neighbours are found soon."""
    assert seconds_to_guess(password) < DAY


@pytest.mark.parametrize(
    "password", ["correct-horse-7-battery", "lusab-babad-gutih-tugad", "kJ8#mQ2!xZ9pLwRt"]
)
def test_what_was_drawn_takes_years(password: str) -> None:
    """What follows no rule is not found in any time that counts."""
    assert seconds_to_guess(password) > 365 * DAY


def test_a_common_password_takes_its_rank() -> None:
    """The n-th of the list takes n guesses, and a few more in other letters."""
    for word, rank in list(common_passwords().items())[:50]:
        assert least_guesses(word) <= rank
    assert least_guesses("dragon") < least_guesses("DRAGON") < 4 * common_passwords()["dragon"] + 1


def test_ones_own_name_is_tried_at_once() -> None:
    """Names of the account are among the first guesses, and of no help elsewhere."""
    assert least_guesses("Wilhelmina", ["wilhelmina"]) < 10
    assert least_guesses("Wilhelmina", ["wilhelmina"]) < least_guesses("Wilhelmina", ["al"])


def test_nothing_takes_no_time() -> None:
    """An empty password is found before anybody looks."""
    assert seconds_to_guess("") == 0.0


@given(st.text(max_size=40), st.text(max_size=3))
def test_more_is_never_weaker_than_a_piece_by_itself(password: str, more: str) -> None:
    """The estimate is a finite number, never less than none, and what follows no rule costs ten a character."""
    seconds = seconds_to_guess(password + more)
    assert math.isfinite(seconds)
    assert 0 <= seconds * GUESSES_PER_SECOND <= 10.0 ** len(password + more)


def test_a_huge_password_costs_little_to_judge() -> None:
    """However long it is, only its beginning is looked at."""
    begun = time.process_time()
    assert seconds_to_guess("a9!" * 100_000) > DAY
    assert time.process_time() - begun < 1
