"""Accounts: their names, of which there is one namespace, their changes, and their end."""

from __future__ import annotations

import time
import unicodedata
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import ALICE, BOB, calling, events, everything, opened, rows, somebody
from tests.racing import at_once

from dragoman.core import accounts, api_keys, elevation
from dragoman.core.accounts import Account, Changes, NewAccount
from dragoman.core.errors import NameRefused, NameTaken, NotFound
from dragoman.core.names import account_names, fold
from dragoman.core.secrets import Secret
from dragoman.core.work import Core


def added(core: Core, **facts: Any) -> Account:
    """A new account without a password."""
    return do(core, accounts.add, NewAccount(**facts), None)


def changed(core: Core, account: Account, **facts: Any) -> Account:
    """The account after a change."""
    return do(core, accounts.change, account.number, Changes(**facts))


def found(core: Core, name: str) -> Account | None:
    """Whoever is found by a name."""
    return do(core, accounts.find_by_name, name)


# --- who an account is ----------------------------------------------------------------------------------


def test_an_account_is_found_by_each_of_its_names(core: Core) -> None:
    """An account answers to its number, its UUID, its username and its e-mail address."""
    account = added(core, email=ALICE, username="al")
    assert account.number == 1
    assert account.id.version == 4
    names = ["1", str(account.id), account.id.hex, "al", ALICE, "ALICE@example.ORG"]
    assert [do(core, accounts.get, name) for name in names] == [account] * len(names)
    assert do(core, accounts.find_by_number, account.number) == account
    assert do(core, accounts.find_by_id, account.id) == account


def test_a_name_goes_before_a_number(core: Core) -> None:
    """Who is called "1" is meant by "1", whoever has the number 1."""
    added(core, email=ALICE)
    called_one = added(core, email=BOB, username="1")
    assert do(core, accounts.get, "1") == called_one


@pytest.mark.parametrize(
    "name",
    ["", "nobody", "2", "9" * 19, "٣", str(uuid.UUID(int=7)), "-" * 34, "x" * 5000, "a\x00b", "\ud800"],
)
def test_nobody_is_found_by_what_nobody_is_called(sqlite_core: Core, name: str) -> None:
    """Whatever cannot be a name, or is nobody's, is not found, and nothing breaks on it."""
    added(sqlite_core, email=ALICE)
    with pytest.raises(NotFound):
        do(sqlite_core, accounts.get, name)


def test_an_account_says_what_it_is(core: Core, clock: FakeClock) -> None:
    """A new account has what was asked of it, and defaults that give nothing away."""
    account = added(core, email=ALICE)
    assert (account.username, account.display_name) == ("alice", "alice")
    assert not account.is_admin
    assert not account.must_change_password
    assert not account.has_password
    assert account.is_active
    assert (account.created_at, account.updated_at) == (clock.now, clock.now)
    assert account.password_changed_at is None
    assert account.attributes == {}
    assert account.names == ("alice", ALICE, "alice")
    asked = added(
        core,
        username="robot",
        display_name="A Robot",
        is_admin=True,
        must_change_password=True,
        attributes={"immich": {"storageLabel": "r"}},
    )
    assert (asked.username, asked.email, asked.display_name) == ("robot", None, "A Robot")
    assert asked.is_admin
    assert asked.must_change_password
    assert asked.attributes == {"immich": {"storageLabel": "r"}}


def test_an_account_is_never_without_a_name(core: Core) -> None:
    """An account needs an e-mail address or a username."""
    with pytest.raises(NameRefused):
        added(core, display_name="Nobody")


# --- one namespace, however a name is written -----------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "aLICE"),
        ("straße", "STRASSE"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("\ufb01n", "FIN"),
        ("\uff21lice", "Alice"),
        ("\u212aelvin", "kelvin"),
        ("e\u0301va", "éva"),
        ("TITLE", "title"),
    ],
)
def test_one_name_however_it_is_written(core: Core, one: str, other: str) -> None:
    """Case, width, ligatures and composition make no other name (NFKC, case folded)."""
    first = added(core, username=one)
    assert found(core, other) == first
    with pytest.raises(NameTaken):
        added(core, username=other)


@pytest.mark.parametrize(
    ("one", "other"), [("dilek", "d\u0131lek"), ("ismet", "\u0130smet"), ("resume", "résumé")]
)
def test_letters_that_differ_make_names_that_differ(core: Core, one: str, other: str) -> None:
    """Folding asks no locale: a dotless or dotted Turkish i is a letter of its own, and so is é."""
    first, second = added(core, username=one), added(core, username=other)
    assert (found(core, one), found(core, other)) == (first, second)


@given(st.text())
def test_folding_again_changes_nothing(name: str) -> None:
    """What is folded is its own folded form."""
    assert fold(fold(name)) == fold(name)


@given(st.text(st.characters(codec="utf-8"), max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_name_or_is_refused(core: Core, text: str) -> None:
    """Whatever text is asked for as a username is refused, or its account is found by it."""
    with core.begin(ORIGIN, writes=True) as uow:
        try:
            account = accounts.add(uow, NewAccount(username=text), None)
        except NameRefused:
            return
        assert accounts.find_by_name(uow, text) == account
        assert accounts.find_by_name(uow, fold(text)) == account
        accounts.purge(uow, account.number)


def test_usernames_and_addresses_are_one_namespace(core: Core) -> None:
    """Nobody may take as a username what is another's e-mail address, nor the other way round."""
    added(core, email=ALICE, username="al")
    with pytest.raises(NameTaken) as refusal:
        added(core, username="Alice@Example.org")
    assert refusal.value.field == "username"
    added(core, username="bob@example.org")
    with pytest.raises(NameTaken) as refusal:
        added(core, email="BOB@example.org")
    assert refusal.value.field == "email"


@pytest.mark.parametrize("first", ["robot", "robot@local"])
def test_what_an_account_is_shown_with_is_nobody_elses(core: Core, first: str) -> None:
    """Without an e-mail address an account is shown with, and found by, one of its own, which no other can have."""
    facts: dict[str, dict[str, Any]] = {
        "robot": {"username": "robot"},
        "robot@local": {"email": "Robot@local", "username": "ada"},
    }
    made = do(core, accounts.add, NewAccount(**facts.pop(first)), None)
    assert made.address.lower() == "robot@local"
    assert do(core, accounts.find_by_name, "ROBOT@local") == made
    (other,) = facts.values()
    with pytest.raises(NameTaken) as refused:
        do(core, accounts.add, NewAccount(**other), None)
    assert refused.value.field == next(iter(other))


def test_an_address_of_ones_own_takes_the_place_of_the_one_shown(core: Core) -> None:
    """With an e-mail address, or another username, what was shown before is free for others."""
    robot = do(core, accounts.add, NewAccount(username="robot"), None)
    renamed = do(core, accounts.change, robot.number, Changes(username="android"))
    assert (renamed.address, do(core, accounts.find_by_name, "robot@local")) == ("android@local", None)
    mailed = do(core, accounts.change, robot.number, Changes(email="r@example.org"))
    assert (mailed.address, do(core, accounts.find_by_name, "android@local")) == ("r@example.org", None)
    assert do(core, accounts.add, NewAccount(email="android@local"), None).address == "android@local"


@pytest.mark.parametrize("username", ["a b", "a@b", "a..b", ".a", "a.", '"', "é" * 33, "\U0001d49c"])
def test_a_username_that_begins_no_address_gives_way_to_the_id(core: Core, username: str) -> None:
    """What is shown is always an address: where the username cannot begin one, the account's id does."""
    made = do(core, accounts.add, NewAccount(username=username), None)
    assert made.address == f"{made.id}@local"
    assert do(core, accounts.find_by_name, made.address) == made


def test_a_username_may_be_ones_own_address(core: Core) -> None:
    """An account may have the same name twice, as username and as e-mail address."""
    account = added(core, email=ALICE, username="Alice@example.org")
    assert found(core, ALICE) == account
    assert account.username == "Alice@example.org"


def test_usernames_are_made_of_addresses(core: Core) -> None:
    """An account made by e-mail alone gets a username from the local part, numbered while it is taken."""
    made = [added(core, email=f"ann@{n}.example").username for n in range(3)]
    assert made == ["ann", "ann2", "ann3"]
    added(core, username="eve2")
    added(core, username="eve")
    assert added(core, email="eve@example.org").username == "eve3"


def test_usernames_never_run_out(core: Core) -> None:
    """When a name is taken a hundred times over, random digits tell the next one apart."""
    somebody_else = added(core, username="bob")
    take(core, somebody_else, "ann", *(f"ann{n}" for n in range(2, 100)))
    last = added(core, email="ann@example.org").username
    assert last.startswith("ann-")
    assert len(last) == len("ann-") + 12
    assert found(core, last) is not None


def take(core: Core, account: Account, *names: str) -> None:
    """Give an account more names than any has."""
    taken = [{"folded": name, "account_number": account.number, "kind": "username"} for name in names]
    with core.database.writing() as db:
        db.execute(account_names.insert(), taken)


def test_of_two_derivations_that_meet_the_later_gives_way(core: Core, clock: FakeClock) -> None:
    """Even if the dice fall twice the same, no two accounts get one username: the second is refused."""
    take(core, added(core, username="bob"), "ann", *(f"ann{n}" for n in range(2, 100)), f"ann-{'0' * 12}")
    rigged = Core(core.database, type(core.tools)(core.tools.hasher, clock, dice=bytes), core.rules)
    with pytest.raises(NameTaken):
        added(rigged, email="ann@example.org")


def test_a_derived_username_is_never_too_long(core: Core) -> None:
    """A long local part, even one that folding makes three times as long, still yields a username."""
    for local in ("x" * 250, "ß" * 150, "ΐ" * 100):
        first, second = (added(core, email=f"{local}@{n}.de", display_name="Long") for n in range(2))
        assert local.startswith(first.username)
        assert second.username == f"{first.username}2"


@pytest.mark.parametrize("many", [16])
def test_of_many_that_want_a_name_one_gets_it(core: Core, many: int) -> None:
    """Of sixteen that want the same name at the same instant one wins; of the others nothing is left."""
    outcomes = at_once(*[lambda: added(core, email=ALICE, username="alice") for _ in range(many)])
    winners = [outcome for outcome in outcomes if isinstance(outcome, Account)]
    assert len(winners) == 1
    assert [type(outcome) for outcome in outcomes if outcome not in winners] == [NameTaken] * (many - 1)
    assert [row["number"] for row in rows(core, accounts.accounts)] == [winners[0].number]
    assert {row["account_number"] for row in rows(core, account_names)} == {winners[0].number}
    assert events(core) == ["account added"]


# --- what cannot be a name ------------------------------------------------------------------------------


CONTROLS = "\x00\n\r\x1b\x7f\x85\u2028\u2029\u202e\u2066\ud800"


@pytest.mark.parametrize("field", ["email", "username", "display_name"])
def test_names_have_no_control_characters(sqlite_core: Core, field: str) -> None:
    """What would forge a log line, break a header or fool a reader is in no name, at either end or within."""
    for bad in CONTROLS:
        for value in (f"a{bad}b@example.org", f"{bad}a@example.org", f"a@example.org{bad}"):
            with pytest.raises(NameRefused) as refusal:
                added(sqlite_core, **{"email": ALICE, field: value})
            assert refusal.value.field == field
    assert rows(sqlite_core, accounts.accounts) == []


@pytest.mark.parametrize("bad", ["", " ", "\u3000", " al", "al ", "x" * 257])
def test_usernames_have_something_to_show(sqlite_core: Core, bad: str) -> None:
    """A username is neither empty nor blank nor longer than 256, and has no blanks at its ends."""
    with pytest.raises(NameRefused) as refusal:
        added(sqlite_core, username=bad)
    assert refusal.value.field == "username"


@pytest.mark.parametrize(
    "bad", ["", "al", "@", "al@", "@x.org", "a@b c", " a@b", "a@b ", "x" * 316 + "@x.de"]
)
def test_addresses_have_two_sides(sqlite_core: Core, bad: str) -> None:
    """An e-mail address has something on each side of its @, no blank behind it, and 320 characters at most."""
    with pytest.raises(NameRefused) as refusal:
        added(sqlite_core, email=bad, username="al")
    assert refusal.value.field == "email"


@pytest.mark.parametrize(
    "facts", [{"username": "\ufdfa" * 40}, {"email": "\ufdfa" * 20 + "@x.de", "username": "a"}]
)
def test_a_name_that_folding_makes_endless_is_refused(core: Core, facts: dict[str, str]) -> None:
    """One character may fold into eighteen: what has no room in that form is refused, not an accident."""
    with pytest.raises(NameRefused):
        added(core, **facts)


@pytest.mark.parametrize("field", ["email", "username", "display_name"])
def test_endless_names_are_refused_at_once(sqlite_core: Core, field: str) -> None:
    """A name of a hundred thousand accents is refused unsorted: normalising it would take a minute."""
    begun = time.perf_counter()
    for value in ("\u0301\u0316" * 100_000, "\u03b1\u0314\u0342\u0345" * 257):
        with pytest.raises(NameRefused) as refusal:
            added(sqlite_core, **{"username": "al", field: value})
        assert refusal.value.why == f"must be at most {320 if field == 'email' else 256} characters long"
    assert found(sqlite_core, "\u0301\u0316" * 100_000) is None
    assert time.perf_counter() - begun < 5


def test_names_are_kept_composed(core: Core) -> None:
    """Names are kept as they were written, in NFC."""
    account = added(core, username="E\u0301va", display_name="E\u0301va")
    assert account.username == account.display_name == unicodedata.normalize("NFC", "E\u0301va")


# --- changes --------------------------------------------------------------------------------------------


def test_a_change_changes_what_it_names(core: Core, clock: FakeClock) -> None:
    """What a change does not name stays as it is; the rest is as asked, and dated."""
    before = added(core, email=ALICE, username="al", display_name="Al")
    clock.forward(hours=1)
    same = changed(core, before)
    assert same == Account(**{**before.__dict__, "updated_at": clock.now})
    after = changed(
        core, before, email=BOB, username="bob", display_name="Bob", is_admin=True, must_change_password=True
    )
    assert (after.email, after.username, after.display_name) == (BOB, "bob", "Bob")
    assert after.is_admin
    assert after.must_change_password
    assert after.created_at == before.created_at
    assert rows(core, accounts.accounts)[0]["display_name"] == "Bob"


def test_a_change_frees_the_old_names(core: Core) -> None:
    """Who is renamed answers to the new name alone, and the old one is anybody's."""
    account = added(core, email=ALICE, username="al")
    changed(core, account, email=BOB, username="bob")
    assert [found(core, name) is None for name in (BOB, "bob", ALICE, "al")] == [False, False, True, True]
    added(core, email=ALICE, username="al")


def test_a_name_may_be_written_anew(core: Core) -> None:
    """A name may be replaced by itself in other letters."""
    account = added(core, email=ALICE, username="al")
    after = changed(core, account, email="Alice@Example.org", username="AL")
    assert (after.email, after.username) == ("Alice@Example.org", "AL")
    assert found(core, ALICE) == found(core, "al") == after


@pytest.mark.parametrize("first", ["email", "username"])
def test_a_name_held_twice_is_free_when_given_up_twice(core: Core, first: str) -> None:
    """A username that is also the e-mail address stays while one of them has it, and no longer."""
    account = added(core, email=ALICE, username=ALICE)
    second = "username" if first == "email" else "email"
    after = changed(core, account, **{first: "one@example.org"})
    assert found(core, ALICE) == found(core, "one@example.org") == after
    after = changed(core, account, **{second: "two@example.org"})
    assert found(core, ALICE) is None
    assert found(core, "one@example.org") == found(core, "two@example.org") == after
    added(core, email=ALICE)


def test_names_may_be_swapped(core: Core) -> None:
    """What was the username may become the e-mail address, and what was the address the username."""
    account = added(core, email="a@example.org", username="b@example.org")
    after = changed(core, account, email="b@example.org", username="a@example.org")
    assert found(core, "a@example.org") == found(core, "b@example.org") == after


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "BOB@example.org"), ("email", "Bobby@b"), ("username", "bobby@B"), ("username", BOB)],
)
def test_a_change_takes_no_name_of_anothers(core: Core, field: str, value: str) -> None:
    """A change to another's name is refused, says which field it was, and leaves everything as it was."""
    account = added(core, email=ALICE, username="al")
    added(core, email=BOB, username="bobby@b")
    before = everything(core)
    with pytest.raises(NameTaken) as refusal:
        changed(core, account, display_name="Robert", **{field: value})
    assert refusal.value.field == field
    assert everything(core) == before


@pytest.mark.parametrize("facts", [{"email": "no address"}, {"username": " al"}, {"display_name": "\n"}])
def test_a_change_to_no_name_is_refused(sqlite_core: Core, facts: dict[str, str]) -> None:
    """A change is held to the same rules as a new account."""
    account = added(sqlite_core, email=ALICE)
    with pytest.raises(NameRefused):
        changed(sqlite_core, account, **facts)


def test_what_is_not_there_is_not_changed(core: Core) -> None:
    """No use case finds an account that is not there."""
    for use_case in (
        accounts.disable,
        accounts.enable,
        accounts.delete_softly,
        accounts.restore,
        accounts.purge,
    ):
        with pytest.raises(NotFound):
            do(core, use_case, 7)
    with pytest.raises(NotFound):
        do(core, accounts.change, 7, Changes(is_admin=True))
    assert events(core) == []


def test_dialects_do_not_touch_each_others_attributes(core: Core) -> None:
    """A dialect's facts are laid over what it had, and other dialects' stay."""
    account = added(core, email=ALICE, attributes={"immich": {"a": 1, "b": 2}, "shoko": {"c": None}})
    after = changed(core, account, attributes={"immich": {"b": None, "d": [1]}})
    assert after.attributes == {"immich": {"a": 1, "b": None, "d": [1]}, "shoko": {"c": None}}


def test_changes_at_once_are_all_kept(core: Core) -> None:
    """Attributes changed at the same instant by many are all there afterwards."""
    account = added(core, email=ALICE)
    outcomes = at_once(
        *[lambda n=n: changed(core, account, attributes={"immich": {f"fact{n}": n}}) for n in range(12)]
    )
    assert [type(outcome) for outcome in outcomes] == [Account] * 12
    kept = do(core, accounts.get, ALICE).attributes
    assert kept == {"immich": {f"fact{n}": n for n in range(12)}}


# --- being away, and the end ----------------------------------------------------------------------------


def test_disabling_is_dated_once(core: Core, clock: FakeClock) -> None:
    """Who is disabled twice is so since the first time; enabling undoes it."""
    account = added(core, email=ALICE)
    since = clock.now
    do(core, accounts.disable, account.number)
    clock.forward(days=1)
    do(core, accounts.disable, account.number)
    disabled = do(core, accounts.get, ALICE)
    assert disabled.disabled_at == since
    assert not disabled.is_active
    do(core, accounts.enable, account.number)
    assert do(core, accounts.get, ALICE).is_active


def test_the_softly_deleted_keep_their_names(core: Core, clock: FakeClock) -> None:
    """Who is deleted softly can be restored as they were, so nobody else gets their names meanwhile."""
    account = added(core, email=ALICE, username="al")
    since = clock.now
    do(core, accounts.delete_softly, account.number)
    clock.forward(days=1)
    do(core, accounts.delete_softly, account.number)
    for taken in ({"email": ALICE}, {"username": "AL"}):
        with pytest.raises(NameTaken):
            added(core, **taken)
    gone = do(core, accounts.get, ALICE)
    assert gone.deleted_at == since
    assert not gone.is_active
    do(core, accounts.restore, account.number)
    back = do(core, accounts.get, "al")
    assert back.is_active
    assert back.number == account.number


def test_a_purge_takes_everything_but_the_record(core: Core) -> None:
    """Purging an account takes all it owned and frees its names; what it did stays on record."""
    account, other = somebody(core, username="al"), somebody(core, BOB)
    for owner in (account, other):
        opened(core, owner)
        do(core, api_keys.issue, owner.number, "immich", name="key", permissions=["all"])
        elevation.set_pin(core, ORIGIN, calling(core, owner), Secret("123456"))
    assert {row["account_number"] for row in rows(core, elevation.pins)} == {account.number, other.number}
    do(core, accounts.purge, account.number)
    left = everything(core)
    owned = ("account_names", "api_keys", "pins", "sessions")
    assert {row["account_number"] for table in owned for row in left[table]} == {other.number}
    assert [row["number"] for row in left["accounts"]] == [other.number]
    about = {row["event"] for row in left["audit_log"] if row["account_number"] == account.number}
    assert about == {"account added", "key issued", "PIN set", "account purged"}
    assert added(core, email=ALICE, username="al").number not in (account.number, other.number)


def test_a_number_is_never_given_twice(core: Core) -> None:
    """The number of the newest account is not the next one's when it has been purged."""
    first = added(core, email=ALICE)
    do(core, accounts.purge, first.number)
    assert added(core, email=ALICE).number > first.number


# --- lists ----------------------------------------------------------------------------------------------


def test_an_administrator_counts_until_deleted(core: Core) -> None:
    """There is an administrator as long as one is not deleted."""
    added(core, email=BOB)
    assert not do(core, accounts.has_admin)
    admin = added(core, email=ALICE, is_admin=True)
    assert do(core, accounts.has_admin)
    do(core, accounts.delete_softly, admin.number)
    assert not do(core, accounts.has_admin)
