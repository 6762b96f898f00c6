"""Sessions by the million: what is asked of a few of them does not take longer for the others."""

from __future__ import annotations

import os

import pytest
from tests.load.scale_sessions import MANY, OWN, measure

from dragoman.core.work import Core, Tools

# The million takes a minute to make: `make fuzz` has it.
SESSIONS = 1_000_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 200_000


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.timeout(600)
def test_a_few_of_many_sessions_are_quick(core: Core) -> None:
    """Among a million, listing an account's thousand or ending one takes 50 ms at most; 100 000 end in 100 ms.

    They are over at once, and their rows are swept in units that keep nobody waiting as long as writers wait.
    """
    figures = measure(Core(core.database, Tools(core.tools.hasher), core.rules), SESSIONS)
    assert figures.listing <= 50
    assert figures.ending_one <= 50
    assert figures.opening <= 50
    assert figures.using <= 50
    assert figures.ending_many <= 100
    assert figures.still_alive == 0
    assert figures.swept == MANY + OWN
    assert figures.sweeping <= 500
