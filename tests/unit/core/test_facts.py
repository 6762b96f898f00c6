"""What one product alone asks of an installation: kept for it, and shown to no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fakes import ORIGIN, do

from dragoman.core import facts
from dragoman.core.work import Core

STRICT = replace(ORIGIN, dialect="strict")


def test_what_was_never_told_is_what_the_caller_expects(core: Core) -> None:
    """A fact that nobody told is the caller's default, whatever that is."""
    assert do(core, facts.told, "isOnboarded", True) is True
    assert do(core, facts.told, "isOnboarded", None) is None


@pytest.mark.parametrize("value", [False, True, 0, "", "word", [1, "a"], {"deep": {"er": None}}])
def test_a_fact_comes_back_as_it_was_told(core: Core, value: object) -> None:
    """Whatever JSON can say comes back, also what is no more than nothing."""
    do(core, facts.tell, "fact", value)
    assert do(core, facts.told, "fact", "nothing") == value


def test_the_last_word_counts(core: Core) -> None:
    """Telling again replaces what was told before, and leaves other names alone."""
    do(core, facts.tell, "other", "kept")
    for value in (True, False):
        do(core, facts.tell, "flag", value)
    assert (do(core, facts.told, "flag", None), do(core, facts.told, "other", None)) == (False, "kept")


def test_each_dialect_has_its_own(core: Core) -> None:
    """One product's facts are nothing to another, under the same name."""
    do(core, facts.tell, "flag", True)
    assert do(core, facts.told, "flag", "nothing", origin=STRICT) == "nothing"
    do(core, facts.tell, "flag", False, origin=STRICT)
    assert do(core, facts.told, "flag", "nothing") is True
