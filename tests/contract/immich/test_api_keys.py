"""What an API key may do at 1.134, whatever its permissions, and what it may never do (contract §2.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.contract.immich.speech import (
    OTHER_PIN,
    PIN,
    SESSION_ONLY,
    House,
    assert_refused,
    assert_says,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do

from dragoman.core import accounts, api_keys
from dragoman.core.accounts import Account

PERMISSIONS = [("tag.read",), ("album.create", "tag.read"), ("all",)]
REFUSED = "Invalid API key"


def by(key: str) -> dict[str, str]:
    """The header that holds a key up."""
    return {"x-api-key": key}


@pytest.mark.parametrize("permissions", PERMISSIONS, ids="+".join)
@pytest.mark.parametrize(
    "operation",
    ["validate_access_token", "get_auth_status", "get_my_user", "get_my_preferences", "get_about_info"],
)
def test_any_key_reads(house: House, operation: str, permissions: tuple[str, ...]) -> None:
    """1.134 asks no permission of these: a key for something else entirely will do."""
    _, key = house.key(house.account(), *permissions)
    assert house.call(operation, headers=by(key)).status_code == 200


def test_key_answers_for_its_account(houses: House) -> None:
    """A key is its owner: validateToken says true, and users/me is the owner."""
    account = houses.account()
    _, key = houses.key(account)
    assert_says(houses.call("validate_access_token", headers=by(key)), 200, {"authStatus": True})
    assert houses.call("get_my_user", headers=by(key)).json()["id"] == str(account.id)


@pytest.mark.parametrize("permissions", PERMISSIONS, ids="+".join)
@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("change_password", {"password": PASSWORD, "newPassword": NEW_PASSWORD}),
        ("change_password", {"password": "some-other-4-passphrase", "newPassword": NEW_PASSWORD}),
        ("setup_pin_code", {"pinCode": OTHER_PIN}),
        ("change_pin_code", {"pinCode": PIN, "newPinCode": OTHER_PIN}),
        ("change_pin_code", {"password": PASSWORD, "newPinCode": OTHER_PIN}),
        ("change_pin_code", {"newPinCode": OTHER_PIN}),
        ("reset_pin_code", {"password": PASSWORD}),
        ("reset_pin_code", {"pinCode": PIN}),
        ("reset_pin_code", {}),
        ("unlock_auth_session", {"pinCode": PIN}),
        ("unlock_auth_session", {}),
        ("lock_auth_session", None),
        ("update_my_user", {"email": "taken-over@example.com"}),
        ("update_my_user", {"password": NEW_PASSWORD}),
        ("update_my_user", {"password": NEW_PASSWORD, "name": "Ada"}),
    ],
)
@pytest.mark.parametrize("has_pin", [True, False])
def test_key_never_changes_what_proves_its_owner(
    house: House, operation: str, body: Any, has_pin: bool, permissions: tuple[str, ...]
) -> None:
    """Password, PIN, e-mail address and elevation are for sessions alone, whatever the key knows or may."""
    person = house.person(must_change_password=True)
    if has_pin:
        house.call("setup_pin_code", person.token, {"pinCode": PIN})
    before = house.call("get_my_user", person.token).text, house.status(person.token)
    _, key = house.key(person.account, *permissions)
    assert_refused(house.call(operation, body=body, headers=by(key)), 400, SESSION_ONLY)
    assert (house.call("get_my_user", person.token).text, house.status(person.token)) == before
    assert house.log_in(person.email).status_code == 201


def test_key_is_not_asked_for_a_proof(house: House) -> None:
    """A key cannot be used to guess: its wrong passwords and PINs are not even counted."""
    person = house.person()
    house.call("setup_pin_code", person.token, {"pinCode": PIN})
    _, key = house.key(person.account)
    for _ in range(25):
        body = {"password": "some-other-4-passphrase", "newPassword": NEW_PASSWORD}
        assert_refused(house.call("change_password", body=body, headers=by(key)), 400, SESSION_ONLY)
        refused = house.call("unlock_auth_session", body={"pinCode": OTHER_PIN}, headers=by(key))
        assert_refused(refused, 400, SESSION_ONLY)
    assert house.log_in(person.email).status_code == 201
    assert house.call("unlock_auth_session", person.token, {"pinCode": PIN}).status_code == 200


def test_key_changes_name_and_colour(houses: House) -> None:
    """What does not let anybody in, a key may change."""
    person = houses.person()
    _, key = houses.key(person.account)
    response = houses.call("update_my_user", body={"name": "Ada", "avatarColor": "red"}, headers=by(key))
    assert (response.status_code, response.json()["name"], response.json()["avatarColor"]) == (
        200,
        "Ada",
        "red",
    )


def test_logout_by_key_deletes_nothing(houses: House) -> None:
    """A log-out with a key answers as any, and afterwards key and sessions are as good as before (§1.5)."""
    person = houses.person()
    _, key = houses.key(person.account)
    for _ in range(2):
        response = houses.call("logout", headers=by(key))
        assert_says(response, 200, {"successful": True, "redirectUri": "/auth/login?autoLaunch=0"})
    assert houses.call("validate_access_token", headers=by(key)).status_code == 200
    assert houses.call("validate_access_token", person.token).status_code == 200


def test_status_of_a_key_has_no_dates(houses: House) -> None:
    """A key's status tells of its account, and never of an elevation (§1.6)."""
    person = houses.person(password=None)
    _, key = houses.key(person.account, "all")
    said = {"pinCode": False, "password": False, "isElevated": False}
    assert_says(houses.call("get_auth_status", headers=by(key)), 200, said)


def test_key_ends_at_its_expiry(owns: House) -> None:
    """A key with an expiry is good until it, and no longer; one without is good for years."""
    account = owns.account()
    _, ending = owns.key(account, expires_at=owns.clock.now + timedelta(hours=1))
    _, lasting = owns.key(account)
    owns.clock.forward(hours=1, microseconds=-1)
    assert owns.call("get_my_user", headers=by(ending)).status_code == 200
    owns.clock.forward(microseconds=1)
    assert_refused(owns.call("get_my_user", headers=by(ending)), 401, REFUSED)
    owns.clock.forward(days=3650)
    assert owns.call("get_my_user", headers=by(lasting)).status_code == 200


def test_revoked_key_is_refused(houses: House) -> None:
    """A revoked key is one that nobody has, and the owner's others stay good."""
    account = houses.account()
    first, revoked = houses.key(account)
    _, other = houses.key(account)
    do(houses.core, api_keys.revoke, first.id)
    assert_refused(houses.call("get_my_user", headers=by(revoked)), 401, REFUSED)
    assert houses.call("get_my_user", headers=by(other)).status_code == 200


@pytest.mark.parametrize("end", [accounts.disable, accounts.delete_softly, accounts.purge])
def test_key_does_not_outlive_its_account(houses: House, end: Any) -> None:
    """The key of an account that is disabled or deleted is refused like one that never was (§0.5)."""
    account = houses.account()
    _, key = houses.key(account, "all")
    do(houses.core, end, account.number)
    assert_refused(houses.call("get_my_user", headers=by(key)), 401, REFUSED)


@pytest.mark.parametrize(
    ("end", "undo"), [(accounts.disable, accounts.enable), (accounts.delete_softly, accounts.restore)]
)
def test_key_returns_with_its_account(houses: House, end: Any, undo: Any) -> None:
    """Enabling or restoring an account gives its keys back."""
    account: Account = houses.account()
    _, key = houses.key(account)
    do(houses.core, end, account.number)
    do(houses.core, undo, account.number)
    assert houses.call("get_my_user", headers=by(key)).status_code == 200


def test_key_stands_in_the_query_too(houses: House) -> None:
    """`?apiKey=` is as good as the header, for what changes something, too (§0.5)."""
    person = houses.person()
    _, key = houses.key(person.account)
    assert houses.ask("POST", f"/auth/validateToken?apiKey={key}").status_code == 200
    changed = houses.ask("PUT", f"/users/me?apiKey={key}", json={"name": "Ada"})
    assert changed.json()["name"] == "Ada"
