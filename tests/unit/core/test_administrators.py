"""What callers do to accounts: on record as theirs, and never so that nobody is left to administer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.fakes import NEW_PASSWORD, ORIGIN, FakeClock, do
from tests.people import BOB, calling, calling_by_key, rows, somebody
from tests.racing import at_once

from dragoman.core import accounts, administration, audit, password_change
from dragoman.core.accounts import Account, Changes
from dragoman.core.audit import audit_log
from dragoman.core.errors import LastAdmin
from dragoman.core.principals import Principal
from dragoman.core.secrets import Secret
from dragoman.core.work import Core

Act = Callable[[Core, Account, Principal | None], object]


def demote(core: Core, account: Account, by: Principal | None) -> object:
    """Make somebody an administrator no more."""
    return do(core, accounts.change, account.number, Changes(is_admin=False), by=by)


def using(use_case: Callable[..., object]) -> Act:
    """Something that is done to an account by its number."""
    return lambda core, account, by: do(core, use_case, account.number, by=by)


DEPOSING: list[Act] = [
    demote,
    using(accounts.disable),
    using(accounts.delete_softly),
    using(accounts.purge),
]
NAMES = ["demote", "disable", "delete", "purge"]


@pytest.fixture
def alice(core: Core) -> Account:
    """The first administrator."""
    return somebody(core, is_admin=True)


@pytest.mark.parametrize("act", DEPOSING, ids=NAMES)
def test_the_last_administrator_stays(core: Core, alice: Account, act: Act) -> None:
    """No caller takes the rights, the sign-in or the account from the last administrator who can sign in."""
    caller = calling(core, alice)
    for name, is_admin in (("gone@x.org", True), ("out@x.org", True), ("plain@x.org", False)):
        somebody(core, name, is_admin=is_admin)
    do(core, accounts.delete_softly, 2)
    do(core, accounts.disable, 3)
    with pytest.raises(LastAdmin):
        act(core, alice, caller)
    with core.begin(ORIGIN, writes=False) as uow:
        assert accounts.get(uow, "1") == caller.account


@pytest.mark.parametrize("act", DEPOSING, ids=NAMES)
def test_one_of_two_administrators_may_go(core: Core, alice: Account, act: Act) -> None:
    """While another administrator can sign in, one may be deposed; and anybody else always."""
    bob = somebody(core, BOB, is_admin=True)
    act(core, somebody(core, "plain@example.org"), calling(core, bob))
    act(core, alice, calling(core, bob))
    with pytest.raises(LastAdmin):
        act(core, bob, calling(core, bob))


@pytest.mark.parametrize("act", DEPOSING, ids=NAMES)
def test_the_operator_may_do_without(core: Core, alice: Account, act: Act) -> None:
    """Who works on the machine itself can make another administrator, and so may depose the last one."""
    act(core, alice, None)
    with core.begin(ORIGIN, writes=False) as uow:
        found = accounts.find_by_number(uow, alice.number)
    assert found is None or not (found.is_admin and found.is_active)


@pytest.mark.parametrize("act", DEPOSING, ids=NAMES)
def test_two_who_depose_each_other_do_not_both_succeed(core: Core, alice: Account, act: Act) -> None:
    """Of two administrators who depose each other at one time one is refused."""
    bob = somebody(core, BOB, is_admin=True)
    hers, his = calling(core, alice), calling(core, bob)
    outcomes = at_once(lambda: act(core, bob, hers), lambda: act(core, alice, his))
    assert sum(isinstance(outcome, LastAdmin) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 1
    with core.begin(ORIGIN, writes=False) as uow:
        assert accounts.has_admin(uow)


def test_what_is_done_to_others_is_on_record(core: Core, alice: Account) -> None:
    """Each line about somebody whom another changed says who did it, and through what."""
    bob, caller = somebody(core, BOB), calling_by_key(core, alice)
    somebody(core, "other@example.org", is_admin=True)
    acts: list[tuple[str, Callable[[], Any]]] = [
        (
            "account changed",
            lambda: do(core, accounts.change, bob.number, Changes(display_name="B"), by=caller),
        ),
        ("account disabled", lambda: do(core, accounts.disable, bob.number, by=caller)),
        ("account enabled", lambda: do(core, accounts.enable, bob.number, by=caller)),
        ("account deleted", lambda: do(core, accounts.delete_softly, bob.number, by=caller)),
        ("account restored", lambda: do(core, accounts.restore, bob.number, by=caller)),
        ("account purged", lambda: do(core, accounts.purge, bob.number, by=caller)),
    ]
    for event, act in acts:
        act()
        assert recorded(core, event) == [(bob.number, alice.number, caller.via)]


def test_a_password_and_a_pin_that_others_set_are_on_record(core: Core, alice: Account) -> None:
    """So does a line about a password or a PIN that an administrator sets."""
    bob, caller = somebody(core, BOB), calling(core, alice)
    new = Secret(NEW_PASSWORD)
    password_change.change_account(core, ORIGIN, caller, bob, Changes(), password=new)
    assert recorded(core, "password changed") == [(bob.number, alice.number, caller.via)]
    administration.put_pin(core, ORIGIN, caller, bob.number, Secret("123456"))
    assert recorded(core, "PIN set") == [(bob.number, alice.number, caller.via)]


def test_ones_own_deeds_have_no_other_actor(core: Core, alice: Account) -> None:
    """A line about what somebody did to their own account names them once."""
    caller = calling(core, alice)
    do(core, accounts.change, alice.number, Changes(display_name="A"), by=caller)
    do(core, accounts.change, alice.number, Changes(display_name="B"))
    assert recorded(core, "account changed") == [
        (alice.number, None, ""),
        (alice.number, None, caller.via),
    ]


def test_the_record_is_asked_for_a_part(core: Core, alice: Account, clock: FakeClock) -> None:
    """Lines are found by whom they concern or who did it, by the dialect, and since an instant, newest first."""
    bob, caller = somebody(core, BOB), calling(core, alice)
    clock.forward(minutes=1)
    do(core, accounts.change, bob.number, Changes(display_name="B"), by=caller)
    clock.forward(minutes=1)
    do(core, audit.record, "tested", account=bob.number, origin=replace(ORIGIN, dialect="strict"))

    def found(**asked: Any) -> list[str]:
        return [line.event for line in do(core, audit.recent, audit.Filters(**asked))]

    assert found(account=alice.number) == ["account changed", "account added"]
    assert found(account=bob.number) == ["tested", "account changed", "account added"]
    assert found(dialect="strict") == ["tested"]
    assert found(since=clock.now) == ["tested"]
    assert len(found(since=clock.now - timedelta(minutes=1))) == 2


def recorded(core: Core, event: str) -> list[tuple[int | None, int | None, str]]:
    """Of each line with this event: whom it concerns, who else did it, and through what."""
    found = [row for row in rows(core, audit_log) if row["event"] == event]
    return sorted((row["account_number"], row["actor_number"], row["via"]) for row in found)
