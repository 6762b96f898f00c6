"""The fifteen minutes of stronger trust that a PIN buys one session (contract §1.6, §2.2, §2.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.contract.immich.speech import (
    OTHER_PIN,
    PIN,
    SESSION_ONLY,
    House,
    Person,
    assert_refused,
    assert_says,
)
from tests.fakes import NEW_PASSWORD, PASSWORD


def iso(moment: datetime) -> str:
    """A moment as Immich prints it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def in_minutes(house: House, minutes: float) -> str:
    """So many minutes from now, as Immich prints it."""
    return iso(house.clock.now + timedelta(minutes=minutes))


def with_pin(house: House) -> Person:
    """Somebody who has a PIN, and is not elevated."""
    person = house.person()
    assert house.call("setup_pin_code", person.token, {"pinCode": PIN}).status_code == 201
    return person


def unlocked(house: House) -> Person:
    """Somebody who has just unlocked their session."""
    person = with_pin(house)
    assert house.call("unlock_auth_session", person.token, {"pinCode": PIN}).status_code == 200
    return person


def elevated(until: str | None, *, now: bool = True) -> dict[str, Any]:
    """The status of a session with a PIN, whose elevation ends or ended then."""
    status = {"pinCode": True, "password": True, "isElevated": now}
    return status if until is None else {**status, "pinExpiresAt": until}


def test_unlock_elevates_for_fifteen_minutes(houses: House) -> None:
    """After an unlock the session is elevated, and says until when (§1.10)."""
    person = unlocked(houses)
    until = in_minutes(houses, 15)
    assert_says(houses.call("get_auth_status", person.token), 200, elevated(until))


def test_setting_a_pin_up_does_not_elevate(houses: House) -> None:
    """Who has a PIN has yet to show it (§1.7)."""
    person = with_pin(houses)
    assert_says(houses.call("get_auth_status", person.token), 200, elevated(None, now=False))


def test_unlocking_again_begins_anew(houses: House) -> None:
    """A second unlock counts fifteen minutes from itself."""
    person = unlocked(houses)
    houses.clock.forward(minutes=4)
    houses.call("unlock_auth_session", person.token, {"pinCode": PIN})
    assert houses.status(person.token) == elevated(in_minutes(houses, 15))


def test_S_10_elevation_ends_with_its_time(houses: House) -> None:
    """A session left alone is elevated until the last moment and not in it; the date stays, past (§1.6)."""
    person = unlocked(houses)
    until = in_minutes(houses, 15)
    houses.clock.forward(minutes=15)
    assert_says(houses.call("get_auth_status", person.token), 200, elevated(until, now=False))
    houses.clock.forward(days=2)
    assert_says(houses.call("get_auth_status", person.token), 200, elevated(until, now=False))


def test_use_in_the_last_five_minutes_slides_the_end(houses: House) -> None:
    """A request with less than five minutes left moves the end to five minutes from it, and no other does (§2.3)."""
    person = unlocked(houses)
    until = in_minutes(houses, 15)
    houses.clock.forward(minutes=9, seconds=59)
    assert houses.status(person.token) == elevated(until)
    houses.clock.forward(seconds=3)
    assert houses.status(person.token) == elevated(in_minutes(houses, 5))
    houses.clock.forward(minutes=4, seconds=59)
    assert houses.status(person.token) == elevated(in_minutes(houses, 5))
    houses.clock.forward(minutes=5)
    assert houses.status(person.token)["isElevated"] is False


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("validate_access_token", None),
        ("get_my_user", None),
        ("get_my_preferences", None),
        ("update_my_user", {"name": "Ada"}),
        ("change_password", {}),
        ("change_password", {"password": PASSWORD, "newPassword": NEW_PASSWORD}),
        ("unlock_auth_session", {"pinCode": OTHER_PIN}),
        ("setup_pin_code", {"pinCode": PIN}),
    ],
)
def test_any_request_slides_the_end(houses: House, operation: str, body: Any) -> None:
    """Whatever is asked by an elevated session keeps it so, even what is refused (§2.3)."""
    person = unlocked(houses)
    houses.clock.forward(minutes=14, seconds=58)
    houses.call(operation, person.token, body)
    houses.clock.forward(seconds=2)  # past the old end
    assert houses.status(person.token) == elevated(in_minutes(houses, 5))


def test_use_after_the_end_does_not_bring_it_back(houses: House) -> None:
    """Sliding needs something to slide: what has ended stays ended (§2.3)."""
    person = unlocked(houses)
    until = in_minutes(houses, 15)
    houses.clock.forward(minutes=15, seconds=1)
    for _ in range(3):
        assert houses.status(person.token) == elevated(until, now=False)


def test_lock_ends_the_elevation_and_its_date(houses: House) -> None:
    """After a lock the session is as before the unlock: not elevated, no date; locking again is fine (§1.11)."""
    person = unlocked(houses)
    for _ in range(2):
        assert houses.call("lock_auth_session", person.token).status_code == 200
        assert_says(houses.call("get_auth_status", person.token), 200, elevated(None, now=False))


def test_S_10_another_session_is_not_elevated(houses: House) -> None:
    """The PIN is the account's, the elevation the session's alone; a lock is, too (§2.3)."""
    person = unlocked(houses)
    other = houses.token(person.account)
    assert houses.status(other) == elevated(None, now=False)
    assert houses.call("unlock_auth_session", other, {"pinCode": PIN}).status_code == 200
    assert houses.call("lock_auth_session", person.token).status_code == 200
    assert houses.status(other)["isElevated"] is True
    assert houses.status(person.token)["isElevated"] is False


def test_another_account_has_another_pin(houses: House) -> None:
    """Nobody's PIN unlocks somebody else's session."""
    ada, bob = with_pin(houses), houses.person()
    houses.call("setup_pin_code", bob.token, {"pinCode": OTHER_PIN})
    refused = houses.call("unlock_auth_session", bob.token, {"pinCode": PIN})
    assert_refused(refused, 400, "Wrong PIN code")
    assert houses.call("unlock_auth_session", ada.token, {"pinCode": PIN}).status_code == 200


@pytest.mark.parametrize("proof", [{"pinCode": PIN}, {"password": PASSWORD}])
def test_reset_locks_every_session(houses: House, proof: dict[str, str]) -> None:
    """A reset takes the PIN and with it every elevation of the account, dates and all; not other accounts' (§1.9)."""
    person, stranger = unlocked(houses), unlocked(houses)
    other = houses.token(person.account)
    houses.call("unlock_auth_session", other, {"pinCode": PIN})
    assert houses.call("reset_pin_code", person.token, proof).status_code == 200
    for token in (person.token, other):
        status = houses.call("get_auth_status", token)
        assert_says(status, 200, {"pinCode": False, "password": True, "isElevated": False})
    assert houses.status(stranger.token)["isElevated"] is True


@pytest.mark.parametrize("proof", [{"pinCode": PIN}, {"password": PASSWORD}])
def test_change_of_pin_leaves_elevations_alone(houses: House, proof: dict[str, str]) -> None:
    """A new PIN neither locks nor unlocks a session (§1.8)."""
    person = unlocked(houses)
    other = houses.token(person.account)
    before = houses.status(person.token)
    assert houses.call("change_pin_code", other, {"newPinCode": OTHER_PIN, **proof}).status_code == 200
    assert houses.status(person.token) == before
    assert houses.status(other)["isElevated"] is False


def test_change_of_password_leaves_elevations_alone(houses: House) -> None:
    """A new password does not lock a session, nor does it change the PIN (§2.3)."""
    person = unlocked(houses)
    before = houses.status(person.token)
    body = {"password": PASSWORD, "newPassword": NEW_PASSWORD}
    assert houses.call("change_password", person.token, body).status_code == 200
    assert houses.status(person.token) == before
    assert houses.call("unlock_auth_session", person.token, {"pinCode": PIN}).status_code == 200


def test_S_10_api_key_is_never_elevated(houses: House) -> None:
    """A key has no elevation, though every session of its account has one, and cannot get one (§2.3)."""
    person = unlocked(houses)
    _, key = houses.key(person.account, "all")
    by_key = {"x-api-key": key}
    for operation, body in (("unlock_auth_session", {"pinCode": PIN}), ("lock_auth_session", None)):
        assert_refused(houses.call(operation, body=body, headers=by_key), 400, SESSION_ONLY)
    status = houses.call("get_auth_status", headers=by_key)
    assert_says(status, 200, {"pinCode": True, "password": True, "isElevated": False})
    assert houses.status(person.token)["isElevated"] is True


def test_refused_unlock_changes_nothing(houses: House) -> None:
    """A wrong PIN neither elevates nor ends an elevation."""
    person = unlocked(houses)
    before = houses.status(person.token)
    refused = houses.call("unlock_auth_session", person.token, {"pinCode": OTHER_PIN})
    assert_refused(refused, 400, "Wrong PIN code")
    assert houses.status(person.token) == before
