"""Recovery codes: those of a second factor that was removed, or of another set, open nothing."""

from __future__ import annotations

import pytest
from tests.fakes import FakeClock, do
from tests.people import calling, rows, sealing, somebody
from tests.racing import at_once
from tests.unit.core.test_factors import guarded
from tests.unit.core.test_passkeys import added, phone

from dragoman.core import factors, passkeys, recovery_codes
from dragoman.core.work import Core


@pytest.fixture
def house(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


def test_R_04_they_end_with_the_second_factor_however_it_is_removed(house: Core, clock: FakeClock) -> None:
    """Whoever sets up another one later is not opened by codes from before, which may lie anywhere."""
    account = guarded(house, clock)
    code, *_ = do(house, recovery_codes.make, account.number, by=calling(house, account))
    do(house, factors.disable, account)
    guarded(house, clock, account)
    assert do(house, recovery_codes.left, account.number) == 0
    assert not do(house, recovery_codes.spend, account.number, code)


@pytest.mark.parametrize("has_codes", [False, True])
def test_R_04_they_end_with_the_last_passkey_where_nothing_else_is_left(
    sqlite_core: Core, clock: FakeClock, has_codes: bool
) -> None:
    """They stand for whatever second factor there is, and go with the last one."""
    house = sealing(sqlite_core)
    account = guarded(house, clock) if has_codes else somebody(house)
    caller = calling(house, account)
    passkey = added(house, caller, phone())
    do(house, recovery_codes.make, account.number, by=caller)
    do(house, passkeys.remove, caller, passkey.id)
    assert do(house, recovery_codes.left, account.number) == (10 if has_codes else 0)


def test_R_04_of_those_made_at_once_one_set_is_good(house: Core, clock: FakeClock) -> None:
    """Two windows that make new ones at the same instant leave ten codes, not twenty."""
    account = guarded(house, clock)
    callers = [calling(house, account) for _ in range(4)]
    made = at_once(*[lambda by=by: do(house, recovery_codes.make, account.number, by=by) for by in callers])
    assert not [each for each in made if isinstance(each, Exception)]
    assert len(rows(house, recovery_codes.recovery_codes)) == 10
