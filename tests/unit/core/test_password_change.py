"""Replacing a password: who may, what it takes, and what ends with the old one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import (
    ALICE,
    BOB,
    Meddler,
    calling,
    calling_by_key,
    events,
    everything,
    opened,
    rows,
    somebody,
    with_tools,
)
from tests.racing import after_statements, at_once

from dragoman.core import accounts, administration, elevation, login, password_change, sessions, throttle
from dragoman.core.accounts import Account, Changes
from dragoman.core.audit import audit_log
from dragoman.core.errors import (
    NameTaken,
    NotFound,
    OldPasswordRequired,
    PasswordRefused,
    PasswordTooLong,
    SessionRefused,
    SessionRequired,
    Unavailable,
    WrongCredentials,
    WrongPassword,
)
from dragoman.core.policy import POLICIES
from dragoman.core.principals import Principal
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Core, UnitOfWork

STRICT = replace(ORIGIN, dialect="strict")
ANOTHER = "another-9-horse-battery"


def change(
    core: Core, caller: Principal, old: str = PASSWORD, new: str = NEW_PASSWORD, *, others: bool = False
) -> Account:
    """Change the caller's password, proving the old one."""
    return password_change.change_password(
        core, ORIGIN, caller, Secret(old), Secret(new), sign_out_others=others
    )


def change_own(core: Core, caller: Principal, new: str | None = NEW_PASSWORD, **facts: str) -> Account:
    """Change what an owner may change of their account."""
    password = None if new is None else Secret(new)
    return password_change.change_own_account(core, ORIGIN, caller, Changes(**facts), password)  # type: ignore[arg-type]


def can_sign_in(core: Core, password: str) -> bool:
    """Whether Alice can sign in with this password."""
    try:
        login.log_in(core, ORIGIN, ALICE, Secret(password), Device())
    except WrongCredentials:
        return False
    return True


def alive(core: Core) -> set[object]:
    """The ids of the sessions that live."""
    return {session.id for session in do(core, sessions.owned)}


# --- by its owner, with the old one ---------------------------------------------------------------------


def test_a_password_is_changed_by_proving_the_old_one(core: Core, clock: FakeClock) -> None:
    """Whoever knows the old password sets the new one, which alone is good from then on."""
    caller = calling(core, somebody(core))
    clock.forward(hours=1)
    account = change(core, caller)
    assert account.password_version == 2
    assert account.password_changed_at == account.updated_at == clock.now
    assert not can_sign_in(core, PASSWORD)
    assert can_sign_in(core, NEW_PASSWORD)
    assert events(core).count("password changed") == 1


def test_a_wrong_old_password_changes_nothing(core: Core) -> None:
    """Who does not know the old password is refused, counted, and put on record."""
    caller = calling(core, somebody(core))
    before = everything(core)
    with pytest.raises(WrongPassword):
        change(core, caller, old="wrong-horse-7-battery")
    after = everything(core)
    differing = {table for table in after if after[table] != before[table]}
    assert differing == {"audit_log", "throttles"}
    (line,) = [row for row in after["audit_log"] if row["event"] == "wrong password"]
    assert line["via"] == caller.via


def test_a_password_of_another_is_changed_by_proving_that_one(core: Core) -> None:
    """Who may change somebody else's password by proving it proves theirs, not their own, and it is on record."""
    somebody(core)
    admin = somebody(core, BOB, password=ANOTHER, is_admin=True)
    caller = calling(core, admin)
    alice = do(core, accounts.get, ALICE)
    with pytest.raises(WrongPassword):
        password_change.change_password(core, ORIGIN, caller, Secret(ANOTHER), Secret(NEW_PASSWORD), of=alice)
    assert can_sign_in(core, PASSWORD)
    changed: list[int] = []
    password_change.change_password(
        core,
        ORIGIN,
        caller,
        Secret(PASSWORD),
        Secret(NEW_PASSWORD),
        of=alice,
        also=lambda _, number: changed.append(number),
    )
    assert changed == [alice.number]
    assert can_sign_in(core, NEW_PASSWORD)
    lines = [row for row in rows(core, audit_log) if "password" in row["event"]]
    acted = [(row["event"], row["account_number"], row["actor_number"]) for row in lines]
    of_alice = (alice.number, admin.number)
    assert sorted(acted) == [("password changed", *of_alice), ("wrong password", *of_alice)]


def test_who_has_no_password_cannot_prove_it(core: Core) -> None:
    """An account without a password has none that could be given, not even an empty one."""
    caller = calling(core, somebody(core, password=None))
    for guess in ("", PASSWORD):
        with pytest.raises(WrongPassword):
            change(core, caller, old=guess)


def test_a_new_password_is_held_to_the_policy(core: Core) -> None:
    """A new password that is short, common or one's own name is refused with its reasons, before any hash."""
    caller = calling(core, somebody(core, "wilhelmine@example.org"))
    meddler = Meddler()
    for new, code in [("short", "too_short"), ("password1!", "too_common"), ("Wilhelmine1", "contains_name")]:
        with pytest.raises(PasswordRefused) as refusal:
            change(with_tools(core, hasher=meddler), caller, new=new)
        assert code in [reason.code for reason in refusal.value.reasons]
    with pytest.raises(PasswordRefused) as too_long:
        change(core, caller, new="x" * 5000)
    assert too_long.value.reasons[0].code == "too_long"
    with pytest.raises(PasswordTooLong):
        change(core, caller, old="x" * 5000)
    assert meddler.verified == []
    assert rows(core, throttle.throttles) == []


def test_a_key_changes_no_password(core: Core) -> None:
    """An API key may not change its owner's password, whatever it carries."""
    caller = calling_by_key(core, somebody(core))
    with pytest.raises(SessionRequired):
        change(core, caller)
    with pytest.raises(SessionRequired):
        change_own(core, caller)


def test_sessions_end_where_the_product_says_so(core: Core) -> None:
    """A changed password ends the sessions of strict dialects, and of others only when that was asked for."""
    account = somebody(core)
    caller, (mine, _), (strict, _) = (
        calling(core, account),
        opened(core, account),
        opened(core, account, origin=STRICT),
    )
    bobs, _ = opened(core, somebody(core, BOB), origin=STRICT)
    assert caller.session is not None
    change(core, caller)
    assert alive(core) == {caller.session.id, mine.id, bobs.id}
    assert strict.id not in alive(core)
    change(core, caller, old=NEW_PASSWORD, new=PASSWORD, others=True)
    assert alive(core) == {caller.session.id, bobs.id}


def test_the_calling_session_stays(core: Core) -> None:
    """Who changes the password from a strict dialect stays signed in there."""
    caller = calling(core, somebody(core), origin=STRICT)
    assert caller.session is not None
    change(core, caller)
    assert alive(core) == {caller.session.id}


def test_where_no_dialect_is_strict_nothing_ends(core: Core) -> None:
    """Without a strict dialect, and without being asked, a changed password ends no session."""
    account = somebody(core)
    lenient = Core(core.database, core.tools, replace(core.rules, lifetimes={}))
    caller, (other, _) = calling(core, account), opened(core, account, origin=STRICT)
    change(lenient, caller)
    assert other.id in alive(core)


FATES: dict[str, Callable[[Core, Account], object]] = {
    "changed": lambda core, account: password_change.set_password(core, ORIGIN, account, Secret(ANOTHER)),
    "disabled": lambda core, account: do(core, accounts.disable, account.number),
    "deleted": lambda core, account: do(core, accounts.delete_softly, account.number),
    "purged": lambda core, account: do(core, accounts.purge, account.number),
}


@pytest.mark.parametrize("fate", FATES)
def test_a_change_that_is_overtaken_changes_nothing(core: Core, fate: str) -> None:
    """A password proved while the account was changed, disabled or deleted by somebody else proves nothing."""
    account = somebody(core)
    caller = calling(core, account)
    overtaken: list[dict[str, object]] = []

    def meanwhile() -> None:
        FATES[fate](core, account)
        overtaken.append(dict(everything(core)))

    with pytest.raises(WrongPassword):
        change(with_tools(core, hasher=Meddler(meanwhile)), caller)
    assert everything(core) == overtaken[0]


def test_of_two_changes_at_once_one_holds(core: Core) -> None:
    """Of two that prove the same old password at the same instant one sets the new one; the other is refused."""
    caller = calling(core, somebody(core))
    outcomes = at_once(*[lambda n=n: change(core, caller, new=f"{n}-{NEW_PASSWORD}") for n in range(6)])
    winners = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Account)]
    assert len(winners) == 1
    assert {type(outcome) for outcome in outcomes} == {Account, WrongPassword}
    assert can_sign_in(core, f"{winners[0]}-{NEW_PASSWORD}")


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_a_change_and_a_sign_in_do_not_lock_each_other_out(core: Core) -> None:
    """Whatever two units lock of one account, they lock the account first: neither waits for the other for ever."""
    caller = calling(core, somebody(core))
    signed_in, forgiven = threading.Event(), threading.Event()

    def hold(statement: str) -> None:
        """Hold each unit where it has locked one thing, until the other has locked the other, if it can."""
        if statement.startswith("UPDATE accounts") and "signed_in_at" in statement:
            signed_in.set()
            forgiven.wait(0.5)
        elif statement.startswith("DELETE FROM throttles"):
            forgiven.set()
            signed_in.wait(0.5)

    both_have_asked = threading.Barrier(2)
    core = with_tools(core, hasher=Meddler(lambda: both_have_asked.wait(10)))
    sign_in = partial(login.log_in, core, ORIGIN, ALICE, Secret(PASSWORD), Device())
    with after_statements(core, hold):
        outcomes = at_once(sign_in, partial(change, core, caller))
    assert Unavailable not in [type(outcome) for outcome in outcomes]


def test_a_right_proof_is_forgiven(core: Core) -> None:
    """The attempt that proved the password is taken back."""
    caller = calling(core, somebody(core))
    change(core, caller)
    assert [row["failures"] for row in rows(core, throttle.throttles)] == [0]


# --- by its owner, who must -----------------------------------------------------------------------------


def test_who_must_change_needs_no_old_password(core: Core, clock: FakeClock) -> None:
    """While an account must change its password its owner sets one without the old, and then must no longer."""
    account = somebody(core, must_change_password=True)
    caller, (strict, _) = calling(core, account), opened(core, account, origin=STRICT)
    clock.forward(hours=1)
    after = change_own(core, caller, display_name="Al", email="al@example.org")
    assert (after.display_name, after.email, after.must_change_password) == ("Al", "al@example.org", False)
    assert after.password_changed_at == clock.now
    assert strict.id not in alive(core)
    assert events(core).count("password changed") == events(core).count("account changed") == 1


def test_who_need_not_change_proves_the_old_one(core: Core) -> None:
    """Otherwise a new password without the old one is refused, and nothing else is changed either."""
    caller = calling(core, somebody(core))
    before = everything(core)
    with pytest.raises(OldPasswordRequired):
        change_own(core, caller, display_name="Al")
    assert everything(core) == before


def test_a_must_is_used_once(core: Core) -> None:
    """Of many that answer the same must at the same instant one sets the password."""
    caller = calling(core, somebody(core, must_change_password=True))
    outcomes = at_once(*[lambda n=n: change_own(core, caller, f"{n}-{NEW_PASSWORD}") for n in range(8)])
    winners = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Account)]
    assert len(winners) == 1
    assert {type(outcome) for outcome in outcomes} == {Account, OldPasswordRequired}
    assert can_sign_in(core, f"{winners[0]}-{NEW_PASSWORD}")


def test_a_refused_name_leaves_the_password(core: Core) -> None:
    """Password and names are changed together or not at all."""
    somebody(core, BOB)
    caller = calling(core, somebody(core, must_change_password=True))
    before = everything(core)
    with pytest.raises(NameTaken):
        change_own(core, caller, email=BOB)
    with pytest.raises(PasswordRefused):
        change_own(core, caller, "short", display_name="Al")
    assert everything(core) == before


def test_an_account_is_its_owners_to_change(core: Core) -> None:
    """Names can be changed without touching the password; a key may change all but the e-mail address."""
    account = somebody(core)
    after = change_own(core, calling(core, account), None, email="al@example.org")
    assert (after.email, after.password_version) == ("al@example.org", 1)
    by_key = calling_by_key(core, account)
    assert change_own(core, by_key, None, display_name="Al").display_name == "Al"
    with pytest.raises(SessionRequired):
        change_own(core, by_key, None, email=ALICE)


# --- by an administrator --------------------------------------------------------------------------------


def test_an_administrator_sets_a_password(core: Core) -> None:
    """A password set by an administrator ends all sessions and forgets all failures, unless told not to."""
    account = somebody(core, must_change_password=True)
    opened(core, account)
    with pytest.raises(WrongCredentials):
        login.log_in(core, ORIGIN, ALICE, Secret("wrong-horse-7-battery"), Device())
    after = password_change.set_password(core, ORIGIN, account, Secret(NEW_PASSWORD))
    assert (after.password_version, after.must_change_password) == (2, False)
    assert alive(core) == set()
    assert f"password:account:{account.number}" not in {row["key"] for row in rows(core, throttle.throttles)}
    assert can_sign_in(core, NEW_PASSWORD)
    kept = alive(core)
    after = password_change.set_password(
        core, ORIGIN, account, Secret(PASSWORD), must_change=True, sign_out=False
    )
    assert after.must_change_password
    assert alive(core) == kept


def test_strict_sessions_end_whoever_sets_it(core: Core) -> None:
    """Even when told to sign nobody out, strict dialects' sessions end."""
    account = somebody(core)
    (mine, _), _ = opened(core, account), opened(core, account, origin=STRICT)
    password_change.set_password(core, ORIGIN, account, Secret(NEW_PASSWORD), sign_out=False)
    assert alive(core) == {mine.id}


def test_a_disabled_account_can_be_given_a_password(core: Core) -> None:
    """An administrator may set the password of an account that is disabled, and none of one that is gone."""
    account = somebody(core)
    do(core, accounts.disable, account.number)
    assert password_change.set_password(core, ORIGIN, account, Secret(NEW_PASSWORD)).password_version == 2
    with pytest.raises(PasswordRefused):
        password_change.set_password(core, ORIGIN, account, Secret("short"))
    do(core, accounts.purge, account.number)
    with pytest.raises(NotFound):
        password_change.set_password(core, ORIGIN, account, Secret(NEW_PASSWORD))


def test_an_administrators_change_is_one_change(core: Core) -> None:
    """Names, password and PIN that are changed together are so together, or none of them is."""
    admin, account = calling(core, somebody(core, BOB, is_admin=True)), somebody(core)
    (alices, _), changes = opened(core, account), Changes(display_name="Al")
    put_pin = administration.new_pin(core, admin, Secret("135790"))

    def put_and_refuse(uow: UnitOfWork, number: int) -> None:
        put_pin(uow, number)
        raise NotFound("anything")

    def change_all(also: Callable[[UnitOfWork, int], None]) -> Account:
        password = Secret(NEW_PASSWORD)
        return password_change.change_account(
            core, ORIGIN, admin, account, changes, password=password, also=also
        )

    before = everything(core)
    with pytest.raises(NotFound):
        change_all(put_and_refuse)
    assert everything(core) == before
    assert change_all(put_pin).display_name == "Al"
    assert can_sign_in(core, NEW_PASSWORD)
    assert do(core, elevation.has_pin, account.number)
    assert alices.id not in alive(core)


def test_an_administrator_changes_names_alone(core: Core) -> None:
    """A change without a password ends no session, and one of an account that is gone changes nothing."""
    admin, account = calling(core, somebody(core, BOB, is_admin=True)), somebody(core)
    session, _ = opened(core, account)
    changes = Changes(display_name="Al")
    assert password_change.change_account(core, ORIGIN, admin, account, changes).display_name == "Al"
    assert session.id in alive(core)
    do(core, accounts.purge, account.number)
    for password in (None, Secret(NEW_PASSWORD)):
        with pytest.raises(NotFound):
            password_change.change_account(core, ORIGIN, admin, account, changes, password=password)


def test_an_administrators_own_session_stays(core: Core) -> None:
    """An administrator who changes their own password so stays signed in where they did, and nowhere else."""
    account = somebody(core, is_admin=True)
    admin, (other, _) = calling(core, account), opened(core, account)
    assert admin.session is not None
    password_change.change_account(core, ORIGIN, admin, account, Changes(), password=Secret(NEW_PASSWORD))
    assert alive(core) == {admin.session.id}
    assert other.id not in alive(core)


def test_an_administrator_puts_and_takes_a_pin(core: Core) -> None:
    """A PIN is given, replaced and taken without a proof, by a session, to an account that is there."""
    admin, account = calling(core, somebody(core, BOB, is_admin=True)), somebody(core)
    caller = calling(core, account)
    for pin in ("135790", "246802"):
        administration.put_pin(core, ORIGIN, admin, account.number, Secret(pin))
        elevation.unlock(core, ORIGIN, caller, Secret(pin))
    administration.put_pin(core, ORIGIN, admin, account.number, None)
    assert not do(core, elevation.has_pin, account.number)
    assert events(core).count("PIN set") == 2
    assert events(core).count("PIN removed") == 1
    with pytest.raises(SessionRequired):
        administration.put_pin(core, ORIGIN, calling_by_key(core, account), account.number, Secret("1"))
    do(core, accounts.purge, account.number)
    with pytest.raises(NotFound):
        administration.put_pin(core, ORIGIN, admin, account.number, Secret("135790"))


def test_under_legacy_each_product_has_its_own_floor(core: Core) -> None:
    """How short a new password may be is the product's to say through which it comes, if the policy is `legacy`."""
    core.rules = replace(core.rules, policy=POLICIES["legacy"], floors={"strict": 12})
    account = somebody(core, password="x")
    assert somebody(core, BOB, password="y").has_password
    with pytest.raises(PasswordRefused):
        somebody(core, "carol@example.org", password="y", origin=STRICT)
    password_change.set_password(core, ORIGIN, account, Secret("y"))
    with pytest.raises(PasswordRefused) as refused:
        password_change.set_password(core, STRICT, account, Secret("y" * 11))
    assert [(reason.code, reason.limit) for reason in refused.value.reasons] == [("too_short", 12)]
    password_change.set_password(core, STRICT, account, Secret("y" * 12))


# --- by its owner, where a product asks for no proof ------------------------------------------------------


def test_a_product_may_ask_for_no_proof(core: Core) -> None:
    """The caller's password is replaced; every strict session ends, no other does, and it is on record."""
    account = somebody(core)
    caller = calling(core, account)
    opened(core, account, origin=STRICT)
    changed = password_change.replace_own_password(core, ORIGIN, caller, Secret(NEW_PASSWORD))
    assert changed.password_version == account.password_version + 1
    assert (can_sign_in(core, PASSWORD), can_sign_in(core, NEW_PASSWORD)) == (False, True)
    assert caller.session in do(core, sessions.owned, account.number, "immich")
    assert do(core, sessions.owned, account.number, "strict") == []
    assert "password changed" in events(core)


@pytest.mark.parametrize(("sign_out", "left"), [(True, 0), (False, 1)])
def test_a_strict_dialect_may_keep_its_own(core: Core, sign_out: bool, left: int) -> None:
    """Sessions of the dialect that changes it end with the password, the caller's too, unless told to stay."""
    account = somebody(core)
    caller = calling(core, account, origin=STRICT)
    password_change.replace_own_password(core, STRICT, caller, Secret(NEW_PASSWORD), sign_out=sign_out)
    assert len(do(core, sessions.owned, account.number, "strict")) == left


def test_a_replacement_is_held_to_the_policy(core: Core) -> None:
    """Common, short and blank passwords are refused, but a blank one where it may be."""
    caller = calling(core, somebody(core))
    for password in ("password1", "short", ""):
        with pytest.raises(PasswordRefused):
            password_change.replace_own_password(core, ORIGIN, caller, Secret(password))
    for password in ("password1", "short"):
        with pytest.raises(PasswordRefused):
            password_change.replace_own_password(core, ORIGIN, caller, Secret(password), may_be_blank=True)
    password_change.replace_own_password(core, ORIGIN, caller, Secret(""), may_be_blank=True)
    assert not can_sign_in(core, PASSWORD)


def test_a_key_replaces_no_password(core: Core) -> None:
    """An API key is no way to become the account."""
    caller = calling_by_key(core, somebody(core))
    with pytest.raises(SessionRequired):
        password_change.replace_own_password(core, ORIGIN, caller, Secret(NEW_PASSWORD))


@pytest.mark.parametrize(
    "changes", [Changes(username="root2"), Changes(must_change_password=True)], ids=["name", "demand"]
)
def test_a_key_opens_no_way_to_an_account(core: Core, changes: Changes) -> None:
    """An administrator's key neither renames anybody, nor lets their password be replaced without the old one."""
    admin, other = somebody(core, is_admin=True), somebody(core, BOB)
    caller, before = calling_by_key(core, admin), everything(core)
    with pytest.raises(SessionRequired):
        password_change.change_account(core, ORIGIN, caller, other, changes)
    assert everything(core) == before
    password_change.change_account(core, ORIGIN, caller, other, Changes(username=other.username))


def test_a_replacement_that_is_overtaken_changes_nothing(core: Core) -> None:
    """Between the look at the session and the write the account was disabled: the session is over."""
    account = somebody(core)
    caller = calling(core, account)
    do(core, accounts.disable, account.number)
    before = everything(core)
    with pytest.raises(SessionRefused):
        password_change.replace_own_password(core, ORIGIN, caller, Secret(NEW_PASSWORD))
    assert everything(core) == before
