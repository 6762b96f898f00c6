"""Keys: how they are held up, given again, deleted and ended. Contract §1.2, §2."""

from __future__ import annotations

import pytest
from tests.contract.shoko.speech import (
    GUID,
    House,
    assert_empty,
    assert_problem,
    assert_says,
    assert_text,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.racing import at_once

from dragoman.core import accounts, sessions
from dragoman.core.accounts import Changes

CURRENT = "/api/v3/User/Current"
NOTHING = "Must provide an apikey or device name to delete"
UNKNOWN = "Could not find apikey or device name to delete"


# --- how they are held up -------------------------------------------------------------------------------


def test_nothing_else_is_a_key(house: House) -> None:
    """Neither a bearer token nor basic credentials, no cookie, no other header: 4.2 looks at `apikey` alone (§2.1)."""
    key = house.key(house.account())
    for headers in (
        {"authorization": f"Bearer {key}"},
        {"authorization": f"apikey {key}"},
        {"x-apikey": key},
        {"api_key": key},
        {"cookie": f"apikey={key}"},
    ):
        assert_empty(house.ask("GET", CURRENT, headers=headers), 401)
    assert_empty(house.ask("GET", CURRENT, params={"access_token": key}), 401)


def test_the_first_good_one_counts(house: House) -> None:
    """Of two people's keys in one request the header's is believed."""
    one, other = house.account(), house.account()
    answer = house.ask("GET", CURRENT, house.key(one), params={"apikey": house.key(other)})
    assert answer.json()["ID"] == one.number


def test_no_more_than_eight_are_tried(house: House) -> None:
    """A request that holds up a hundred guesses has eight."""
    key = house.key(house.account())
    guesses = [("apikey", f"guess-{number}") for number in range(7)]
    assert house.ask("GET", CURRENT, params=[*guesses, ("APIKEY", key)]).status_code == 200
    assert (
        house.ask("GET", CURRENT, params=[*guesses, ("apikey", "one-more"), ("apikey", key)]).status_code
        == 401
    )


def test_a_key_sent_to_the_sign_in_is_not_looked_at(house: House) -> None:
    """Empty, wrong or another's: the name and the password decide (§1.1)."""
    account = house.account()
    for key in ("", "garbled", house.key(house.account())):
        answer = house.log_in(account.username, headers={"apikey": key})
        assert answer.status_code == 200


def test_a_key_belongs_to_shoko(house: House) -> None:
    """A session of another dialect, even one that looks like a key, opens nothing here."""
    assert_empty(house.ask("GET", CURRENT, house.key(house.account(), dialect="immich")), 401)


# --- given again ----------------------------------------------------------------------------------------


def test_keys_of_parallel_sign_ins_are_one(owns: House) -> None:
    """On both engines, eight sign-ins from one device at once are given one key."""
    owns.account(username="Default")
    answers = at_once(*[lambda: owns.log_in("Default") for _ in range(8)])
    keys = {answer.json()["apikey"] for answer in answers}  # type: ignore[union-attr]
    assert len(keys) == 1
    assert owns.is_good(keys.pop())


def test_a_long_device_name_is_told_apart_to_its_end(house: House) -> None:
    """Nothing of it is cut off, though the list shows 128 characters."""
    account = house.account()
    keys = {house.key_of(account.username, device="x" * 5000 + end) for end in ("a", "b", "A")}
    assert len(keys) == 2
    shown = house.ask("GET", "/api/auth", keys.pop()).json()
    assert [device["Device"] for device in shown] == ["x" * 128] * 2


def test_a_key_unused_for_a_year_ends(own: House) -> None:
    """And one in use does not; the device is given another."""
    own.account(username="Default")
    key, other = own.key_of("Default"), own.key_of("Default", device="other")
    for _ in range(3):
        own.clock.forward(days=200)
        assert own.is_good(key)
    assert not own.is_good(other)
    assert own.key_of("Default", device="other") != other


def test_rights_are_read_live(house: House) -> None:
    """Who becomes an administrator is one by the key they have (§2.2)."""
    account = house.account()
    key = house.key(account)
    assert house.ask("GET", CURRENT, key).json()["IsAdmin"] is False
    do(house.core, accounts.change, account.number, Changes(is_admin=True, username="Renamed"))
    answer = house.ask("GET", CURRENT, key).json()
    assert (answer["IsAdmin"], answer["Username"]) == (True, "Renamed")


def test_own_keys_are_listed(house: House) -> None:
    """User, name and device of each, the last seen first; no key, and nobody else's, for administrators too (§1.4)."""
    account = house.account(is_admin=True)
    house.key(house.account(), "not mine")
    key = house.key(account, "kodi")
    house.clock.forward(minutes=1)
    house.key(account, "web-ui")
    user = {"UserID": account.number, "Username": account.username}
    assert_says(
        house.ask("GET", "/api/auth", key), [{**user, "Device": "web-ui"}, {**user, "Device": "kodi"}]
    )


# --- deleted --------------------------------------------------------------------------------------------


def test_a_key_is_deleted_in_capitals_too(house: House) -> None:
    """It is used in any case, so it ends in any."""
    key = house.key(house.account())
    assert_empty(house.ask("DELETE", "/api/auth", params={"APIkey": f" {key.upper()}"}))
    assert not house.is_good(key)


def test_of_two_keys_in_the_query_the_first_is_deleted(house: House) -> None:
    """As ASP.NET Core binds a parameter that is given twice."""
    first, second = house.key(house.account()), house.key(house.account())
    assert_empty(house.ask("DELETE", "/api/auth", params=[("apikey", first), ("apikey", second)]))
    assert (house.is_good(first), house.is_good(second)) == (False, True)


def test_by_query_a_device_is_no_key(house: House) -> None:
    """Device names do not work there, also for who is signed in (§1.2)."""
    key = house.key(house.account(), "kodi")
    assert_empty(house.ask("DELETE", "/api/auth", key, params={"apikey": "kodi"}))
    assert house.is_good(key)


def test_by_query_the_body_is_not_read(house: House) -> None:
    """Whatever it is, and whatever its type."""
    key, kept = house.key(house.account()), house.key(house.account())
    for content, media in ((f'"{kept}"', "application/json"), ("{", "application/json"), ("x", "text/plain")):
        headers = {"content-type": media}
        answer = house.ask("DELETE", "/api/auth", params={"apikey": key}, content=content, headers=headers)
        assert_empty(answer)
    assert house.is_good(kept)


def test_a_key_is_deleted_by_body(house: House) -> None:
    """A JSON string, as 5.x has it; it needs no other authorisation, and is refused the second time."""
    key = house.key(house.account())
    assert_empty(house.ask("DELETE", "/api/auth", json=f" {key.upper()} "))
    assert not house.is_good(key)
    assert_text(house.ask("DELETE", "/api/auth", json=key), 400, UNKNOWN)


def test_a_device_of_the_caller_is_deleted_by_body(house: House) -> None:
    """By its name in any case; another's device of that name lives on, and strangers have no devices."""
    account, other = house.account(), house.account()
    key, kodi, theirs = house.key(account), house.key(account, "kodi"), house.key(other, "kodi")
    assert_text(house.ask("DELETE", "/api/auth", json="kodi"), 400, UNKNOWN)
    assert_text(house.ask("DELETE", "/api/auth", "garbled", json="kodi"), 400, UNKNOWN)
    assert house.is_good(kodi)
    assert_empty(house.ask("DELETE", "/api/auth", key, json="KODI"))
    assert [house.is_good(each) for each in (key, kodi, theirs)] == [True, False, True]
    assert_text(house.ask("DELETE", "/api/auth", key, json="kodi"), 400, UNKNOWN)


@pytest.mark.parametrize("body", ['""', "null", '"  "'])
def test_a_body_that_names_nothing(house: House, body: str) -> None:
    """400, and the product's sentence."""
    headers = {"content-type": "application/json"}
    assert_text(house.ask("DELETE", "/api/auth", content=body, headers=headers), 400, NOTHING)


def test_a_body_of_another_type_deletes_nothing(house: House) -> None:
    """And is told so."""
    key = house.key(house.account())
    answer = house.ask("DELETE", "/api/auth", content=f'"{key}"', headers={"content-type": "text/plain"})
    assert_problem(answer, 415)
    assert house.is_good(key)


# --- ended by a new password ----------------------------------------------------------------------------


def test_a_new_password_keeps_keys_where_that_is_asked_for(house: House) -> None:
    """`RevokeAPIKeys` false leaves all of them good; true, or nothing said, none (§1.4)."""
    path = f"{CURRENT}/ChangePassword"
    account = house.account()
    key, other = house.key(account), house.key(account, "other")
    kept = {"Password": NEW_PASSWORD, "RevokeAPIKeys": False}
    assert_empty(house.ask("POST", path, key, json=kept))
    assert house.is_good(key)
    assert house.is_good(other)
    assert house.key_of(account.username, NEW_PASSWORD, "other") == other
    assert_empty(house.ask("POST", path, key, json={"password": PASSWORD}))
    assert house.keys(account) == 0


def test_a_new_password_leaves_other_dialects_signed_in(house: House) -> None:
    """Only Shoko's keys end, since nobody asked to be signed out elsewhere; the old password is wrong everywhere."""
    account = house.account()
    house.key(account, dialect="immich")
    assert_empty(house.ask("POST", "/api/auth/ChangePassword", house.key(account), json=NEW_PASSWORD))
    assert len(do(house.core, sessions.owned, account.number, "immich")) == 1
    assert house.keys(account) == 0


def test_a_password_is_trimmed_where_it_is_set(house: House) -> None:
    """By either call, as where it is typed: outer blanks are no part of it (§1.1, §1.3)."""
    account = house.account()
    asked = (
        ("/api/auth/ChangePassword", f"  {NEW_PASSWORD} "),
        (f"{CURRENT}/ChangePassword", {"Password": f" {PASSWORD}\t"}),
    )
    for (path, body), password in zip(asked, (NEW_PASSWORD, PASSWORD), strict=True):
        assert_empty(house.ask("POST", path, house.key(account), json=body))
        assert house.log_in(account.username, password).status_code == 200
        assert house.log_in(account.username, f" {password} ").status_code == 200


def test_a_number_is_a_password_too(house: House) -> None:
    """Json.NET makes text of plain values (§1.3)."""
    account = house.account()
    assert_empty(house.ask("POST", "/api/auth/ChangePassword", house.key(account), json=738201946))
    answer = house.ask(
        "POST", "/api/auth", json={"USER": account.username, "Pass": 738201946, "device": True, "more": [{}]}
    )
    assert GUID.fullmatch(answer.json()["apikey"])
    devices = house.ask("GET", "/api/auth", answer.json()["apikey"]).json()
    assert [device["Device"] for device in devices] == ["true"]


def test_the_secret_is_in_no_row(own: House) -> None:
    """A key that is shown again is stored as its digest and under seal."""
    own.account(username="Default")
    key = own.key_of("Default").encode()
    folder = own.core.database.file.parent
    assert not any(key in file.read_bytes() for file in folder.iterdir() if file.is_file())
    assert own.key_of("Default").encode() == key
