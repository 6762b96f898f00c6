"""Acting as somebody else: who may begin, what ends it, what stays out of reach, and whose names are on record."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import (
    BOB,
    calling,
    calling_by_key,
    everything,
    opened,
    presenting,
    rows,
    somebody,
)
from tests.racing import at_once

from dragoman.core import (
    access_tokens,
    accounts,
    administration,
    api_keys,
    elevation,
    factors,
    groups,
    impersonation,
    password_change,
    permissions,
    resets,
    session_ends,
    sessions,
)
from dragoman.core.access_tokens import NewAccessToken
from dragoman.core.accounts import Account, Changes
from dragoman.core.audit import Filters, audit_log, recent
from dragoman.core.errors import (
    AlreadyImpersonating,
    CannotImpersonate,
    NotFound,
    NotImpersonating,
    PermissionMissing,
    PermissionsExceeded,
    Refusal,
    SessionRefused,
    SessionRequired,
    WhileImpersonating,
    WrongPassword,
)
from dragoman.core.impersonation import impersonations
from dragoman.core.principals import Presented, Principal, identify
from dragoman.core.proofs import prove_password
from dragoman.core.secrets import Secret
from dragoman.core.work import Acting, Core, UnitOfWork

RIGHT = "system:admin-access"
EVE = "eve@example.org"


def start(core: Core, caller: Principal, subject: Account) -> Account:
    """Begin to act as somebody."""
    return do(core, impersonation.start, caller, subject.number, permission=RIGHT)


def stop(core: Core, caller: Principal) -> None:
    """Stop acting as anybody."""
    do(core, impersonation.stop, caller)


def acting(core: Core, *, admin: Account | None = None, subject: Account | None = None) -> Secret:
    """The secret of an administrator's session that acts as Bob."""
    admin, subject = admin or somebody(core, is_admin=True), subject or somebody(core, BOB)
    secret = opened(core, admin)[1]
    start(core, presenting(core, secret), subject)
    return secret


# --- beginning and stopping -----------------------------------------------------------------------------


def test_who_acts_is_the_other_until_they_stop(core: Core) -> None:
    """The caller of that session is the other account, with the administrator as the actor; then they are themselves."""
    admin, bob = somebody(core, is_admin=True), somebody(core, BOB)
    session, secret = opened(core, admin)
    other = calling(core, admin)
    assert start(core, presenting(core, secret), bob) == bob
    caller = presenting(core, secret)
    assert (caller.account, caller.actor) == (bob, admin)
    assert caller.session is not None
    assert caller.session.id == session.id
    assert presenting(core, opened(core, admin)[1]).account == admin  # a session of theirs that does not act
    stop(core, caller)
    assert presenting(core, secret) == replace(other, session=session)
    assert rows(core, impersonations) == []


def test_a_permission_is_enough_however_one_has_it(core: Core) -> None:
    """Not only administrators may: whoever has the permission, of their own or by a group."""
    alice, bob, eve = somebody(core), somebody(core, BOB), somebody(core, EVE)
    do(core, permissions.give, alice, [RIGHT])
    group = do(core, groups.add, "operators", permits=[RIGHT])
    do(core, permissions.join, bob, [group.number])
    for admin in (alice, bob):
        assert presenting(core, acting(core, admin=admin, subject=eve)).account == eve


Attempt = Callable[[Core, Principal], object]
REFUSED: dict[str, tuple[type[Refusal], Attempt]] = {
    "oneself": (CannotImpersonate, lambda core, me: start(core, me, me.account)),
    "nobody": (NotFound, lambda core, me: start(core, me, replace(me.account, number=99))),
    "disabled": (CannotImpersonate, lambda core, me: start(core, me, bob_after(core, accounts.disable))),
    "deleted": (NotFound, lambda core, me: start(core, me, bob_after(core, accounts.delete_softly))),
    "nobody yet": (NotImpersonating, stop),
    "ended meanwhile": (SessionRefused, lambda core, me: start(core, ended(core, me), bob_after(core))),
}


def bob_after(core: Core, *deeds: Callable[[UnitOfWork, int], None]) -> Account:
    """Bob, to whom this was done."""
    bob: Account = do(core, accounts.get, BOB)
    for deed in deeds:
        do(core, deed, bob.number)
    return bob


def ended(core: Core, caller: Principal) -> Principal:
    """A caller whose session somebody else has just ended."""
    do(core, session_ends.end, caller.require_session())
    return caller


@pytest.mark.parametrize("case", REFUSED)
def test_not_everybody_can_be_acted_as(sqlite_core: Core, case: str) -> None:
    """Oneself, nobody, and who is disabled or deleted: refused, as is stopping what has not begun."""
    kind, attempt = REFUSED[case]
    caller = calling(sqlite_core, somebody(sqlite_core, is_admin=True))
    somebody(sqlite_core, BOB)
    with pytest.raises(kind):
        attempt(sqlite_core, caller)
    assert rows(sqlite_core, impersonations) == []


def test_who_lacks_the_permission_does_not_begin(sqlite_core: Core) -> None:
    """Without the permission nobody acts as anybody; and with it, as nobody who may do more."""
    core = sqlite_core
    alice, bob, eve = somebody(core), somebody(core, BOB), somebody(core, EVE, is_admin=True)
    with pytest.raises(PermissionMissing):
        start(core, calling(core, alice), bob)
    do(core, permissions.give, alice, [RIGHT])
    with pytest.raises(PermissionsExceeded):
        start(core, calling(core, alice), eve)
    assert rows(core, impersonations) == []


def test_a_key_never_acts_as_somebody_else(sqlite_core: Core) -> None:
    """A long-lived key, which others may hold, neither begins nor stops."""
    core = sqlite_core
    admin, bob = somebody(core, is_admin=True), somebody(core, BOB)
    caller = calling_by_key(core, admin)
    for attempt in (lambda: start(core, caller, bob), lambda: stop(core, caller)):
        with pytest.raises(SessionRequired):
            attempt()


def test_a_key_of_the_administrator_stays_theirs(sqlite_core: Core) -> None:
    """While a session acts as somebody, its owner's keys and other sessions are the owner's."""
    core = sqlite_core
    admin = somebody(core, is_admin=True)
    acting(core, admin=admin)
    assert calling_by_key(core, admin).account == admin
    assert calling(core, admin).actor is None


def test_K_08_nobody_goes_on_to_a_third(sqlite_core: Core) -> None:
    """Who acts as an administrator does not act through them as somebody else: they stop first."""
    core = sqlite_core
    bob, eve = somebody(core, BOB, is_admin=True), somebody(core, EVE)
    secret = acting(core, subject=bob)
    with pytest.raises(AlreadyImpersonating):
        start(core, presenting(core, secret), eve)
    assert presenting(core, secret).account == bob


def test_of_many_that_begin_at_once_one_does(core: Core) -> None:
    """Of eight beginnings of one session, as two users, one succeeds, and the others are told it acts already."""
    admin, both = somebody(core, is_admin=True), [somebody(core, BOB), somebody(core, EVE)]
    caller = calling(core, admin)
    outcomes = at_once(*[lambda who=who: start(core, caller, who) for who in both * 4])
    assert sum(isinstance(outcome, AlreadyImpersonating) for outcome in outcomes) == 7
    assert len(rows(core, impersonations)) == 1


def test_of_many_that_stop_at_once_one_does(core: Core) -> None:
    """Of eight that stop it at once, one does, and the rest had nothing to stop."""
    caller = presenting(core, acting(core))
    outcomes = at_once(*[lambda: stop(core, caller)] * 8)
    assert sum(isinstance(outcome, NotImpersonating) for outcome in outcomes) == 7


# --- the end --------------------------------------------------------------------------------------------


def test_K_08_it_lasts_no_longer_than_the_rules_allow(core: Core, clock: FakeClock) -> None:
    """At the limit, however busy the session is, it is refused and is not the administrator's again."""
    secret = acting(core)
    clock.forward(minutes=59, seconds=59)
    assert presenting(core, secret).actor is not None
    clock.forward(seconds=1)
    with pytest.raises(SessionRefused):
        presenting(core, secret)


def lose_admin(core: Core, admin: Account, _: Account) -> None:
    """The administrator is one no more."""
    do(core, accounts.change, admin.number, Changes(is_admin=False))


ENDS: dict[str, Callable[[Core, Account, Account], object]] = {
    "no administrator": lose_admin,
    "administrator disabled": lambda core, admin, _: do(core, accounts.disable, admin.number),
    "administrator purged": lambda core, admin, _: do(core, accounts.purge, admin.number),
    "signed out everywhere": lambda core, admin, _: do(core, session_ends.end_all, admin.number),
    "user disabled": lambda core, _, user: do(core, accounts.disable, user.number),
    "user deleted": lambda core, _, user: do(core, accounts.delete_softly, user.number),
    "user purged": lambda core, _, user: do(core, accounts.purge, user.number),
}


@pytest.mark.parametrize("end", ENDS)
def test_it_is_gone_with_what_it_rests_on(core: Core, end: str) -> None:
    """When the administrator may not any more, or either account is disabled or gone, the session is refused."""
    admin, bob = somebody(core, is_admin=True), somebody(core, BOB)
    secret = acting(core, admin=admin, subject=bob)
    ENDS[end](core, admin, bob)
    with pytest.raises(SessionRefused):
        presenting(core, secret)


def test_it_is_gone_once_the_user_may_do_more(core: Core) -> None:
    """Whoever may act as others, and is no administrator, acts as nobody who has become one meanwhile."""
    alice, bob = somebody(core), somebody(core, BOB)
    do(core, permissions.give, alice, [RIGHT])
    secret = acting(core, admin=alice, subject=bob)
    assert presenting(core, secret).account.number == bob.number
    do(core, accounts.change, bob.number, Changes(is_admin=True))
    with pytest.raises(SessionRefused):
        presenting(core, secret)


def test_it_is_gone_with_a_permission_of_a_group(core: Core) -> None:
    """Whoever had the permission by a group acts no more once they leave it."""
    alice = somebody(core)
    group = do(core, groups.add, "operators", permits=[RIGHT])
    do(core, permissions.join, alice, [group.number])
    secret = acting(core, admin=alice)
    do(core, permissions.join, alice, [])
    with pytest.raises(SessionRefused):
        presenting(core, secret)


def test_signing_out_ends_both(core: Core) -> None:
    """A session that signs out while it acts is nobody's, and what is on record of that names both."""
    admin, bob = somebody(core, is_admin=True), somebody(core, BOB)
    secret = acting(core, admin=admin, subject=bob)
    assert do(core, impersonation.end_held, secret)
    with pytest.raises(SessionRefused):
        presenting(core, secret)
    assert not do(core, impersonation.end_held, secret)
    [line] = [row for row in rows(core, audit_log) if row["event"] == "signed out"]
    assert (line["actor_number"], line["acting_as"]) == (admin.number, bob.number)


def test_the_user_signs_out_only_themselves(core: Core) -> None:
    """Ending all sessions of a user, from wherever, leaves the administrator's, which acts as them, as it was."""
    admin, bob = somebody(core, is_admin=True), somebody(core, BOB)
    secret = acting(core, admin=admin, subject=bob)
    caller = presenting(core, secret)
    calling(core, bob)
    assert do(core, session_ends.end_all, bob.number, but=caller.session) == 1
    assert presenting(core, secret).account == bob
    assert [session.account_number for session in do(core, sessions.owned)] == [admin.number]


# --- what stays out of reach ----------------------------------------------------------------------------

PIN = Secret("135790")
CHANGES: dict[str, Callable[[Core, Principal], object]] = {
    "password": lambda core, me: password_change.change_password(
        core, ORIGIN, me, Secret(PASSWORD), Secret(NEW_PASSWORD)
    ),
    "unproved password": lambda core, me: password_change.replace_own_password(
        core, ORIGIN, me, Secret(NEW_PASSWORD)
    ),
    "password that must change": lambda core, me: password_change.change_own_account(
        core, ORIGIN, me, Changes(), Secret(NEW_PASSWORD)
    ),
    "another's password": lambda core, me: password_change.change_account(
        core, ORIGIN, me, do(core, accounts.get, EVE), Changes(), password=Secret(NEW_PASSWORD)
    ),
    "own e-mail address": lambda core, me: password_change.change_own_account(
        core, ORIGIN, me, Changes(email="new@example.org")
    ),
    "e-mail address": lambda core, me: do(
        core, accounts.change, me.account.number, Changes(email="new@example.org"), by=me
    ),
    "username": lambda core, me: do(core, accounts.change, me.account.number, Changes(username="new"), by=me),
    "first PIN": lambda core, me: elevation.set_pin(core, ORIGIN, me, PIN),
    "PIN": lambda core, me: elevation.change_pin(core, ORIGIN, me, PIN, password=Secret(PASSWORD), pin=None),
    "no PIN": lambda core, me: elevation.reset_pin(core, ORIGIN, me, password=Secret(PASSWORD), pin=None),
    "elevation": lambda core, me: elevation.unlock(core, ORIGIN, me, PIN),
    "another's PIN": lambda core, me: administration.put_pin(core, ORIGIN, me, 1, PIN),
    "second factor": lambda core, me: do(
        core, factors.enable, me.account, Secret("A" * 32), Secret("000000"), by=me
    ),
    "no second factor": lambda core, me: do(core, factors.disable, me.account, by=me),
    "second factor's clock": lambda core, me: factors.synchronise(
        core, ORIGIN, me.account, Secret("000000"), by=me
    ),
    "new link": lambda core, me: do(core, access_tokens.issue, NewAccessToken(me.account.number, "/"), by=me),
    "reset": lambda core, me: do(core, resets.mail, me.account, by=me),
    "new key": lambda core, me: do(
        core, api_keys.issue, me.account.number, "immich", name="key", permissions=["all"], by=me
    ),
    "key's permissions": lambda core, me: do(
        core, api_keys.change, me.account.number, "immich", key_of(core), permissions=["all"], by=me
    ),
    "key's secret": lambda core, me: do(
        core, api_keys.rotate, me.account.number, "immich", key_of(core), by=me
    ),
    "no key": lambda core, me: do(core, api_keys.revoke, key_of(core), by=me),
}


def key_of(core: Core) -> uuid.UUID:
    """The id of the one key there is."""
    [row] = rows(core, api_keys.api_keys)
    found: uuid.UUID = row["id"]
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_K_08_what_one_signs_in_with_is_out_of_reach(sqlite_core: Core, change: str) -> None:
    """Nobody changes a credential as somebody else, not even knowing what proves them to be that; nothing is written."""
    core = sqlite_core
    bob = somebody(core, BOB, is_admin=True)
    somebody(core, EVE)
    do(core, api_keys.issue, bob.number, "immich", name="key", permissions=["all"])
    caller = presenting(core, acting(core, subject=bob))
    before = everything(core)
    with pytest.raises(WhileImpersonating):
        CHANGES[change](core, caller)
    assert everything(core) == before


def test_trust_that_was_bought_before_is_not_taken_along(sqlite_core: Core) -> None:
    """A session that its owner had unlocked by PIN is locked once it acts as somebody else, and stays so."""
    core = sqlite_core
    admin, bob = somebody(core, is_admin=True), somebody(core, BOB)
    secret = opened(core, admin)[1]
    elevation.set_pin(core, ORIGIN, presenting(core, secret), PIN)
    elevation.unlock(core, ORIGIN, presenting(core, secret), PIN)
    start(core, presenting(core, secret), bob)
    caller = presenting(core, secret)
    assert caller.require_session().elevated_until is None
    stop(core, caller)
    assert presenting(core, secret).require_session().elevated_until is None


# --- what is on record ----------------------------------------------------------------------------------


def test_K_08_every_line_has_both_names(core: Core, clock: FakeClock) -> None:
    """What is done while acting is on record with both, whoever it concerns, and is found under each name."""
    admin, bob, eve = somebody(core, is_admin=True), somebody(core, BOB, is_admin=True), somebody(core, EVE)
    secret = acting(core, admin=admin, subject=bob)

    def as_bob(uow: UnitOfWork) -> None:
        caller = identify(uow, Presented("session", secret))
        accounts.change(uow, eve.number, Changes(display_name="Evelyn"), by=caller)
        accounts.disable(uow, eve.number, by=caller)
        session_ends.end_all(uow, bob.number)
        impersonation.stop(uow, caller)

    opened(core, bob)
    clock.forward(seconds=1)
    do(core, as_bob)
    lines = [row for row in rows(core, audit_log) if row["event"] != "account added"]
    assert sorted(
        (r["event"], r["account_number"], r["actor_number"], r["acting_as"] or 0) for r in lines
    ) == [
        ("account changed", eve.number, admin.number, bob.number),
        ("account disabled", eve.number, admin.number, bob.number),
        ("impersonation started", bob.number, admin.number, 0),
        ("impersonation stopped", bob.number, admin.number, bob.number),
        ("sessions ended", bob.number, admin.number, bob.number),
    ]
    with core.begin(ORIGIN, writes=False) as uow:
        for account in (admin, bob):
            found = {line.event for line in recent(uow, Filters(account=account.number))}
            assert found >= {line["event"] for line in lines}


def test_evidence_of_a_refusal_has_both_names(core: Core) -> None:
    """A refused attempt of who acts as somebody else is on record with both names, too, in whichever unit it is made."""
    admin, bob = somebody(core, is_admin=True), somebody(core, BOB)
    secret = acting(core, admin=admin, subject=bob)
    with core.begin(ORIGIN, writes=False) as uow:
        caller = identify(uow, Presented("session", secret))
        origin = uow.origin
    assert origin == replace(ORIGIN, acting=Acting(admin.number, bob.number))
    with pytest.raises(WrongPassword):
        prove_password(core, origin, caller, Secret("wrong"))
    [line] = [row for row in rows(core, audit_log) if row["event"] == "wrong password"]
    assert (line["account_number"], line["actor_number"], line["acting_as"]) == (
        bob.number,
        admin.number,
        bob.number,
    )
