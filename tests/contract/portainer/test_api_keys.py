"""/users/{id}/tokens: API keys are made by proving the password, shown once, and do what their owner may (§2.3)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from tests.contract.portainer.speech import (
    BAD_TOKEN,
    HERE,
    INVALID,
    NO_USER,
    WRONG_PASSWORD,
    House,
    assert_empty,
    assert_refused,
    assert_says,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do

from dragoman.core import api_keys, sweep
from dragoman.core.accounts import Account

NOT_YOURS = "Unauthorized"


def make(house: House, account: Account, **body: Any) -> Any:
    """The answer to the making of a key."""
    asked = {"description": "backup", "password": PASSWORD, **body}
    return house.ask("POST", f"/users/{account.number}/tokens", house.token(account), json=asked)


def test_a_key_is_shown_once(house: House) -> None:
    """`ptr_` and 32 bytes in base64; its digest is SHA-256 of all of it, its prefix the first seven characters."""
    account = house.account()
    response = make(house, account)
    raw = response.json()["rawAPIKey"]
    assert len(base64.b64decode(raw.removeprefix("ptr_"), validate=True)) == 32
    key = {
        "id": response.json()["apiKey"]["id"],
        "userId": account.number,
        "description": "backup",
        "prefix": raw[:7],
        "dateCreated": int(house.clock.now.timestamp()),
        "lastUsed": 0,
    }
    digest = base64.b64encode(hashlib.sha256(raw.encode()).digest()).decode()
    assert_says(response, 201, {"rawAPIKey": raw, "apiKey": {**key, "digest": digest}})
    listed = house.ask("GET", f"/users/{account.number}/tokens", house.token(account))
    assert_says(listed, 200, [key])


def test_a_key_is_its_owner(house: House) -> None:
    """A key answers as whose it is, with the role of now, and lives on after a change of password (§2.3, §2.8)."""
    account = house.account()
    raw = make(house, account).json()["rawAPIKey"]
    by_key = {"x-api-key": raw}
    assert house.ask("GET", "/users/me", headers=by_key).json()["Id"] == account.number
    changed = {"password": PASSWORD, "newPassword": NEW_PASSWORD}
    path = f"/users/{account.number}/passwd"
    assert_empty(house.ask("PUT", path, house.token(account), json=changed), 204)
    assert house.ask("GET", "/users", headers=by_key).status_code == 403
    role = {"role": 1}
    house.ask("PUT", f"/users/{account.number}", house.token(house.admin()), json=role)
    assert house.ask("GET", "/users", headers=by_key).status_code == 200


def test_last_used_is_told_in_seconds(own: House) -> None:
    """A key that was used says when, to the minute (§2.3, apiKeyLookup)."""
    account = own.account()
    raw = make(own, account).json()["rawAPIKey"]
    own.clock.forward(hours=1)
    used = int(own.clock.now.timestamp())
    own.ask("GET", "/users/me", headers={"x-api-key": raw})
    sweep.write_last_seen(own.core, HERE)
    own.clock.forward(seconds=30)
    own.ask("GET", "/users/me", headers={"x-api-key": raw})
    sweep.write_last_seen(own.core, HERE)
    (listed,) = own.ask("GET", f"/users/{account.number}/tokens", own.token(account)).json()
    assert listed["lastUsed"] == used


DESCRIPTIONS = [
    ("", "Invalid description: cannot be empty"),
    (None, "Invalid description: cannot be empty"),
    ("  \t", "Invalid description: cannot contain only whitespaces"),
    ("x" * 128, "Invalid description: cannot be longer than 128 characters"),
    ("x" * 129, "Invalid description: cannot be longer than 128 characters"),
]


@pytest.mark.parametrize(("description", "details"), DESCRIPTIONS)
def test_a_description_is_asked_for(house: House, description: str | None, details: str) -> None:
    """Neither empty nor blank nor long: each has its sentence (§2.3, §5)."""
    assert_refused(make(house, house.account(), description=description), 400, INVALID, details)


def test_a_description_may_be_127_characters_long(house: House) -> None:
    """The longest one that is taken."""
    assert make(house, house.account(), description="ä" * 127).status_code == 201


def test_a_key_is_made_by_proving_the_password(house: House) -> None:
    """No password, a wrong one and the right one (§2.3)."""
    account = house.account()
    details = "Invalid password: cannot be empty"
    assert_refused(make(house, account, password=""), 400, INVALID, details)
    assert_refused(make(house, account, password="wrong-horse-7"), 403, *WRONG_PASSWORD)
    assert make(house, account).status_code == 201


def test_nobody_makes_a_key_for_another(house: House) -> None:
    """Not even an administrator (§5: admin for other, 403)."""
    account = house.account()
    body = {"description": "backup", "password": PASSWORD}
    path = f"/users/{account.number}/tokens"
    for caller in (house.admin(), house.account()):
        response = house.ask("POST", path, house.token(caller), json=body)
        assert_refused(response, 403, "Permission denied to create user access token", NOT_YOURS)


def test_a_key_makes_no_key(house: House) -> None:
    """Only who is signed in may: the exact body (§5)."""
    account = house.account()
    by_key = {"x-api-key": house.key(account)}
    body = {"description": "backup", "password": PASSWORD}
    response = house.ask("POST", f"/users/{account.number}/tokens", headers=by_key, json=body)
    assert_refused(response, 401, "Auth not supported", "Authentication required")


def test_who_sees_whose_keys(house: House) -> None:
    """One's own, also by a key; an administrator sees a standard user's, and no other administrator's (§2.3, §5)."""
    account, other, boss = house.account(), house.account(), house.account(is_admin=True)
    for each in (account, boss):
        house.key(each, "first")
        house.clock.forward(seconds=1)
        house.key(each, "second")
    path = f"/users/{account.number}/tokens"
    by_key = {"x-api-key": house.key(account, "third")}
    named = ["first", "second", "third"]
    assert [k["description"] for k in house.ask("GET", path, headers=by_key).json()] == named
    assert [k["description"] for k in house.ask("GET", path, house.token(house.admin())).json()] == named
    refusal = ("Permission denied to get user access tokens", NOT_YOURS)
    assert_refused(house.ask("GET", path, house.token(other)), 403, *refusal)
    of_boss = f"/users/{boss.number}/tokens"
    assert_refused(house.ask("GET", of_boss, house.token(house.admin())), 403, *refusal)
    assert_refused(house.ask("GET", "/users/999999/tokens", house.token(house.admin())), 404, *NO_USER)


def test_who_removes_whose_keys(house: House) -> None:
    """One's own, also by a key, and an administrator anybody's; another's is refused, one that is not is 404 (§5)."""
    account, other = house.account(), house.account()
    path = f"/users/{account.number}/tokens"

    def keys() -> list[int]:
        return [key["id"] for key in house.ask("GET", path, house.token(account)).json()]

    for name in ("own", "by key", "by admin", "last"):
        house.key(account, name)
    first, second, third, last = keys()  # before the one that is used is among them: they are of one instant
    by_key = {"x-api-key": house.key(account)}
    denied = house.ask("DELETE", f"{path}/{first}", headers={"x-api-key": house.key(other)})
    assert_refused(denied, 403, "Permission denied to remove api-key", NOT_YOURS)
    assert_empty(house.ask("DELETE", f"{path}/{first}", house.token(account)), 204)
    assert_empty(house.ask("DELETE", f"{path}/{second}", headers=by_key), 204)
    assert_empty(house.ask("DELETE", f"{path}/{third}", house.token(house.admin())), 204)
    gone = house.ask("DELETE", f"{path}/{third}", house.token(account))
    assert_refused(gone, 404, "API Key not found", "Object not found inside the database")
    assert last in keys()
    assert len(keys()) == 2


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/users/me2/tokens/1", "Invalid user identifier route variable"),
        ("/users/1/tokens/x", "Invalid api-key identifier route variable"),
        ("/users/1/tokens/99999999999999999999", "Invalid api-key identifier route variable"),
    ],
)
def test_a_path_that_names_nobody(house: House, path: str, message: str) -> None:
    """What is no number is refused before it is looked up."""
    assert_refused(house.ask("DELETE", path, house.token(house.admin())), 400, message)


def test_a_users_keys_go_with_them(house: House) -> None:
    """Deleting a user removes their keys, which are then like any that never was (§5)."""
    account = house.account()
    by_key = {"x-api-key": house.key(account)}
    assert_empty(house.ask("DELETE", f"/users/{account.number}", house.token(house.admin())), 204)
    assert_refused(house.ask("GET", "/users/me", headers=by_key), 401, *BAD_TOKEN)
    assert do(house.core, api_keys.owned, account.number) == []
