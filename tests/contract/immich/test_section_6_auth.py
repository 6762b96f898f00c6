"""The product's own tests of its authentication (contract §6), line by line, at each release.

| its list | tests here |
| --- | --- |
| auth e2e 1 … 10 | those that say so |
| auth controller spec | sign-up, log-in, guarded routes, PIN |
| auth service spec | log-in, change of password, log-out, authentication, PIN |

Its lines about OAuth and about shared links that exist are not here: neither is served yet. Its lines about
keys and sessions are in `test_section_6_keys_sessions.py`, what it does not test in `test_section_6_gaps.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from tests.contract.immich.speech import OTHER_PIN, PIN, SIGN_UP, House
from tests.contract.immich.spoken import by, complaints, message, succeeded
from tests.fakes import NEW_PASSWORD, PASSWORD

LOGIN_REFUSED = "Incorrect email or password"
BAD_TOKEN = "Invalid user token"
TO_LOGIN = {"successful": True, "redirectUri": "/auth/login?autoLaunch=0"}
# What releases before 3.0 say of a field that is not there (§1), and what 3.2 does (§5.2).
ABSENT = "Invalid input: expected {}, received {}"
EMAIL = ["email should not be empty", "email must be an email"]
WORD = ["password should not be empty", "password must be a string"]
NAME = ["name should not be empty", "name must be a string"]
PIN_RULE = {"3.2": "pinCode: Invalid string: must match pattern /^\\d{6}$/"}


def absent(field: str, kind: str = "string", received: str = "undefined") -> str:
    """What 3.2 says of a field that is not what it should be."""
    return f"{field}: {ABSENT.format(kind, received)}"


def test_first_sign_up(fresh: tuple[str, House]) -> None:
    """A new server's first sign-up is its administrator, in full (§6 auth e2e 1)."""
    _, house = fresh
    user = succeeded(house.call("sign_up_admin", body=SIGN_UP), 201)
    assert user["isAdmin"] is user["shouldChangePassword"] is True
    assert (user["email"], user["storageLabel"], user["license"]) == (SIGN_UP["email"], "admin", None)
    assert PASSWORD not in str(user)
    assert not {"password", "pinCode"} & user.keys()


def test_second_sign_up(spoken: tuple[str, House]) -> None:
    """There is one first administrator (§6 auth e2e 2, auth service spec)."""
    _, house = spoken
    body = {**SIGN_UP, "email": "second@example.com"}
    assert message(house.call("sign_up_admin", body=body), 400) == "The server already has an admin"


@pytest.mark.parametrize("email", ["ADMIN@Example.com", "admin@local"])
def test_sign_up_by_an_email(fresh: tuple[str, House], email: str) -> None:
    """An e-mail address is lowered, and need not have a domain with dots (§6 auth controller spec)."""
    _, house = fresh
    assert (
        succeeded(house.call("sign_up_admin", body={**SIGN_UP, "email": email}), 201)["email"]
        == email.lower()
    )


@pytest.mark.parametrize(
    ("field", "said", "since_3"),
    [
        ("email", EMAIL, [absent("email", "email")]),
        ("password", WORD, [absent("password")]),
        ("name", NAME, [absent("name")]),
    ],
)
def test_sign_up_needs_each_field(
    spoken: tuple[str, House], field: str, said: list[str], since_3: list[str]
) -> None:
    """Without e-mail address, password or name there is no sign-up (§6 auth controller spec)."""
    release, house = spoken
    body = {name: value for name, value in SIGN_UP.items() if name != field}
    answer = house.call("sign_up_admin", body=body)
    assert complaints(answer) == (since_3 if release == "3.2" else said)


def test_sign_up_needs_an_email_that_is_one(spoken: tuple[str, House]) -> None:
    """What is no e-mail address is said to be none (§6 auth controller spec)."""
    release, house = spoken
    said = complaints(house.call("sign_up_admin", body={**SIGN_UP, "email": "immich"}))
    assert said == (
        ["email: Invalid input: expected email, received string"] if release == "3.2" else EMAIL[1:]
    )


@pytest.mark.parametrize(
    ("body", "said", "since_3"),
    [
        ({"name": "admin"}, EMAIL + WORD, [absent("email", "email"), absent("password")]),
        ({"email": None, "password": "x"}, EMAIL, [absent("email", "email", "object")]),
        ({"email": "a@b.c", "password": None}, WORD, [absent("password", "string", "null")]),
        ({"email": [], "password": "x"}, EMAIL[1:], [absent("email", "email", "object")]),
    ],
    ids=["neither", "no email", "no password", "a list"],
)
def test_login_needs_both_fields(
    spoken: tuple[str, House], body: dict[str, Any], said: list[str], since_3: list[str]
) -> None:
    """A log-in names what is wrong with its fields, in the release's words (§6 auth controller spec)."""
    release, house = spoken
    assert complaints(house.call("login", body=body)) == (since_3 if release == "3.2" else said)


def test_login_by_an_email_in_any_case(spoken: tuple[str, House]) -> None:
    """An e-mail address is lowered, a local one as well (§6 auth controller spec)."""
    release, house = spoken
    house.account(email=f"somebody-{release}@local")
    answer = succeeded(house.log_in(f"SomeBody-{release}@LOCAL"), 201)
    assert answer["userEmail"] == f"somebody-{release}@local"


def test_login_with_a_wrong_password(spoken: tuple[str, House]) -> None:
    """A wrong password is refused (§6 auth e2e 3)."""
    _, house = spoken
    assert message(house.log_in("admin@example.com", "wrong"), 401) == LOGIN_REFUSED


def test_login(spoken: tuple[str, House]) -> None:
    """A right one is answered with exactly the release's fields, and three cookies (§6 auth e2e 4)."""
    release, house = spoken
    answer = house.log_in("admin@example.com")
    said = succeeded(answer, 201)
    onboarded = {} if release == "1.134" else {"isOnboarded": False}
    assert said == onboarded | {
        "accessToken": said["accessToken"],
        "userId": said["userId"],
        "userEmail": "admin@example.com",
        "name": "Ada",
        "isAdmin": True,
        "profileImagePath": "",
        "shouldChangePassword": False,
    }
    until = f"Expires={format_datetime(house.clock.now + timedelta(days=400), usegmt=True)}"
    lasting = ["Max-Age=34560000", "Path=/", until]
    assert [cookie.split("; ") for cookie in answer.headers.get_list("set-cookie")] == [
        [f"immich_access_token={said['accessToken']}", *lasting, "HttpOnly", "SameSite=Lax"],
        ["immich_auth_type=password", *lasting, "HttpOnly", "SameSite=Lax"],
        ["immich_is_authenticated=true", *lasting, "SameSite=Lax"],
    ]


def test_login_that_nobody_may(spoken: tuple[str, House]) -> None:
    """Who is unknown, has no password or is deleted is refused alike (§6 auth service spec: login)."""
    _, house = spoken
    deleted, boss = house.account(), house.person(is_admin=True)
    succeeded(house.ask("DELETE", f"/admin/users/{deleted.id}", boss.token, json={}), 200)
    for email in ("nobody@example.com", house.account(password=None).email, deleted.email):
        assert message(house.log_in(str(email)), 401) == LOGIN_REFUSED


def test_login_that_is_turned_off(fresh: tuple[str, House]) -> None:
    """With log-in by password turned off, everybody is told so (§6 auth service spec: login)."""
    _, house = fresh
    house.core.rules = replace(house.core.rules, password_login=False)
    assert message(house.log_in(house.person().email), 401) == "Password login has been disabled"


def test_validate_token(spoken: tuple[str, House]) -> None:
    """A token that is none is refused, a good one is true (§6 auth e2e 5 and 6)."""
    _, house = spoken
    assert message(house.call("validate_access_token", "123"), 401) == BAD_TOKEN
    answer = house.call("validate_access_token", house.person().token)
    assert succeeded(answer, 200) == {"authStatus": True}


def test_change_password_with_a_wrong_one(spoken: tuple[str, House]) -> None:
    """A wrong current password is 400 (§6 auth e2e 7, auth service spec: changePassword)."""
    _, house = spoken
    body = {"password": "wrong-password", "newPassword": NEW_PASSWORD}
    for person in (house.person(), house.person(password=None)):
        assert message(house.call("change_password", person.token, body), 400) == "Wrong password"


def test_change_password(spoken: tuple[str, House]) -> None:
    """With the right one the new password signs in, and no answer has one in it (§6 auth e2e 8)."""
    _, house = spoken
    person = house.person()
    body = {"password": PASSWORD, "newPassword": NEW_PASSWORD}
    answer = house.call("change_password", person.token, body)
    assert succeeded(answer, 200)["email"] == person.email
    assert "password" not in {name.lower() for name in answer.json()}
    assert NEW_PASSWORD not in answer.text
    succeeded(house.log_in(person.email, NEW_PASSWORD), 201)
    assert message(house.log_in(person.email), 401) == LOGIN_REFUSED


def test_change_password_of_nobody(spoken: tuple[str, House]) -> None:
    """Who is not there any more is not signed in either (§6 auth service spec: changePassword, unknown)."""
    _, house = spoken
    boss, person = house.person(is_admin=True), house.person()
    house.ask("DELETE", f"/admin/users/{person.account.id}", boss.token, json={"force": True})
    body = {"password": PASSWORD, "newPassword": NEW_PASSWORD}
    assert message(house.call("change_password", person.token, body), 401) == BAD_TOKEN


@pytest.mark.parametrize(
    "operation",
    [
        "logout",
        "change_password",
        "setup_pin_code",
        "change_pin_code",
        "reset_pin_code",
        "get_auth_status",
    ],
)
def test_routes_are_guarded(spoken: tuple[str, House], operation: str) -> None:
    """Without a credential there is nothing but 401 (§6 auth e2e 9, auth controller spec)."""
    _, house = spoken
    answer = house.call(operation)
    assert message(answer, 401) == "Authentication required"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("auth_type", ["", "password", "oauth"])
def test_logout(spoken: tuple[str, House], auth_type: str) -> None:
    """A log-out leads to the log-in page and ends the session; while OAuth is off, its cookie changes nothing.

    §6 auth e2e 10, auth service spec: logout.
    """
    _, house = spoken
    person = house.person()
    cookies = {"cookie": f"immich_auth_type={auth_type}"} if auth_type else {}
    assert succeeded(house.call("logout", person.token, headers=cookies), 200) == TO_LOGIN
    assert message(house.call("logout", person.token), 401) == BAD_TOKEN
    assert len(house.ask("GET", "/sessions", house.token(person.account)).json()) == 1


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "Authentication required"),
        ({"x-immich-share-key": "nobodys"}, "Invalid share key"),
        ({"x-immich-user-token": "nobodys"}, BAD_TOKEN),
        ({"cookie": "immich_access_token=nobodys"}, BAD_TOKEN),
        ({"x-api-key": "nobodys"}, "Invalid API key"),
    ],
    ids=["nothing", "share key", "user token", "cookie", "key"],
)
def test_authentication_is_refused(spoken: tuple[str, House], headers: dict[str, str], said: str) -> None:
    """What nobody has is refused by its kind (§6 auth service spec: authenticate)."""
    _, house = spoken
    assert message(house.call("validate_access_token", headers=headers), 401) == said


@pytest.mark.parametrize("place", ["header", "query"])
def test_slugs_are_looked_at_since_they_are_there(spoken: tuple[str, House], place: str) -> None:
    """A name of a shared link comes before every session, and nobody has one; 1.134 knows none (§0.5; §6, 2.x)."""
    release, house = spoken
    held: dict[str, Any] = {"headers": {"x-immich-share-slug": "holidays"}}
    if place == "query":
        held = {"params": {"slug": "holidays"}}
    answer = house.call("validate_access_token", house.person().token, **held)
    if release == "1.134":
        succeeded(answer, 200)
    else:
        assert message(answer, 401) == "Invalid share slug"


def test_authentication_succeeds(spoken: tuple[str, House]) -> None:
    """Bearer token, cookie and key each sign in (§6 auth service spec: authenticate)."""
    _, house = spoken
    person = house.person()
    cookie = {"cookie": f"immich_access_token={person.token}"}
    for headers in ({"authorization": f"Bearer {person.token}"}, cookie, by(house.key(person.account)[1])):
        succeeded(house.call("validate_access_token", headers=headers), 200)


def test_only_administrators_administer(spoken: tuple[str, House]) -> None:
    """On an administrator's route anybody else is 403 (§6 auth service spec: authenticate)."""
    _, house = spoken
    assert message(house.ask("GET", "/admin/users", house.person().token), 403) == "Forbidden"


def test_a_use_after_two_hours_is_noted(spoken: tuple[str, House]) -> None:
    """A session that was last used two hours ago says that it is used now (§6 auth service spec: authenticate)."""
    _, house = spoken
    token = house.person().token
    house.clock.forward(hours=2)
    (session,) = house.ask("GET", "/sessions", token).json()
    assert session["updatedAt"] == f"{house.clock.now:%Y-%m-%dT%H:%M:%S}.000Z"
    assert session["createdAt"] < session["updatedAt"]


def test_a_key_needs_the_permission(spoken: tuple[str, House]) -> None:
    """A key does what its permissions say, and `all` says everything (§6 auth service spec: authenticate)."""
    release, house = spoken
    account = house.account()
    poor, rich = by(house.key(account, "tag.read")[1]), by(house.key(account, "all")[1])
    answer = house.ask("GET", "/sessions", headers=poor)
    assert message(answer, 403) == "Missing required permission: session.read"
    succeeded(house.ask("GET", "/sessions", headers=rich), 200)
    # Since 1.136 what asks for nothing else asks for `all`; validateToken asks for nothing since 1.142 (§2.4).
    succeeded(house.call("validate_access_token", headers=poor), 200)
    status = house.call("get_auth_status", headers=poor)
    if release == "1.134":
        succeeded(status, 200)
    else:
        assert message(status, 403) == "Missing required permission: all"


@pytest.mark.parametrize("pin", ["12345", "1234567", "A12345"])
def test_a_pin_has_six_digits(spoken: tuple[str, House], pin: str) -> None:
    """Five digits, seven, or a letter are no PIN (§6 auth controller spec: pin-code)."""
    release, house = spoken
    answer = house.call("setup_pin_code", house.person().token, {"pinCode": pin})
    assert complaints(answer) == [PIN_RULE.get(release, "pinCode must be a 6-digit numeric string")]


def test_a_pin_is_set_up_changed_and_reset(spoken: tuple[str, House]) -> None:
    """Once set up it is there; a right proof changes and resets it, a wrong one does not (§6 auth service spec: PIN)."""
    _, house = spoken
    person = house.person()
    other = house.token(person.account)
    right, wrong = {"pinCode": PIN}, {"pinCode": OTHER_PIN}
    succeeded(house.call("setup_pin_code", person.token, right), 201, 204)
    assert message(house.call("setup_pin_code", person.token, right), 400) == "User already has a PIN code"
    for operation, body in (
        ("change_pin_code", {**wrong, "newPinCode": OTHER_PIN}),
        ("reset_pin_code", wrong),
    ):
        assert message(house.call(operation, person.token, body), 400) == "Wrong PIN code"
    succeeded(house.call("change_pin_code", person.token, {**right, "newPinCode": OTHER_PIN}), 200, 204)
    succeeded(house.call("unlock_auth_session", other, wrong), 200, 204)
    assert house.status(other)["isElevated"] is True
    succeeded(house.call("reset_pin_code", person.token, wrong), 200, 204)
    assert house.status(other) == {"pinCode": False, "password": True, "isElevated": False}
