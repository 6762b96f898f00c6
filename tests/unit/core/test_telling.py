"""What owners are mailed of their accounts: what was done, by whom it says it was, and no stranger's links."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fakes import ORIGIN, do
from tests.people import sealing, somebody

from dragoman.core import outbox, telling
from dragoman.core.work import Core


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        ("Immich_Android_1.134.0", "Immich_Android_1.134.0"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
        ),
        ("Verify at https://evil.example/login", "Verify at https  /evil example/login"),
        ("mailto:thief@evil.example www.evil.example", "mailto thief evil example www evil example"),
        ("", "nothing"),
        ("x" * 1000, "x" * 100),
    ],
)
def test_what_a_program_calls_itself_is_quoted_and_no_link(sqlite_core: Core, agent: str, told: str) -> None:
    """Whoever guesses passwords writes nothing into a mail that its reader could follow."""
    core = sealing(sqlite_core)
    origin = replace(ORIGIN, agent=agent)
    do(core, telling.tell_owner, somebody(core), "Something was done.", origin=origin)
    [posted] = do(core, outbox.listed)
    letter = do(core, outbox.read, posted.id).letter
    assert f"By: what calls itself “{told}”" in letter.text
    assert f"By: what calls itself “{told}”" in letter.html
