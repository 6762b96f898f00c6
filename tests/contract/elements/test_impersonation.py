"""Acting as somebody else over HTTP: who may, what a session's key is meanwhile, and what is on record (contract §4)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.elements.speech import (
    BAD_TOKEN,
    FORBIDDEN,
    NO_CREDENTIALS,
    House,
    Page,
    assert_refused,
    assert_void,
)
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.people import rows

from dragoman.core.accounts import Account
from dragoman.core.audit import audit_log
from dragoman.dialects.elements.credentials import CSRF_COOKIE

START, STOP, ME = "/api/2/auth/impersonation", "/api/2/auth/impersonation/stop", "/api/2/users/me"
MEANWHILE = "This cannot be changed while you act as another user."
NOT_ACTING = "You do not act as another user."


@pytest.fixture(scope="module")
def bob(house: House) -> Account:
    """Somebody to act as."""
    return house.account(username="bob")


def begun(house: House, admin: Account, user: Account) -> str:
    """The key of an administrator's session that acts as a user."""
    key = house.token(admin)
    assert_void(house.ask("POST", START, key, json={"user": user.number}))
    return key


def name_of(house: House, key: str) -> str:
    """Who the holder of a key is."""
    return str(house.ask("GET", ME, key).json()["username"])


def test_an_administrator_is_the_user_until_they_stop(house: House, admin: Account, bob: Account) -> None:
    """The session's key is the user's from the start on, as cookie and as bearer, and the administrator's after."""
    key, other = begun(house, admin, bob), house.token(admin)
    assert (name_of(house, key), name_of(house, other)) == ("bob", "admin")
    assert house.ask("GET", ME, headers={"cookie": f"sessionid={key}"}).json()["username"] == "bob"
    assert_refused(house.ask("POST", START, key, json={"user": admin.number}), 403, FORBIDDEN)
    assert_void(house.ask("POST", STOP, key))
    assert name_of(house, key) == "admin"
    assert_refused(house.ask("POST", STOP, key), 400, NOT_ACTING)


def test_the_permission_is_enough(house: House, bob: Account) -> None:
    """Who has system:admin-access acts as others, and nobody without; strangers are not signed in."""
    able = house.token(house.account(may=("system:admin-access",)))
    assert_void(house.ask("POST", START, able, json={"user": bob.number}))
    manager = house.token(house.account(may=("users:manage",)))
    assert_refused(house.ask("POST", START, manager, json={"user": bob.number}), 403, FORBIDDEN)
    assert_refused(house.ask("POST", START, json={"user": bob.number}), 401, NO_CREDENTIALS)


@pytest.mark.parametrize(
    ("body", "complaints"),
    [
        ({}, {"user": ["This field is required."]}),
        ({"user": None}, {"user": ["This field may not be null."]}),
        ({"user": "bob"}, {"user": ["A valid integer is required."]}),
        ({"user": 9999}, {"user": ['Invalid pk "9999" - object does not exist.']}),
    ],
)
def test_what_names_nobody_is_refused(
    house: House, admin: Account, body: Any, complaints: dict[str, list[str]]
) -> None:
    """A user that is missing, null, no number or not there: 400 about the field (§3)."""
    assert_refused(house.ask("POST", START, house.token(admin), json=body), 400, complaints)


def test_nobody_acts_as_themselves_nor_twice(house: House, admin: Account, bob: Account) -> None:
    """Oneself and a second one while acting as an administrator: 400 with a detail."""
    key, second = house.token(admin), house.account(is_admin=True)
    assert_refused(
        house.ask("POST", START, key, json={"user": admin.number}), 400, "You cannot act as this user."
    )
    key = begun(house, admin, second)
    again = house.ask("POST", START, key, json={"user": bob.number})
    assert_refused(again, 400, "You act as another user already.")


def test_an_api_token_never_acts_as_another(house: House, admin: Account, bob: Account) -> None:
    """A long-lived token is refused with 400, and goes on being its owner's."""
    token = house.api_token(admin)
    says = "This needs somebody who has signed in. An API token will not do."
    assert_refused(house.ask("POST", START, token, json={"user": bob.number}), 400, says)
    assert_refused(house.ask("POST", STOP, token), 400, says)
    assert name_of(house, token) == "admin"


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        (f"POST {ME}/password", {"current_password": PASSWORD, "password": NEW_PASSWORD}),
        ("POST /api/2/api-tokens", {"name": "token"}),
        ("POST /api/2/users/{bob}/totp", {"key": "A" * 32, "otp": "000000"}),
        ("PUT /api/2/users/{bob}/totp", {"otp": "000000"}),
        ("DELETE /api/2/users/{bob}/totp", None),
    ],
)
def test_what_the_user_signs_in_with_is_out_of_reach(
    house: House, admin: Account, bob: Account, asked: str, body: Any
) -> None:
    """Password, API tokens and one-time passwords are not changed by who acts as the user, whatever they know."""
    key = begun(house, admin, bob)
    method, path = asked.format(bob=bob.number).split()
    sent: dict[str, Any] = {} if body is None else {"json": body}
    assert_refused(house.ask(method, path, key, **sent), 403, MEANWHILE)


def test_signing_out_ends_both(house: House, admin: Account, bob: Account) -> None:
    """Logout while acting leaves a key that is neither's."""
    key = begun(house, admin, bob)
    assert_void(house.ask("POST", "/api/2/auth/logout", key))
    assert_refused(house.ask("GET", ME, key), 401, BAD_TOKEN)


def test_a_page_acts_by_its_cookie(house: House, admin: Account, bob: Account, page: Page) -> None:
    """A browser starts and stops by its cookie, with the token against forgery, which stays good."""
    page.sign_in(admin)
    headers = {"x-csrftoken": page.cookies[CSRF_COOKIE]}
    refused = page.ask("POST", START, json={"user": bob.number})
    assert refused.status_code == 403
    assert_void(page.ask("POST", START, headers, json={"user": bob.number}))
    assert page.ask("GET", ME).json()["username"] == "bob"
    assert_void(page.ask("POST", STOP, {"x-csrftoken": page.cookies[CSRF_COOKIE]}))
    assert page.ask("GET", ME).json()["username"] == "admin"


def test_it_ends_by_itself(own: House) -> None:
    """After an hour the key is nobody's; and at once when the administrator is none any more."""
    admin, bob = own.account(is_admin=True), own.account()
    key = begun(own, admin, bob)
    own.served.clock.forward(hours=1)
    assert_refused(own.ask("GET", ME, key), 401, BAD_TOKEN)
    key, other = begun(own, admin, bob), own.token(own.account(is_admin=True))
    demoted = own.ask("PATCH", f"/api/2/users/{admin.number}", other, json={"permissions": []})
    assert demoted.status_code == 200
    assert_refused(own.ask("GET", ME, key), 401, BAD_TOKEN)


def test_both_names_are_on_record(owns: House) -> None:
    """Every line of what was done meanwhile names both, also what another unit wrote, and the sign-out."""
    admin, bob = owns.account(is_admin=True), owns.account(may=("users:manage",))
    eve = owns.account()
    key = begun(owns, admin, bob)
    begin = {row["id"] for row in rows(owns.core, audit_log)}
    assert owns.ask("PATCH", ME, key, json={"full_name": "Bob"}).status_code == 200
    assert owns.ask("PATCH", f"/api/2/users/{eve.number}", key, json={"is_enabled": False}).status_code == 200
    assert owns.ask("POST", "/api/2/auth/logout", key).status_code == 200
    lines = [row for row in rows(owns.core, audit_log) if row["id"] not in begin]
    assert {row["event"] for row in lines} >= {"account changed", "account disabled", "signed out"}
    assert {(row["actor_number"], row["acting_as"]) for row in lines} == {(admin.number, bob.number)}
