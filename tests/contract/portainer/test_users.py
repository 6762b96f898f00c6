"""/users: the first administrator, what is told of a user, and who changes what of whom (contract §2.8, §3, §5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests.contract.portainer.speech import (
    INVALID,
    NO_USER,
    WRONG_PASSWORD,
    House,
    assert_empty,
    assert_refused,
    assert_says,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.people import makers
from tests.racing import at_once
from tests.running import Running

from dragoman.core import accounts
from dragoman.core.accounts import Account

WEAK = "Password does not meet the requirements"
FIRST = {"username": "Root", "password": PASSWORD}
WHITESPACE = "Invalid username. Must not contain any whitespace"
BAD_ROLE = "Invalid role value. Value must be one of: 1 (administrator) or 2 (regular user)"


def shape(account: Account, **more: Any) -> dict[str, Any]:
    """What is told of a user, key by key (§3)."""
    return {
        "Id": account.number,
        "Username": account.username,
        "Role": 1 if account.is_admin else 2,
        "TokenIssueAt": 0,
        "ThemeSettings": {"color": ""},
        "UseCache": False,
        "PortainerAuthorizations": None,
        "EndpointAuthorizations": None,
        **more,
    }


# --- the first administrator ----------------------------------------------------------------------------


def test_the_first_administrator_is_made_once(owns: House) -> None:
    """The check says 404, then 204; the answer is the user, without a password; nobody is signed in by it (§2.8)."""
    check = owns.ask("GET", "/users/admin/check")
    missing = ("No administrator account found inside the database", "Object not found inside the database")
    assert_refused(check, 404, *missing)
    response = owns.ask("POST", "/users/admin/init", json=FIRST)
    assert_says(response, 200, shape(owns_admin(owns)))
    assert "set-cookie" not in response.headers
    assert_empty(owns.ask("GET", "/users/admin/check"), 204)
    assert owns.log_in("root").status_code == 200
    taken = ("Unable to create administrator user", "An administrator user already exists")
    assert_refused(owns.ask("POST", "/users/admin/init", json=FIRST), 409, *taken)
    assert_refused(owns.ask("POST", "/users/admin/init", json={**FIRST, "password": "weak"}), 409, *taken)


def owns_admin(house: House) -> Account:
    """The administrator that somebody has just made."""
    return do(house.core, accounts.get, "root")


@pytest.mark.parametrize(
    ("changed", "details"),
    [
        ({"username": ""}, WHITESPACE),
        ({"username": None}, WHITESPACE),
        ({"username": "a b", "password": ""}, WHITESPACE),
        ({"password": ""}, "Invalid password"),
        ({"password": None}, "Invalid password"),
    ],
)
def test_what_the_first_administrator_needs(own: House, changed: dict[str, Any], details: str) -> None:
    """The payload is judged first, the username before the password (§2.8)."""
    response = own.ask("POST", "/users/admin/init", json={**FIRST, **changed})
    assert_refused(response, 400, INVALID, details)


STRENGTH = {
    "empty": ("", False),
    "portainer": ("portainer", False),
    "11 characters": ("zebra-4-lam", False),
    "12 characters, mixed": ("zebra-4-LAMP", True),
    "12 characters, lower case": ("zebralampfig", True),
    "12 characters, digits": ("740918352760", True),
    "12 bytes of 6 characters": ("ж4ж9ж2жщ", True),
}


@pytest.mark.parametrize("case", STRENGTH)
def test_a_password_is_judged_by_its_length(house: House, case: str) -> None:
    """At least twelve bytes, whatever the classes of characters (§2.8, §5: password strength)."""
    password, is_strong = STRENGTH[case]
    body = {"username": f"strong-{case.replace(' ', '-')}", "password": password, "role": 2}
    response = house.ask("POST", "/users", house.token(house.admin()), json=body)
    if is_strong:
        assert response.status_code == 200, response.text
    else:
        assert_refused(response, 400, WEAK)


def test_the_policy_of_the_house_holds_here(house: House) -> None:
    """A common password is refused at any length, in the same words."""
    body = {"username": "common", "password": "password12345678", "role": 2}
    assert_refused(house.ask("POST", "/users", house.token(house.admin()), json=body), 400, WEAK)


def test_an_installation_that_is_not_open_says_that_it_is_too_late(sqlite_server: Running) -> None:
    """Who may not make the first administrator is told what Portainer tells after five minutes (§1.1, §2.8)."""
    url = f"{sqlite_server.url}/portainer/api/users/admin/init"
    window = sqlite_server.app._window
    object.__setattr__(window, "wide", False)
    object.__setattr__(window, "closes", None)
    response = httpx2.post(url, json=FIRST, trust_env=False)
    assert_refused(response, 303, "Administrator initialization timeout")
    assert response.headers["redirect-reason"] == "AdminInitTimeout"
    assert "location" not in response.headers


# --- what is told ---------------------------------------------------------------------------------------


def test_what_one_is_told_of_oneself(house: House) -> None:
    """Every key in its order, and whether the password is to be changed (§3)."""
    account = house.account()
    response = house.ask("GET", "/users/me", house.token(account))
    assert_says(response, 200, shape(account, forceChangePassword=False))


def test_who_is_told_of_whom(house: House) -> None:
    """Oneself and, by an administrator, anybody; others are refused, and nobody is found under a free number."""
    account, other, admin = house.account(), house.account(), house.token(house.admin())
    path = f"/users/{account.number}"
    for token in (house.token(account), admin):
        assert_says(house.ask("GET", path, token), 200, shape(account))
    denied = ("Permission denied inspect user", "Access denied to resource")
    assert_refused(house.ask("GET", path, house.token(other)), 403, *denied)
    for number in ("0", "-1", "999999", str(2**63 - 1)):
        assert_refused(house.ask("GET", f"/users/{number}", admin), 404, *NO_USER)
    for nobody in ("x", "1.5", str(2**63)):
        response = house.ask("GET", f"/users/{nobody}", admin)
        assert_refused(response, 400, "Invalid user identifier route variable")


def test_the_list_is_short(house: House) -> None:
    """Number, name and role of each, in the order of their numbers (§3)."""
    account = house.account()
    listed = house.ask("GET", "/users", house.token(house.admin())).json()
    assert listed[0] == {"Id": 1, "Username": "admin", "Role": 1}
    assert {"Id": account.number, "Username": account.username, "Role": 2} in listed
    assert [one["Id"] for one in listed] == sorted(one["Id"] for one in listed)


def test_teams_are_those_of_providers(house: House) -> None:
    """Nobody is in a team but those whom a provider's settings put into one; seen by them and administrators."""
    account, member = house.account(), house.account(attributes={"portainer": {"teamId": 3}})
    path = f"/users/{account.number}/memberships"
    assert_says(house.ask("GET", path, house.token(account)), 200, [])
    refusal = ("Permission denied to update user memberships", "Unauthorized")
    assert_refused(house.ask("GET", path, house.token(member)), 403, *refusal)
    team = {"Id": member.number, "UserID": member.number, "TeamID": 3, "Role": 2}
    of_member = f"/users/{member.number}/memberships"
    assert_says(house.ask("GET", of_member, house.token(house.admin())), 200, [team])


# --- what is changed ------------------------------------------------------------------------------------


def create(house: House, **body: Any) -> httpx2.Response:
    """The answer to an administrator who makes a user."""
    asked = {"username": "Made", "password": PASSWORD, "role": 2, **body}
    return house.ask("POST", "/users", house.token(house.admin()), json=asked)


def test_a_user_is_made(house: House) -> None:
    """The name in lower case, the role as asked, the maker on record; they sign in, and the name is taken."""
    made = create(house, username="Mia", role=1)
    assert_says(made, 200, shape(do(house.core, accounts.get, "mia")))
    assert made.json()["Role"] == 1
    actor, via = makers(house.core)[made.json()["Id"]]
    assert (actor is not None, via) == (True, "session")
    assert house.log_in("MIA").status_code == 200
    taken = ("Another user with the same username already exists", "User already exists")
    assert_refused(create(house, username="mIA"), 409, *taken)


@pytest.mark.parametrize(
    ("changed", "details"),
    [
        ({"username": "a b"}, WHITESPACE),
        ({"username": "", "role": 7}, WHITESPACE),
        ({"role": 0}, BAD_ROLE),
        ({"role": 3}, BAD_ROLE),
        ({"role": None}, BAD_ROLE),
        ({"username": "line\nbreak"}, "Invalid username: must not contain control characters"),
    ],
)
def test_what_a_user_needs(house: House, changed: dict[str, Any], details: str) -> None:
    """The name before the role."""
    assert_refused(create(house, **changed), 400, INVALID, details)


@pytest.mark.parametrize("role", ["1", 1.0, True])
def test_a_role_is_a_number(house: House, role: object) -> None:
    """Go reads no text, no fraction and no truth as a number."""
    response = create(house, role=role)
    assert response.status_code == 400
    assert response.json()["details"].startswith("Json: role")


def test_of_many_who_make_one_name_one_succeeds(owns: House) -> None:
    """Of thirty-two at once exactly one user exists afterwards (§5: concurrent creates)."""
    owns.account(username="admin", is_admin=True)
    token = owns.token(owns.admin())
    same = {"username": "same", "password": PASSWORD, "role": 2}
    answers = at_once(*[lambda: owns.ask("POST", "/users", token, json=same).status_code] * 32)
    assert answers.count(200) == 1
    assert set(answers) <= {200, 409, 503}
    listed = owns.ask("GET", "/users", owns.token(owns.admin())).json()
    assert [one["Username"] for one in listed] == ["admin", "same"]


def update(house: House, caller: Account, account: Account, **body: Any) -> httpx2.Response:
    """The answer to a change of a user."""
    return house.ask("PUT", f"/users/{account.number}", house.token(caller), json=body)


def test_an_administrator_changes_all_of_a_user(house: House) -> None:
    """Name, password without the present one, role, theme and cache; what is not given stays."""
    account, admin = house.account(), house.admin()
    house.clock.forward(seconds=5)
    changed = update(
        house, admin, account, username="Changed", newPassword=NEW_PASSWORD, theme={"Color": "dark"}
    )
    issued = int(house.clock.now.timestamp())
    told = shape(
        do(house.core, accounts.get, "changed"), TokenIssueAt=issued, ThemeSettings={"color": "dark"}
    )
    assert_says(changed, 200, told)
    assert update(house, admin, account, useCache=True, role=1).json() == {
        **told,
        "Role": 1,
        "UseCache": True,
    }
    assert house.log_in("changed", NEW_PASSWORD).status_code == 200


def test_a_user_changes_what_is_theirs(house: House) -> None:
    """Theme and cache; a new password by proving the present one; neither name nor role, nor another's."""
    account, other = house.account(), house.account()
    assert update(house, account, account, useCache=True, username=account.username.upper()).json()[
        "UseCache"
    ]
    wrong = update(house, account, account, password="wrong-horse-7", newPassword=NEW_PASSWORD)
    assert_refused(wrong, 403, *WRONG_PASSWORD)
    right = update(house, account, account, password=PASSWORD, newPassword=NEW_PASSWORD, theme={"color": "x"})
    assert right.json()["ThemeSettings"] == {"color": "x"}
    assert house.log_in(account.username, NEW_PASSWORD).status_code == 200
    denied = "Access denied to resource"
    role = update(house, account, account, role=1)
    assert_refused(role, 403, "Permission denied to update user to administrator role", denied)
    name = update(house, account, account, username="mine")
    assert_refused(name, 403, "Permission denied. Unable to update username", denied)
    refusal = ("Permission denied to update user", "Unauthorized")
    assert_refused(update(house, account, other, useCache=True), 403, *refusal)


def test_a_change_is_refused_as_a_whole(house: House) -> None:
    """A name that is taken, a weak password, nobody, and a role that is none."""
    account, other, admin = house.account(), house.account(), house.admin()
    taken = ("Another user with the same username already exists", "User already exists")
    refused = update(house, admin, account, username=other.username.upper(), theme={"color": "no"})
    assert_refused(refused, 409, *taken)
    assert_refused(update(house, admin, account, newPassword="short"), 400, WEAK)
    assert_refused(update(house, admin, account, role=9), 400, INVALID, BAD_ROLE)
    response = house.ask("PUT", "/users/999999", house.token(admin), json={})
    assert_refused(response, 404, *NO_USER)
    assert house.ask("GET", f"/users/{account.number}", house.token(account)).json() == shape(account)


def test_the_last_administrator_stays_one(own: House) -> None:
    """Nobody makes themselves a standard user when no other administrator could sign in."""
    admin = own.account(username="admin", is_admin=True)
    last = ("Cannot remove local administrator user", "Cannot remove the last local administrator account")
    assert_refused(update(own, admin, admin, role=2), 403, *last)


# A key must not become the account it belongs to, nor make another one that may do more.
BY_KEY: dict[str, Callable[[House, Account, str], httpx2.Response]] = {
    "a password of one's own": lambda house, account, key: house.ask(
        "PUT",
        f"/users/{account.number}/passwd",
        headers={"x-api-key": key},
        json={"password": PASSWORD, "newPassword": NEW_PASSWORD},
    ),
    "a password of another": lambda house, _, key: house.ask(
        "PUT",
        f"/users/{house.account().number}",
        headers={"x-api-key": key},
        json={"newPassword": NEW_PASSWORD},
    ),
    "a role": lambda house, _, key: house.ask(
        "PUT", f"/users/{house.account().number}", headers={"x-api-key": key}, json={"role": 1}
    ),
    "an administrator": lambda house, _, key: house.ask(
        "POST",
        "/users",
        headers={"x-api-key": key},
        json={"username": "sneaked-in", "password": PASSWORD, "role": 1},
    ),
}


@pytest.mark.parametrize("what", BY_KEY)
def test_what_no_key_may(house: House, what: str) -> None:
    """An administrator's API key changes no password and no role, and makes no administrator."""
    admin = house.account(is_admin=True)
    response = BY_KEY[what](house, admin, house.key(admin))
    assert_refused(response, 403, "Auth not supported", "Authentication required")


# --- the password ---------------------------------------------------------------------------------------


def new_password(house: House, caller: Account, account: Account, **body: Any) -> httpx2.Response:
    """The answer to a change of password."""
    asked = {"password": PASSWORD, "newPassword": NEW_PASSWORD, **body}
    return house.ask("PUT", f"/users/{account.number}/passwd", house.token(caller), json=asked)


def test_a_password_is_changed_by_the_present_one(house: House) -> None:
    """204; then the new one signs in and the old one no more (§2.8)."""
    account = house.account()
    assert_empty(new_password(house, account, account), 204)
    assert house.log_in(account.username, NEW_PASSWORD).status_code == 200
    assert house.log_in(account.username, PASSWORD).status_code == 422


def test_an_administrator_gives_the_users_present_password(house: House) -> None:
    """Their own will not do, and whoever is neither is refused (§2.8)."""
    admin = house.account(is_admin=True, password="another-9-horse-lamp")
    account, other = house.account(), house.account()
    wrong = new_password(house, admin, account, password="another-9-horse-lamp")
    assert_refused(wrong, 403, *WRONG_PASSWORD)
    denied = ("Permission denied to update user", "Unauthorized")
    assert_refused(new_password(house, other, account), 403, *denied)
    assert_empty(new_password(house, admin, account), 204)


@pytest.mark.parametrize(
    ("changed", "message", "details"),
    [
        ({"password": ""}, INVALID, "Invalid current password"),
        ({"newPassword": ""}, INVALID, "Invalid new password"),
        ({"newPassword": "short"}, "Password does not meet the minimum strength requirements", ""),
    ],
)
def test_what_a_new_password_needs(house: House, changed: Any, message: str, details: str) -> None:
    """The present one, the new one, and that it is strong (§2.8)."""
    account = house.account()
    assert_refused(new_password(house, account, account, **changed), 400, message, details)


# --- deletion -------------------------------------------------------------------------------------------


def test_a_user_is_deleted_for_good(house: House) -> None:
    """204; their token, their name and their number are nobody's then, and the name is free."""
    account, admin = house.account(username="leaving"), house.token(house.admin())
    jwt, path = house.token(account), f"/users/{account.number}"
    assert_empty(house.ask("DELETE", path, admin), 204)
    assert not house.is_good(jwt)
    assert_refused(house.ask("DELETE", path, admin), 404, *NO_USER)
    again = create(house, username="leaving")
    assert again.status_code == 200
    assert again.json()["Id"] != account.number


def test_who_is_not_deleted(house: House) -> None:
    """The first account, and whoever asks for it."""
    admin = house.account(is_admin=True)
    first = house.ask("DELETE", "/users/1", house.token(admin))
    assert_refused(first, 403, "Cannot remove the initial admin account")
    own = house.ask("DELETE", f"/users/{admin.number}", house.token(admin))
    assert_refused(own, 403, "Cannot remove your own user account. Contact another administrator")
