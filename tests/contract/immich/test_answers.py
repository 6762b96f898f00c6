"""What Immich answers when all is well: statuses, fields in their order, types, dates (contract §1, §3)."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from tests.contract.immich.speech import (
    JSON,
    OTHER_PIN,
    PIN,
    SIGN_UP,
    House,
    assert_empty,
    assert_says,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do

from dragoman.core import accounts
from dragoman.core.accounts import Changes

START = "2026-01-05T09:30:00.000Z"
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def user(account_id: str, **facts: Any) -> dict[str, Any]:
    """A UserAdminResponseDto of 17 fields in wire order, of an account of the first instant."""
    return {
        "id": account_id,
        "email": "admin@example.com",
        "name": "Ada",
        "profileImagePath": "",
        "avatarColor": "gray",
        "profileChangedAt": START,
        "storageLabel": None,
        "shouldChangePassword": False,
        "isAdmin": False,
        "createdAt": START,
        "updatedAt": START,
        "deletedAt": None,
        "oauthId": "",
        "quotaSizeInBytes": None,
        "quotaUsageInBytes": 0,
        "status": "active",
        "license": None,
        **facts,
    }


def assert_no_secret(response: httpx2.Response) -> None:
    """Neither the password nor a hash is in the answer."""
    assert PASSWORD not in response.text
    assert "argon2" not in response.text
    assert "password" not in {name.lower() for name in response.json()}


def test_sign_up_answers_with_the_administrator(owns: House) -> None:
    """The first sign-up answers 201 with the whole user, label "admin", and neither cookies nor a session."""
    response = owns.call("sign_up_admin", body=SIGN_UP)
    account_id = response.json()["id"]
    assert UUID4.fullmatch(account_id)
    admin = user(account_id, storageLabel="admin", shouldChangePassword=True, isAdmin=True)
    assert_says(response, 201, admin)
    assert "set-cookie" not in response.headers
    assert_no_secret(response)


@pytest.mark.parametrize("email", ["ADMIN@Example.COM", "admin@local", "Ådmin@local"])
def test_sign_up_lowers_the_email(own: House, email: str) -> None:
    """The e-mail address is stored in lower case, and signs in however it is spelled (§1.1, §1.2)."""
    response = own.call("sign_up_admin", body={**SIGN_UP, "email": email})
    assert (response.status_code, response.json()["email"]) == (201, email.lower())
    for spelled in (email, email.lower(), email.upper()):
        signed_in = own.log_in(spelled)
        assert (signed_in.status_code, signed_in.json()["userEmail"]) == (201, email.lower())


def test_login_answers_with_a_token_and_who_it_is(owns: House) -> None:
    """A log-in answers 201 with the seven fields of 1.134 in order, `isOnboarded` not among them."""
    account_id = owns.call("sign_up_admin", body=SIGN_UP).json()["id"]
    response = owns.log_in(SIGN_UP["email"])
    token = response.json()["accessToken"]
    said = {
        "accessToken": token,
        "userId": account_id,
        "userEmail": "admin@example.com",
        "name": "Ada",
        "isAdmin": True,
        "profileImagePath": "",
        "shouldChangePassword": True,
    }
    assert_says(response, 201, said)
    assert_no_secret(response)


def test_every_login_adds_a_session(houses: House) -> None:
    """A log-in ends none before it: each opens a session of its own (§1.1)."""
    person = houses.person()
    tokens = [person.token, *(houses.log_in(person.email).json()["accessToken"] for _ in range(3))]
    assert len(set(tokens)) == 4
    for token in tokens:
        assert houses.call("validate_access_token", token).status_code == 200


@pytest.mark.parametrize("body", [None, {}, {"anything": [1]}, []])
def test_validate_token_says_true(houses: House, body: Any) -> None:
    """Validating a good token answers `authStatus` true, whatever the body is (§1.3)."""
    response = houses.call("validate_access_token", houses.person().token, body)
    assert_says(response, 200, {"authStatus": True})


def test_change_password_answers_with_the_user(houses: House) -> None:
    """A changed password answers 200 with the user, signs in from then on, and the old one does not (§1.4)."""
    person = houses.person(must_change_password=True)
    body = {"password": PASSWORD, "newPassword": NEW_PASSWORD, "invalidateSessions": True}
    response = houses.call("change_password", person.token, body)
    # It stays set: only PUT /users/me clears it.
    facts = {"email": person.email, "name": "Somebody", "shouldChangePassword": True}
    colour = response.json()["avatarColor"]
    assert_says(response, 200, user(str(person.account.id), **facts, avatarColor=colour))
    assert_no_secret(response)
    assert houses.log_in(person.email, NEW_PASSWORD).status_code == 201
    assert houses.log_in(person.email, PASSWORD).status_code == 401


def test_new_password_may_equal_the_old_one(houses: House) -> None:
    """Nobody asks that a new password be another one (§1.4)."""
    person = houses.person()
    body = {"password": PASSWORD, "newPassword": PASSWORD}
    assert houses.call("change_password", person.token, body).status_code == 200


@pytest.mark.parametrize("body", [None, {}, {"anything": 1}])
def test_logout_ends_the_calling_session_alone(houses: House, body: Any) -> None:
    """A log-out answers 200 with where to go, and ends the session that called, no other (§1.5)."""
    person = houses.person()
    other = houses.token(person.account)
    response = houses.call("logout", person.token, body)
    assert_says(response, 200, {"successful": True, "redirectUri": "/auth/login?autoLaunch=0"})
    assert houses.call("validate_access_token", person.token).status_code == 401
    assert houses.call("validate_access_token", other).status_code == 200


@pytest.mark.parametrize("auth_type", ["password", "oauth", "", "nonsense"])
def test_logout_without_oauth_always_leads_to_the_login_page(house: House, auth_type: str) -> None:
    """While OAuth is off, the cookie that names it does not change where a log-out leads (§2.5)."""
    headers = {"cookie": f"immich_auth_type={auth_type}"}
    response = house.call("logout", house.person().token, headers=headers)
    assert_says(response, 200, {"successful": True, "redirectUri": "/auth/login?autoLaunch=0"})


def test_status_leaves_unset_dates_out(houses: House) -> None:
    """A session that is not elevated and does not expire has neither date: absent, not null (§1.6)."""
    token = houses.person().token
    response = houses.call("get_auth_status", token)
    assert_says(response, 200, {"pinCode": False, "password": True, "isElevated": False})


def test_status_of_an_account_without_password(houses: House) -> None:
    """`password` says whether the account has one (§1.6)."""
    token = houses.person(password=None).token
    response = houses.call("get_auth_status", token)
    assert_says(response, 200, {"pinCode": False, "password": False, "isElevated": False})


def test_void_operations_answer_with_nothing(houses: House) -> None:
    """As 1.134 does: setting up a PIN is 201, the other void operations 200, all without a body (§1)."""
    token = houses.person().token
    story: list[tuple[str, Any, int]] = [
        ("setup_pin_code", {"pinCode": PIN}, 201),
        ("unlock_auth_session", {"pinCode": PIN}, 200),
        ("change_pin_code", {"pinCode": PIN, "newPinCode": OTHER_PIN}, 200),
        ("change_pin_code", {"password": PASSWORD, "newPinCode": OTHER_PIN}, 200),
        ("lock_auth_session", None, 200),
        ("lock_auth_session", {"ignored": True}, 200),
        ("reset_pin_code", {"pinCode": OTHER_PIN}, 200),
        ("setup_pin_code", {"pinCode": PIN}, 201),
        ("reset_pin_code", {"password": PASSWORD}, 200),
        # Locking is idempotent, and needs no PIN.
        ("lock_auth_session", None, 200),
    ]
    for operation, body, status in story:
        assert_empty(houses.call(operation, token, body), status)


def test_changed_pin_replaces_the_old_one(houses: House) -> None:
    """After a change the new PIN unlocks and the old one does not; it may be the same one again (§1.8)."""
    token = houses.person().token
    houses.call("setup_pin_code", token, {"pinCode": PIN})
    houses.call("change_pin_code", token, {"pinCode": PIN, "newPinCode": OTHER_PIN})
    assert houses.call("unlock_auth_session", token, {"pinCode": PIN}).status_code == 400
    assert houses.call("unlock_auth_session", token, {"pinCode": OTHER_PIN}).status_code == 200
    same = {"pinCode": OTHER_PIN, "newPinCode": OTHER_PIN}
    assert houses.call("change_pin_code", token, same).status_code == 200


@pytest.mark.parametrize(
    ("email", "colour"),
    [
        ("admin@immich.cloud", "orange"),
        ("testuser@email.com", "blue"),
        # Code points, not bytes: 233 + 64 + 120 + 46 + 121 = 584.
        ("é@x.y", "blue"),
    ],
)
def test_avatar_colour_comes_of_the_email(house: House, email: str, colour: str) -> None:
    """An unset colour is the one that the e-mail address's code points add up to, modulo ten (§3)."""
    response = house.call("get_my_user", house.person(email=email).token)
    assert response.json()["avatarColor"] == colour


def test_user_has_its_own_facts(owns: House) -> None:
    """Label, quota and colour come from the account's Immich facts; dates are cut to milliseconds (§3)."""
    facts = {"storageLabel": "ada", "quotaSizeInBytes": 2**40, "avatarColor": "amber"}
    person = owns.person(attributes={"immich": facts})
    owns.clock.forward(microseconds=987_999)
    do(owns.core, accounts.change, person.number, Changes(display_name="Ada L."))
    said = user(
        str(person.account.id),
        email=person.email,
        name="Ada L.",
        avatarColor="amber",
        storageLabel="ada",
        updatedAt="2026-01-05T09:30:00.987Z",
        quotaSizeInBytes=2**40,
    )
    assert_says(owns.call("get_my_user", person.token), 200, said)


def test_account_without_email_shows_its_username(house: House) -> None:
    """Where Immich demands an e-mail address, an account without one shows `<username>@local`."""
    person = house.person(email=None, username="robot")
    assert house.call("get_my_user", person.token).json()["email"] == "robot@local"


@pytest.mark.parametrize("username", ["fido", "Zoë.b+c", "two words", "me@home", "x" * 65])
def test_account_without_email_signs_in_by_what_is_shown(house: House, username: str) -> None:
    """Whatever the username, the address that is shown is one that signs in, in any case."""
    person = house.person(email=None, username=username)
    shown = house.call("get_my_user", person.token).json()["email"]
    for spelled in (shown, shown.upper()):
        answer = house.log_in(spelled)
        assert (answer.status_code, answer.json()["userEmail"]) == (201, shown)


@pytest.mark.parametrize("name", ["Ada", "Åda Löve", "名前", "\U0001f600", '"<&>\\', "a" * 256, " Ada "])
def test_names_come_back_as_they_were_sent(own: House, name: str) -> None:
    """Nothing is trimmed, escaped twice or lost between a sign-up and its answers (§0.4)."""
    response = own.call("sign_up_admin", body={**SIGN_UP, "name": name})
    assert (response.status_code, response.json()["name"]) == (201, name)
    assert own.log_in(SIGN_UP["email"]).json()["name"] == name


def test_answers_are_utf8_json_and_nobody_s_to_keep(house: House) -> None:
    """Every answer names its charset as Immich does, carries a correlation id, and is not to be stored."""
    response = house.call("get_my_user", house.person().token)
    assert response.headers["content-type"] == JSON
    assert response.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[0-9a-z]{8}", response.headers["x-immich-cid"])


@pytest.mark.parametrize("cid", ["abc", "0", "x" * 200, "ünï", "a b;c=d"])
def test_correlation_id_of_the_request_comes_back(house: House, cid: str) -> None:
    """A request's own `x-immich-cid` is echoed in the header of every answer and the body of a refusal (§0.2)."""
    headers = {"x-immich-cid": cid.encode("latin-1")}
    token = house.person().token
    answered = house.call("get_my_user", token, headers=headers)
    refused = house.call("get_my_user", headers=headers)
    assert refused.json()["correlationId"] == cid
    for response in (answered, refused):
        given = [value for name, value in response.headers.raw if name.lower() == b"x-immich-cid"]
        assert given == [cid.encode("latin-1")]


def test_head_is_answered_as_get_without_a_body(house: House) -> None:
    """HEAD has the headers of GET (RFC 9110 §9.3.2), with credentials and without."""
    token = house.person().token
    for credential in (token, None):
        got = house.ask("GET", "/users/me", credential)
        head = house.ask("HEAD", "/users/me", credential)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-type"] == JSON
