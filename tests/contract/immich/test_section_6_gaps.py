"""What the product's own tests leave out (contract §6, "Gaps"), at each release.

| gap | tests here |
| --- | --- |
| 1 unlock and lock | `test_unlock_and_lock`, `test_unlock_is_refused` |
| 2 values of /auth/status | `test_status_says_what_is_so` |
| 3 refused change and reset of a PIN | `test_pin_stays_without_a_proof` |
| 4 elevation ends, and slides | `test_elevation_ends`, `test_elevation_slides` |
| 5 an API key on each /auth route | `test_key_on_each_route` |
| 6, 7 `x-immich-session-token`, `?sessionKey=` | `test_session_is_taken_where_clients_put_it` |
| 8 precedence of credentials | `test_first_credential_counts` |
| 9 attributes of cleared cookies | `test_cookies_are_cleared_bare` |
| 10 effect of invalidateSessions | `test_a_new_password_…` in `test_releases.py` |
| 11 log-out with an API key | `test_logout_with_a_key` |
| 12 soft-deleted users | `test_deleted_users_are_nobody` |
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.contract.immich.speech import OTHER_PIN, PIN, PROTECTED, SESSION_ONLY, House, Person
from tests.contract.immich.spoken import by, message, succeeded
from tests.fakes import NEW_PASSWORD, PASSWORD

from dragoman.dialects.immich.wire import iso

NO_PIN = "User does not have a PIN code"
NO_PROOF = "Either password or pinCode is required"
BAD_TOKEN = "Invalid user token"
CLEARED = [
    f"{name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    for name in ("immich_access_token", "immich_auth_type", "immich_is_authenticated")
]
# What a key needs since 1.137 and 1.142 (§2.4); before, any key will do for all of it.
NEEDED: Mapping[str, str | None] = {
    "validate_access_token": None,
    "change_password": "auth.changePassword",
    "logout": "all",
    "get_auth_status": "all",
    "setup_pin_code": "pinCode.create",
    "change_pin_code": "pinCode.update",
    "reset_pin_code": "pinCode.delete",
    "unlock_auth_session": "all",
    "lock_auth_session": "all",
}
BODIES: Mapping[str, Mapping[str, str]] = {
    "change_password": {"password": PASSWORD, "newPassword": NEW_PASSWORD},
    "setup_pin_code": {"pinCode": PIN},
    "change_pin_code": {"password": PASSWORD, "newPinCode": PIN},
    "reset_pin_code": {"password": PASSWORD},
    "unlock_auth_session": {"pinCode": PIN},
}
FOR_KEYS = ("validate_access_token", "logout", "get_auth_status")


def with_pin(house: House, *, unlocked: bool = False) -> Person:
    """Somebody with a PIN, whose session may be elevated."""
    person = house.person()
    succeeded(house.call("setup_pin_code", person.token, {"pinCode": PIN}), 201, 204)
    if unlocked:
        unlock(house, person.token)
    return person


def unlock(house: House, token: str) -> None:
    """Elevate a session."""
    succeeded(house.call("unlock_auth_session", token, {"pinCode": PIN}), 200, 204)


def status(*, pin: bool = True, until: str | None = None, now: bool = False) -> dict[str, Any]:
    """What /auth/status says of an account with a password."""
    said = {"pinCode": pin, "password": True, "isElevated": now}
    return said if until is None else {**said, "pinExpiresAt": until}


def in_minutes(house: House, minutes: float) -> str:
    """So many minutes from now, as Immich prints it."""
    return iso(house.clock.now + timedelta(minutes=minutes))


def test_unlock_and_lock(spoken: tuple[str, House]) -> None:
    """An unlock elevates the session that asks for fifteen minutes, a lock takes it back (gap 1)."""
    _, house = spoken
    person = with_pin(house, unlocked=True)
    other = house.token(person.account)
    assert house.status(person.token) == status(until=in_minutes(house, 15), now=True)
    assert house.status(other) == status()
    for _ in range(2):
        assert succeeded(house.call("lock_auth_session", person.token), 200, 204) is None
        assert house.status(person.token) == status()


@pytest.mark.parametrize(
    ("has_pin", "body", "said"),
    [
        (False, {"pinCode": PIN}, NO_PIN),
        (False, {}, NO_PIN),
        (True, {}, NO_PROOF),
        (True, {"password": PASSWORD}, NO_PROOF),
        (True, {"pinCode": OTHER_PIN}, "Wrong PIN code"),
        (True, {"pinCode": OTHER_PIN, "password": PASSWORD}, "Wrong PIN code"),
    ],
)
def test_unlock_is_refused(spoken: tuple[str, House], has_pin: bool, body: dict[str, str], said: str) -> None:
    """Without a PIN, without showing it, and by a wrong one, whatever the password (gap 1)."""
    _, house = spoken
    person = with_pin(house) if has_pin else house.person()
    assert message(house.call("unlock_auth_session", person.token, body), 400) == said
    assert house.status(person.token) == status(pin=has_pin)


def test_status_says_what_is_so(spoken: tuple[str, House]) -> None:
    """PIN, password and elevation are there or not, and dates are left out where there are none (gap 2)."""
    _, house = spoken
    person = house.person()
    assert house.status(person.token) == status(pin=False)
    assert house.status(house.person(password=None).token) == {**status(pin=False), "password": False}
    child = house.ask("POST", "/sessions", person.token, json={"duration": 600})
    token = succeeded(child, 201)["token"]
    assert house.status(token) == {**status(pin=False), "expiresAt": in_minutes(house, 10)}
    house.call("setup_pin_code", person.token, {"pinCode": PIN})
    unlock(house, token)
    dates = {"expiresAt": in_minutes(house, 10), "pinExpiresAt": in_minutes(house, 15)}
    assert house.status(token) == {**status(now=True), **dates}


@pytest.mark.parametrize("operation", ["change_pin_code", "reset_pin_code"])
@pytest.mark.parametrize(
    ("has_pin", "proof", "said"),
    [
        (False, {"pinCode": PIN, "password": PASSWORD}, NO_PIN),
        (True, {}, NO_PROOF),
        (True, {"pinCode": OTHER_PIN}, "Wrong PIN code"),
        (True, {"password": "wrong-password"}, "Wrong password"),
        (True, {"pinCode": PIN, "password": "wrong-password"}, "Wrong password"),
    ],
)
def test_pin_stays_without_a_proof(
    spoken: tuple[str, House], operation: str, has_pin: bool, proof: dict[str, str], said: str
) -> None:
    """First there must be a PIN; then the password decides if it is given, else the PIN (gap 3)."""
    _, house = spoken
    person = with_pin(house, unlocked=True) if has_pin else house.person()
    before = house.status(person.token)
    body = {**proof, "newPinCode": OTHER_PIN} if operation == "change_pin_code" else proof
    assert message(house.call(operation, person.token, body), 400) == said
    assert house.status(person.token) == before


def test_elevation_ends(spoken: tuple[str, House]) -> None:
    """After fifteen minutes without a request it is over, and its date stays (gap 4)."""
    _, house = spoken
    person = with_pin(house, unlocked=True)
    until = in_minutes(house, 15)
    house.clock.forward(minutes=15)
    assert house.status(person.token) == status(until=until)


def test_elevation_slides(spoken: tuple[str, House]) -> None:
    """Any request with less than five minutes left moves its end to five minutes from then (gap 4)."""
    _, house = spoken
    person = with_pin(house, unlocked=True)
    until = in_minutes(house, 15)
    house.clock.forward(minutes=10)
    assert house.status(person.token) == status(until=until, now=True)
    for _ in range(3):
        house.clock.forward(minutes=4, seconds=30)
        assert house.call("get_my_user", person.token).status_code == 200
        assert house.status(person.token) == status(until=in_minutes(house, 5), now=True)


@pytest.mark.parametrize("operation", PROTECTED)
def test_key_on_each_route(spoken: tuple[str, House], operation: str) -> None:
    """What a key needs is the release's to say; and whatever it may, password, PIN and lock are not for it (gap 5)."""
    release, house = spoken
    person = with_pin(house)
    needed = None if release == "1.134" else NEEDED[operation]
    rich = by(house.key(person.account, needed or "tag.read")[1])
    answer = house.call(operation, body=BODIES.get(operation), headers=rich)
    if operation in FOR_KEYS:
        succeeded(answer, 200)
    else:
        assert message(answer, 400) == SESSION_ONLY
    poor = by(house.key(person.account, "tag.read")[1])
    if needed is not None:
        refused = house.call(operation, body=BODIES.get(operation), headers=poor)
        assert message(refused, 403) == f"Missing required permission: {needed}"
    assert house.status(person.token) == status()
    succeeded(house.log_in(person.email), 201)


@pytest.mark.parametrize(
    "place",
    ["x-immich-session-token", "x-immich-user-token", "sessionKey"],
)
def test_session_is_taken_where_clients_put_it(spoken: tuple[str, House], place: str) -> None:
    """The header of the API, that of the apps, and the query of widgets each hold a session up (gaps 6 and 7)."""
    _, house = spoken
    person = house.person()
    for token, told in (
        (person.token, None),
        ("nobodys", BAD_TOKEN),
        (house.key(person.account)[1], BAD_TOKEN),
    ):
        held: dict[str, Any] = {"params" if place == "sessionKey" else "headers": {place: token}}
        answer = house.call("validate_access_token", **held)
        if told is None:
            assert succeeded(answer, 200) == {"authStatus": True}
        else:
            assert message(answer, 401) == told


def test_first_credential_counts(spoken: tuple[str, House]) -> None:
    """Of two credentials the one that is looked at first decides, and a bad one is not made up for (gap 8)."""
    _, house = spoken
    person = house.person()
    key = house.key(person.account, "all")[1]
    in_order: list[tuple[str, str, str, str]] = [
        ("headers", "x-immich-user-token", "{}", person.token),
        ("headers", "x-immich-session-token", "{}", person.token),
        ("params", "sessionKey", "{}", person.token),
        ("headers", "authorization", "Bearer {}", person.token),
        ("headers", "cookie", "immich_access_token={}", person.token),
        ("headers", "x-api-key", "{}", key),
        ("params", "apiKey", "{}", key),
    ]
    for first, second in itertools.combinations(in_order, 2):
        for good in (first, second):
            held: dict[str, Any] = {"headers": {}, "params": {}}
            for one in (first, second):
                place, name, form, secret = one
                held[place][name] = form.format(secret if one is good else "nobodys")
            answer = house.call("validate_access_token", **held)
            assert answer.status_code == (200 if good is first else 401), (first[1], second[1])


@pytest.mark.parametrize("place", ["bearer", "cookie", "key"])
def test_cookies_are_cleared_bare(spoken: tuple[str, House], place: str) -> None:
    """A log-out takes the three cookies back with a path and a past date, and nothing else (gap 9)."""
    _, house = spoken
    person = house.person()
    headers = {
        "bearer": {"authorization": f"Bearer {person.token}"},
        "cookie": {"cookie": f"immich_access_token={person.token}"},
        "key": by(house.key(person.account, "all")[1]),
    }[place]
    answer = house.call("logout", headers=headers)
    succeeded(answer, 200)
    assert answer.headers.get_list("set-cookie") == CLEARED


def test_logout_with_a_key(spoken: tuple[str, House]) -> None:
    """The answer is a session's, and neither the key nor any session ends (gap 11)."""
    _, house = spoken
    person = house.person()
    key = by(house.key(person.account, "all")[1])
    for _ in range(2):
        said = succeeded(house.call("logout", headers=key), 200)
        assert said == {"successful": True, "redirectUri": "/auth/login?autoLaunch=0"}
    succeeded(house.call("validate_access_token", headers=key), 200)
    succeeded(house.call("validate_access_token", person.token), 200)


def test_deleted_users_are_nobody(spoken: tuple[str, House]) -> None:
    """Neither password, nor session, nor key of a deleted user is good, and all are again when it is restored (gap 12)."""
    _, house = spoken
    boss, person = house.person(is_admin=True), house.person()
    key = by(house.key(person.account, "all")[1])
    path = f"/admin/users/{person.account.id}"
    succeeded(house.ask("DELETE", path, boss.token, json={}), 200)
    assert message(house.log_in(person.email), 401) == "Incorrect email or password"
    assert message(house.call("validate_access_token", person.token), 401) == BAD_TOKEN
    assert message(house.call("validate_access_token", headers=key), 401) == "Invalid API key"
    listed = succeeded(house.ask("GET", "/users", boss.token), 200)
    assert str(person.account.id) not in {user["id"] for user in listed}
    succeeded(house.ask("POST", f"{path}/restore", boss.token), 200)
    succeeded(house.call("validate_access_token", person.token), 200)
    succeeded(house.call("validate_access_token", headers=key), 200)
    succeeded(house.log_in(person.email), 201)
