"""Who is asked for a second factor: as chosen for the account, and as the server asks of all; and what that means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
from tests.fakes import PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, Meddler, calling, events, presenting, somebody, with_tools
from tests.unit.core.test_factors import code, guarded
from tests.unit.core.test_passkeys import NOTHING, WEB, added, phone, signed_in

from dragoman.core import accounts, approvals, demands, login, login_steps, recovery_codes, step_up
from dragoman.core.accounts import Account
from dragoman.core.demands import DEMANDS, Demand, Guard
from dragoman.core.errors import (
    AdminOnly,
    ApprovalRequired,
    CodeRefused,
    CodeRequired,
    FactorMissing,
    ProofOutdated,
    StepOutdated,
    WrongCredentials,
)
from dragoman.core.login_steps import Halfway
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core, Origin, UnitOfWork

Server = Literal["nobody", "administrators", "everybody"]
IMMICH = Origin("immich", address="192.0.2.1", network="192.0.2.1", agent="Immich_Android_1.134.0")


def demand(core: Core, number: int, wanted: Demand | None) -> None:
    """An administrator decides it."""
    do(core, demands.impose, number, wanted)


def guard(core: Core, number: int = 1) -> Guard:
    """What guards an account."""

    def found(uow: UnitOfWork) -> Guard:
        account = accounts.find_by_number(uow, number)
        assert account is not None
        return demands.guard(uow, account)

    return do(core, found)


def with_passkey(core: Core) -> Account:
    """Alice, who has a passkey."""
    alice = do(core, accounts.get, ALICE)
    added(core, calling(core, alice), phone())
    return alice


def at_app(core: Core, password: str = PASSWORD, **named: Any) -> login.SignedIn:
    """A sign-in by an app that knows a name and a password."""
    return login.log_in_with(
        core, IMMICH, ALICE, Secret(password), Device(), then=lambda _, done: done, **named
    )


def at_pages(core: Core) -> login.SignedIn | Halfway:
    """The first step of a sign-in at the pages."""
    return login_steps.begin(core, WEB, ALICE, Secret(PASSWORD), NOTHING)


def asks(server: Server, core: Core, **more: Any) -> Core:
    """The same core, at a server that asks a second factor of some."""
    return Core(core.database, core.tools, replace(core.rules, second_factor_of=server, **more))


@pytest.mark.parametrize(
    ("wanted", "has", "asked", "lacks"),
    [
        ("never", "nothing", False, False),
        ("never", "codes", False, False),
        ("never", "passkey", False, False),
        ("if set", "nothing", False, False),
        ("if set", "codes", True, False),
        ("if set", "passkey", True, False),
        ("always", "nothing", True, True),
        ("always", "codes", True, False),
        ("always", "passkey", True, False),
        ("passkey", "codes", True, True),
        ("passkey", "passkey", True, False),
    ],
)
def test_what_is_asked_for_depends_on_what_was_chosen_and_what_there_is(
    wanted: Demand, has: str, asked: bool, lacks: bool
) -> None:
    """A passkey counts as codes do; where one is always asked for, none is one too few."""
    made = Guard(wanted, False, wanted, has_codes=has == "codes", has_passkey=has == "passkey")
    assert (made.asks, made.lacks_one) == (asked, lacks)


def test_the_strictest_holds(sealed: Core) -> None:
    """What the server asks of all is not undone by what one chooses, and is of administrators alone if it says so."""
    somebody(sealed, BOB, is_admin=True)
    cases: list[tuple[int, Server, Demand, Demand]] = [
        (1, "nobody", "never", "never"),
        (1, "administrators", "never", "never"),
        (2, "administrators", "never", "always"),
        (1, "everybody", "if set", "always"),
        (1, "everybody", "passkey", "passkey"),
    ]
    for number, server, chosen, holds in cases:
        core = asks(server, sealed)
        demand(core, number, chosen)
        assert guard(core, number).demand == holds
    assert guard(asks("everybody", sealed, passkeys_only=True)).demand == "passkey"


def test_owners_choose_unless_an_administrator_has_decided(sealed: Core) -> None:
    """What an administrator imposed is for administrators to undo; both are on record."""
    somebody(sealed, BOB, is_admin=True)
    alice, bob = (calling(sealed, do(sealed, accounts.get, name)) for name in (ALICE, BOB))
    do(sealed, demands.choose, "always", by=alice)
    assert (guard(sealed).chosen, guard(sealed).is_imposed) == ("always", False)
    with pytest.raises(AdminOnly):
        do(sealed, demands.impose, 2, "never", by=alice)
    do(sealed, demands.impose, 1, "passkey", by=bob)
    with pytest.raises(AdminOnly):
        do(sealed, demands.choose, "never", by=alice)
    assert guard(sealed).chosen == "passkey"
    do(sealed, demands.impose, 1, None, by=bob)
    do(sealed, demands.choose, "never", by=alice)
    assert events(sealed).count("second factor demanded") == 4


def test_who_chose_nothing_is_asked_for_what_they_have(sealed: Core) -> None:
    """The password is enough until there is a passkey; from then on apps wait for their owner's word."""
    assert at_app(sealed).account.email == ALICE
    alice = with_passkey(sealed)
    with pytest.raises(ApprovalRequired):
        at_app(sealed)
    [asked] = do(sealed, approvals.waiting, alice.number)
    do(sealed, approvals.approve, asked.id, by=calling(sealed, alice))
    assert at_app(sealed).account.email == ALICE
    demand(sealed, alice.number, "never")
    assert at_app(sealed).account.email == ALICE


def test_at_the_pages_a_passkey_follows_the_password(sealed: Core) -> None:
    """The password alone opens nothing; no code and no guess will do; the passkey, or a recovery code, lets in."""
    alice = with_passkey(sealed)
    begun = at_pages(sealed)
    assert isinstance(begun, Halfway)
    assert (begun.by_code, begun.by_passkey) == (False, True)
    for typed in ("000000", ""):
        with pytest.raises(CodeRefused):
            login_steps.complete(sealed, WEB, begun.carries, Secret(typed), NOTHING)
    [first, *_] = do(sealed, recovery_codes.make, alice.number, by=calling(sealed, alice))
    done = login_steps.complete_by_recovery(sealed, WEB, begun.carries, first, NOTHING)
    assert done.account.number == alice.number


def test_S_09_the_password_alone_is_no_proof_where_a_passkey_is_asked_for(
    sealed: Core, clock: FakeClock
) -> None:
    """Who has a passkey shows that; who is asked for none proves the password."""
    alice = with_passkey(sealed)
    caller = presenting(sealed, at_app_opened(sealed), origin=IMMICH)
    with pytest.raises(ProofOutdated):
        do(sealed, step_up.require, caller)
    demand(sealed, alice.number, "never")
    do(sealed, step_up.require, caller)


def at_app_opened(core: Core) -> Secret:
    """The secret of a session of Alice's that has proved the password alone, just now."""
    demand(core, 1, "never")
    opened = at_app(core)
    do(core, step_up.note, opened.session, "password")
    demand(core, 1, None)
    return opened.secret


def test_where_one_is_missing_apps_are_refused_and_the_pages_lead_to_it(sealed: Core) -> None:
    """To an app it is a wrong password; at the pages whoever knows it comes in, to set one up."""
    demand(sealed, 1, "always")
    for apart in (False, True):
        with pytest.raises(FactorMissing):
            at_app(sealed, code_apart=apart)
    done = at_pages(sealed)
    assert isinstance(done, login.SignedIn)
    caller = presenting(sealed, done.secret, origin=WEB)
    with pytest.raises(FactorMissing):
        do(sealed, demands.require_one, caller)
    added(sealed, caller, phone())
    do(sealed, demands.require_one, caller)


def test_where_it_must_be_a_passkey_codes_will_not_do(sealed: Core, clock: FakeClock) -> None:
    """Neither in their field, nor behind the password, nor at the second step; who has codes alone has none."""
    alice = guarded(sealed, clock, do(sealed, accounts.get, ALICE))
    demand(sealed, alice.number, "passkey")
    with pytest.raises(FactorMissing):
        at_app(sealed, code=code(clock), code_apart=True)
    added(sealed, calling(sealed, alice), phone())
    for named in ({"code": code(clock), "code_apart": True}, {}):
        with pytest.raises(WrongCredentials):
            at_app(sealed, PASSWORD if named else f"{PASSWORD}{code(clock).reveal()}", **named)
    begun = at_pages(sealed)
    assert isinstance(begun, Halfway)
    assert not begun.by_code
    with pytest.raises(CodeRefused):
        login_steps.complete(sealed, WEB, begun.carries, code(clock), NOTHING)


def test_a_demand_that_comes_while_a_password_is_verified_holds(sealed: Core) -> None:
    """Nobody slips in between: the session that would have been opened is not."""
    alice = with_passkey(sealed)
    demand(sealed, alice.number, "never")
    overtaken = with_tools(sealed, hasher=Meddler(lambda: demand(sealed, alice.number, "always")))
    with pytest.raises(CodeRequired):
        at_app(overtaken)


def test_the_second_step_is_the_account_s_whose_password_was_right(sealed: Core) -> None:
    """What no first step has given carries nobody anywhere."""
    with pytest.raises(StepOutdated):
        do(sealed, login_steps.halfway, Secret("made up"))


def test_a_passkey_alone_is_enough_whatever_is_asked_for(sealed: Core) -> None:
    """It is both factors in one."""
    device = phone()
    added(sealed, calling(sealed, do(sealed, accounts.get, ALICE)), device)
    for wanted in DEMANDS:
        demand(sealed, 1, wanted)
        assert signed_in(sealed, device).account.email == ALICE
