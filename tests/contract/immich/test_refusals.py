"""What Immich's handlers refuse, once the caller and the body are good: one text each, in the order of checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.contract.immich.speech import (
    OTHER_PIN,
    PIN,
    SIGN_UP,
    House,
    assert_refused,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do

from dragoman.core import accounts

WRONG = "some-other-4-passphrase"
NO_PIN = "User does not have a PIN code"
WRONG_PASSWORD = "Wrong password"
WRONG_PIN = "Wrong PIN code"
NEITHER = "Either password or pinCode is required"


def test_second_administrator_is_refused(houses: House) -> None:
    """Once there is an administrator, the sign-up says so, whoever asks and with what (§1.2, §2.6)."""
    for sign_up in (SIGN_UP, {**SIGN_UP, "email": "second@example.com"}):
        assert_refused(houses.call("sign_up_admin", body=sign_up), 400, "The server already has an admin")


@pytest.mark.parametrize("old", [WRONG, PASSWORD.upper(), f"{PASSWORD} ", f" {PASSWORD}", NEW_PASSWORD])
def test_change_password_proves_the_old_one(houses: House, old: str) -> None:
    """A wrong old password is 400, not 401, and the password stays what it was (§1.4)."""
    person = houses.person()
    refused = houses.call("change_password", person.token, {"password": old, "newPassword": NEW_PASSWORD})
    assert_refused(refused, 400, WRONG_PASSWORD)
    assert houses.log_in(person.email).status_code == 201


def test_change_password_needs_a_password_to_change(houses: House) -> None:
    """An account without a password cannot change it: every old one is wrong (§1.4)."""
    person = houses.person(password=None)
    asked = {"password": PASSWORD, "newPassword": NEW_PASSWORD}
    assert_refused(houses.call("change_password", person.token, asked), 400, WRONG_PASSWORD)


def test_pin_is_set_up_once(houses: House) -> None:
    """Setting up a PIN where there is one is refused, whatever the PIN, and from every session (§1.7)."""
    person = houses.person()
    other_session = houses.token(person.account)
    assert houses.call("setup_pin_code", person.token, {"pinCode": PIN}).status_code == 201
    for token in (person.token, other_session):
        for pin in (PIN, OTHER_PIN):
            refused = houses.call("setup_pin_code", token, {"pinCode": pin})
            assert_refused(refused, 400, "User already has a PIN code")


@pytest.mark.parametrize(
    ("has_pin", "proof", "message"),
    [
        (False, {}, NO_PIN),
        (False, {"password": PASSWORD}, NO_PIN),
        (False, {"password": WRONG}, NO_PIN),
        (False, {"pinCode": PIN}, NO_PIN),
        (True, {}, NEITHER),
        (True, {"password": WRONG}, WRONG_PASSWORD),
        (True, {"pinCode": OTHER_PIN}, WRONG_PIN),
        # The password wins; the PIN is not looked at then.
        (True, {"password": WRONG, "pinCode": PIN}, WRONG_PASSWORD),
        (True, {"password": WRONG, "pinCode": OTHER_PIN}, WRONG_PASSWORD),
    ],
)
@pytest.mark.parametrize("operation", ["change_pin_code", "reset_pin_code"])
def test_change_and_reset_of_a_pin_prove_password_or_pin(
    houses: House, operation: str, has_pin: bool, proof: dict[str, str], message: str
) -> None:
    """First there must be a PIN, then the password decides if given, else the PIN, else neither was (§1.8, §1.9)."""
    person = houses.person()
    if has_pin:
        houses.call("setup_pin_code", person.token, {"pinCode": PIN})
    body = {**proof, **({"newPinCode": OTHER_PIN} if operation == "change_pin_code" else {})}
    assert_refused(houses.call(operation, person.token, body), 400, message)
    assert houses.status(person.token)["pinCode"] is has_pin
    if has_pin:
        assert houses.call("unlock_auth_session", person.token, {"pinCode": PIN}).status_code == 200


@pytest.mark.parametrize("operation", ["change_pin_code", "reset_pin_code"])
@pytest.mark.parametrize("proof", [{"password": PASSWORD, "pinCode": OTHER_PIN}, {"password": PASSWORD}])
def test_right_password_makes_up_for_a_wrong_pin(
    houses: House, operation: str, proof: dict[str, str]
) -> None:
    """With the right password nobody looks at the PIN that came with it (§1.8, §1.9)."""
    person = houses.person()
    houses.call("setup_pin_code", person.token, {"pinCode": PIN})
    assert houses.call(operation, person.token, {"newPinCode": OTHER_PIN, **proof}).status_code == 200


@pytest.mark.parametrize(
    ("has_pin", "body", "message"),
    [
        (False, {}, NO_PIN),
        (False, {"pinCode": PIN}, NO_PIN),
        (False, {"password": PASSWORD}, NO_PIN),
        (True, {}, NEITHER),
        (True, None, NEITHER),
        # The password is judged as a field, and then ignored.
        (True, {"password": PASSWORD}, NEITHER),
        (True, {"pinCode": OTHER_PIN}, WRONG_PIN),
        (True, {"pinCode": OTHER_PIN, "password": PASSWORD}, WRONG_PIN),
    ],
)
def test_unlock_needs_the_pin(houses: House, has_pin: bool, body: Any, message: str) -> None:
    """Only the PIN unlocks a session: the right password does not, nor does it help a wrong PIN (§1.10)."""
    person = houses.person()
    if has_pin:
        houses.call("setup_pin_code", person.token, {"pinCode": PIN})
    assert_refused(houses.call("unlock_auth_session", person.token, body), 400, message)
    assert houses.status(person.token)["isElevated"] is False


def test_wrong_password_beside_the_right_pin_unlocks(houses: House) -> None:
    """An unlock ignores the password, even a wrong one (§1.10)."""
    person = houses.person()
    houses.call("setup_pin_code", person.token, {"pinCode": PIN})
    body = {"pinCode": PIN, "password": WRONG}
    assert houses.call("unlock_auth_session", person.token, body).status_code == 200


def test_password_login_can_be_turned_off(own: House) -> None:
    """With log-in by password turned off every attempt says so, before anybody is looked up (§1.1)."""
    person = own.person()
    own.core.rules = replace(own.core.rules, password_login=False)
    for email, password in ((person.email, PASSWORD), (person.email, WRONG), ("nobody@example.com", WRONG)):
        assert_refused(own.log_in(email, password), 401, "Password login has been disabled")
    assert own.call("get_auth_status", person.token).status_code == 200
    assert own.ask("GET", "/server/features").json()["passwordLogin"] is False


def test_second_logout_is_refused_and_clears_nothing(houses: House) -> None:
    """A token that has signed out is a bad token, and who holds it up keeps their cookies (§1.5)."""
    person = houses.person()
    assert houses.call("logout", person.token).status_code == 200
    refused = houses.call("logout", person.token)
    assert_refused(refused, 401, "Invalid user token")
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("end", [accounts.disable, accounts.delete_softly, accounts.purge])
def test_session_does_not_outlive_its_account(houses: House, end: Any) -> None:
    """The session of an account that is disabled or deleted is refused like one that never was (§0.5)."""
    person = houses.person()
    do(houses.core, end, person.number)
    assert_refused(houses.call("validate_access_token", person.token), 401, "Invalid user token")
