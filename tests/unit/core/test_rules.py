"""The rules: how long a session lives."""

from __future__ import annotations

from datetime import timedelta

from tests.fakes import START, rules

from dragoman.core.rules import Lifetime

HOUR = timedelta(hours=1)


def test_a_session_idles_out() -> None:
    """A session idles out so long after it was last seen."""
    assert Lifetime(idle=HOUR).idle_until(START) == START + HOUR


def test_a_session_may_have_no_other_end() -> None:
    """Without an absolute limit a session ends by idling alone; with one it ends whatever happens."""
    assert Lifetime(idle=HOUR).expires_at(START) is None
    assert Lifetime(idle=HOUR, absolute=2 * HOUR).expires_at(START) == START + 2 * HOUR


def test_a_dialect_without_a_rule_has_a_cautious_one() -> None:
    """Sessions of a dialect that nobody configured idle out within two weeks."""
    assert rules().lifetime("immich").idle == timedelta(days=90)
    assert rules().lifetime("nobody's") == Lifetime(idle=timedelta(days=14))
