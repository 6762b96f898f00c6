"""Passwords made for people: drawn, never twice, and always fit by the rules there are."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import ORIGIN, do
from tests.people import with_tools

from dragoman.core import made_passwords, policy
from dragoman.core.policy import POLICIES, Policy
from dragoman.core.rules import Rules
from dragoman.core.work import Core

WORD = r"[bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]"
FORMED: dict[Literal["words", "characters"], str] = {
    "words": rf"{WORD}(-{WORD}){{3}}",
    "characters": r"[0-9A-Za-z]{16}",
}


def ruled(core: Core, form: Literal["words", "characters"], **named: object) -> Core:
    """The core with rules that ask for a form, and perhaps for more."""
    rules = replace(core.rules, made_passwords=form, **named)  # type: ignore[arg-type]
    return Core(core.database, core.tools, rules)


@pytest.mark.parametrize("form", FORMED)
def test_a_password_has_the_form_that_was_asked_for(
    sqlite_core: Core, form: Literal["words", "characters"]
) -> None:
    """Four words of five letters, or sixteen letters and digits; no two are alike."""
    made = {do(ruled(sqlite_core, form), made_passwords.make).reveal() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(FORMED[form], password) for password in made)


@pytest.mark.parametrize("form", FORMED)
@pytest.mark.parametrize("name", [*POLICIES, "forty", "product"])
def test_a_password_is_fit_under_every_policy(
    sqlite_core: Core, form: Literal["words", "characters"], name: str
) -> None:
    """Whatever length a policy or a product asks for, what is made has it."""
    more = {"forty": Policy("forty", least=40), "product": Policy("product", least=1, product_floor=True)}
    core = ruled(sqlite_core, form, policy={**POLICIES, **more}[name], floors={"immich": 50})
    made = do(core, made_passwords.make)
    assert policy.unfit(core.rules, ORIGIN, made, ()) == ()


def test_a_password_that_says_a_name_is_passed_over(sqlite_core: Core) -> None:
    """What would be refused to this account is not given to it: the next is drawn."""

    def rigged() -> Core:
        dice = random.Random(7)
        return with_tools(sqlite_core, dice=dice.randbytes)

    first = do(rigged(), made_passwords.make)
    second = do(rigged(), made_passwords.make, [first.reveal()])
    assert first.reveal() not in second.reveal()


@given(st.binary(min_size=2, max_size=2))
def test_every_word_is_as_likely_as_every_other(drawn: bytes) -> None:
    """Two bytes are one word, and another two bytes another word: none is drawn more often."""
    made = made_passwords._word(lambda _: drawn)
    bits = 0
    for place, letter in enumerate(made):
        letters = made_passwords.VOWELS if place % 2 else made_passwords.CONSONANTS
        bits = bits * len(letters) + letters.index(letter)
    assert bits.to_bytes(2, "big") == drawn


def test_the_rules_ask_for_words_unless_told_otherwise() -> None:
    """Words are what people can say and remember."""
    assert Rules(policy=POLICIES["standard"]).made_passwords == "words"
