"""Users, as they see and change themselves and as who manages them does (contract §2, §5)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.elements.speech import (
    FORBIDDEN,
    House,
    assert_refused,
    assert_void,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.people import makers

from dragoman.core import groups
from dragoman.core.accounts import Account
from dragoman.dialects.elements.wire.users import ElementsUser, ElementsUserDetail, ElementsUserProfile

USERS, ME = "/api/2/users", "/api/2/users/me"
TOO_MUCH = "Only who may do all of this may give or take it."


@pytest.fixture(scope="module")
def key(house: House, admin: Account) -> str:
    """The key of a session of the administrator's."""
    return house.token(admin)


@pytest.fixture(scope="module")
def manager(house: House) -> str:
    """The key of somebody who manages users and is no administrator."""
    return house.token(house.account(may=("users:manage", "media:access")))


def test_somebody_sees_themselves(house: House) -> None:
    """The profile has every field that some release's client requires (§5)."""
    account = house.account(email="eve@example.org", may=("media:access",))
    me = house.ask("GET", ME, house.token(account)).json()
    assert me.keys() == set(ElementsUserProfile.model_fields)
    assert (me["id"], me["email"], me["effective_permissions"]) == (
        account.number,
        "eve@example.org",
        ["media:access"],
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_somebody_changes_their_profile(house: House, method: str) -> None:
    """What is given is changed, and nothing else; a full name that is taken away gives way to the username."""
    account = house.account()
    key = house.token(account)
    change = {
        "full_name": "Eve Adams",
        "language": "de",
        "fm_bookmarks": ["/media"],
        "default_page": "/tasks",
    }
    changed = house.ask(method, ME, key, json=change).json()
    assert {name: changed[name] for name in change} == change
    again = house.ask(method, ME, key, json={"full_name": None, "language": None}).json()
    assert (again["full_name"], again["display_name"], again["language"]) == (None, account.username, None)
    assert again["fm_bookmarks"] == ["/media"]


def test_nobody_makes_themselves_more_by_their_profile(house: House) -> None:
    """Fields that are not the profile's to change are passed over."""
    key = house.token(house.account())
    answer = house.ask("PATCH", ME, key, json={"permissions": ["system:admin-access"], "is_enabled": False})
    assert answer.json()["effective_permissions"] == []


def test_a_password_is_changed_by_proving_the_old_one(house: House) -> None:
    """The other sessions end, the caller's does not; a wrong password is 400 about it (§5)."""
    account = house.account()
    key, other = house.token(account), house.token(account)
    body = {"current_password": "wrong", "password": NEW_PASSWORD}
    wrong = house.ask("POST", f"{ME}/password", key, json=body)
    assert_refused(wrong, 400, {"current_password": ["The password is not correct."]})
    assert_void(house.ask("POST", f"{ME}/password", key, json={**body, "current_password": PASSWORD}))
    assert [house.is_good(each) for each in (key, other)] == [True, False]
    assert house.log_in(account.username, NEW_PASSWORD).status_code == 200


def test_an_unfit_password_is_refused_with_reasons(house: House) -> None:
    """400 about `password`, a sentence for each reason."""
    key = house.token(house.account())
    body = {"current_password": PASSWORD, "password": "kq7-z"}
    answer = house.ask("POST", f"{ME}/password", key, json=body)
    assert_refused(answer, 400, {"password": ["Use at least 8 characters."]})


def test_an_api_token_changes_no_password(house: House) -> None:
    """Who holds a token may have found it: a password takes somebody who has signed in."""
    token = house.api_token(house.account())
    body = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    answer = house.ask("POST", f"{ME}/password", token, json=body)
    assert_refused(answer, 400, "This needs somebody who has signed in. An API token will not do.")


def test_who_may_not_change_their_password_is_told_so(house: House, key: str) -> None:
    """`allow_changing_password` false is 403 to its owner, and for a manager no hindrance."""
    account = house.account()
    house.ask("PATCH", f"{USERS}/{account.number}", key, json={"allow_changing_password": False})
    own = house.token(account)
    assert house.ask("GET", ME, own).json()["allow_changing_password"] is False
    body = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    assert_refused(
        house.ask("POST", f"{ME}/password", own, json=body), 403, "You may not change your password."
    )
    assert_void(house.ask("POST", f"{USERS}/{account.number}/password", key, json={"password": NEW_PASSWORD}))


# --- lists ---------------------------------------------------------------------------------------------


def test_everybody_reads_users(own: House) -> None:
    """A bare array of whole users; a user by themselves has groups besides (§2, §4)."""
    people = [own.account(username=name) for name in ("carl", "anna", "berta")]
    key = own.token(people[0])
    found = own.ask("GET", USERS, key).json()
    assert [each["username"] for each in found] == ["carl", "anna", "berta"]
    assert found[0].keys() == set(ElementsUser.model_fields)
    one = own.ask("GET", f"{USERS}/{people[1].number}", key).json()
    assert one.keys() == set(ElementsUserDetail.model_fields)
    assert own.ask("GET", f"{USERS}/{people[1].number}.0", key).json() == one


ARRANGED = {
    "ordering=username": ["anna", "berta", "carl"],
    "ordering=-username": ["carl", "berta", "anna"],
    "ordering=full_name,-username": ["carl", "berta", "anna"],
    "ordering=nothing": ["carl", "anna", "berta"],
    "limit=2": ["carl", "anna"],
    "limit=2&offset=1&ordering=username": ["berta", "carl"],
    "offset=7": [],
    "limit=0": ["carl", "anna", "berta"],
    "limit=many&offset=few": ["carl", "anna", "berta"],
    "limit=-1&offset=-1": ["carl", "anna", "berta"],
    "username=berta": ["berta"],
    "username=nobody": [],
}


def test_lists_come_in_order_and_in_parts(own: House) -> None:
    """Several fields order a list, `-` turns one around; what cannot be read is passed over (§4)."""
    carl, _, _ = (
        own.account(username=name, display_name=full)
        for name, full in (("carl", None), ("anna", "Z"), ("berta", "Z"))
    )
    key = own.token(carl)
    for query, names in ARRANGED.items():
        found = own.ask("GET", f"{USERS}?{query}", key).json()
        assert [each["username"] for each in found] == names, query


# --- managing users ------------------------------------------------------------------------------------


def test_a_user_is_made_without_a_password(house: House, key: str, admin: Account) -> None:
    """201 with the user, and who made it is on record; a password is given afterwards, and then signs in."""
    body = {"username": "nora", "permissions": ["media:access"], "groups": [], "full_name": "Nora North"}
    answer = house.ask("POST", USERS, key, json=body)
    user = answer.json()
    assert answer.status_code == 201
    assert (user["username"], user["display_name"], user["has_password"]) == ("nora", "Nora North", False)
    assert makers(house.core)[user["id"]] == (admin.number, "session")
    assert house.log_in("nora").status_code == 401
    assert_void(house.ask("POST", f"{USERS}/{user['id']}/password", key, json={"password": PASSWORD}))
    assert house.log_in("nora").json()["user"]["effective_permissions"] == ["media:access"]


def test_a_name_is_nobody_elses(house: House, key: str) -> None:
    """A username or an address that somebody has is 400 about that field."""
    house.account(username="otto", email="otto@example.org")
    for field, value in [("username", "Otto"), ("email", "OTTO@example.org")]:
        body = {"username": "another", field: value, "permissions": [], "groups": []}
        says = {field: [f"A user with this {field} already exists."]}
        assert_refused(house.ask("POST", USERS, key, json=body), 400, says)


def test_a_user_is_changed(house: House, key: str) -> None:
    """PUT needs the username, PATCH nothing; what is not given stays, and what is ELEMENTS' own is kept."""
    number = house.account(email="pia@example.org").number
    path = f"{USERS}/{number}"
    assert_refused(house.ask("PUT", path, key, json={}), 400, {"username": ["This field is required."]})
    change: dict[str, Any] = {
        "username": "pia",
        "full_name": "Pia",
        "uid": 1001,
        "home": None,
        "is_cloud": True,
    }
    changed = house.ask("PUT", path, key, json=change).json()
    assert {name: changed[name] for name in change} == change
    assert changed["email"] == "pia@example.org"
    after = house.ask("PATCH", path, key, json={"password_change_required": True}).json()
    assert (after["password_change_required"], after["uid"]) == (True, 1001)


def test_an_address_is_replaced_and_not_taken_away(house: House, key: str) -> None:
    """Without an address somebody might not come in elsewhere; another one is fine."""
    path = f"{USERS}/{house.account(email='quin@example.org').number}"
    assert_refused(
        house.ask("PATCH", path, key, json={"email": None}), 400, {"email": ["This field may not be null."]}
    )
    assert house.ask("PATCH", path, key, json={"email": "q@example.org"}).json()["email"] == "q@example.org"


def test_a_user_is_disabled_and_enabled(house: House, key: str) -> None:
    """Whoever is disabled is out at once, in every product, and comes in again once enabled."""
    account = house.account()
    path, theirs = f"{USERS}/{account.number}", house.token(account)
    assert house.ask("PATCH", path, key, json={"is_enabled": False}).json()["is_enabled"] is False
    assert not house.is_good(theirs)
    assert house.ask("PATCH", path, key, json={"is_enabled": True}).json()["is_enabled"] is True
    assert house.log_in(account.username).status_code == 200


def test_groups_give_permissions(house: House, key: str) -> None:
    """What a user may do is their own and their groups'; one that is not there is 400 (§5)."""
    group = do(house.core, groups.add, "editors", permits=["media:access", "tasks:view"])
    path = f"{USERS}/{house.account().number}"
    body = {"groups": [group.number], "permissions": ["tasks:manage"]}
    user = house.ask("PATCH", path, key, json=body).json()
    assert (user["groups"], user["permissions"]) == ([group.number], ["tasks:manage"])
    assert user["group_permissions"] == ["media:access", "tasks:view"]
    assert user["effective_permissions"] == ["media:access", "tasks:manage", "tasks:view"]
    assert house.ask("PATCH", path, key, json={"groups": []}).json()["effective_permissions"] == [
        "tasks:manage"
    ]


@pytest.mark.parametrize(("field", "value"), [("expiry", "2030-01-01T00:00:00Z"), ("allow_wan_login", False)])
def test_what_nobody_would_mind_is_not_promised(house: House, key: str, field: str, value: Any) -> None:
    """A limit that would not hold here is refused rather than kept."""
    answer = house.ask("PATCH", f"{USERS}/{house.account().number}", key, json={field: value})
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


def test_a_user_is_deleted(house: House, key: str) -> None:
    """They are gone, with their sessions, and the name is free again."""
    account = house.account(username="rosa")
    theirs = house.token(account)
    assert_void(house.ask("DELETE", f"{USERS}/{account.number}", key))
    assert not house.is_good(theirs)
    assert_refused(house.ask("GET", f"{USERS}/{account.number}", key), 404, "Not found.")
    assert house.account(username="rosa").number != account.number


def test_the_last_administrator_stays(own: House) -> None:
    """Nobody is left without one who can sign in."""
    admin = own.account(is_admin=True)
    key = own.token(admin)
    says = "This is the last administrator who can sign in."
    assert_refused(own.ask("DELETE", f"{USERS}/{admin.number}", key), 400, says)
    assert_refused(own.ask("PATCH", f"{USERS}/{admin.number}", key, json={"permissions": []}), 400, says)


# --- who may -------------------------------------------------------------------------------------------


def test_writing_takes_the_permission(house: House) -> None:
    """Whoever may not manage users writes none, themselves included (§5)."""
    account = house.account(may=("users:view",))
    key, path = house.token(account), f"{USERS}/{account.number}"
    for method, where in [
        ("POST", USERS),
        ("PUT", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/password"),
    ]:
        assert_refused(house.ask(method, where, key, json={}), 403, FORBIDDEN)


def test_a_manager_manages_those_who_may_no_more(house: House, manager: str) -> None:
    """`users:manage` makes, changes and deletes users, but gives nothing that its holder lacks."""
    body = {"username": "sven", "permissions": ["media:access"], "groups": []}
    path = f"{USERS}/{house.ask('POST', USERS, manager, json=body).json()['id']}"
    assert house.ask("PATCH", path, manager, json={"full_name": "Sven"}).status_code == 200
    more = house.ask("PATCH", path, manager, json={"permissions": ["shares:manage"]})
    assert_refused(more, 403, TOO_MUCH)
    assert_void(house.ask("DELETE", path, manager))


def test_a_manager_is_no_way_to_an_administrator(house: House, manager: str, admin: Account) -> None:
    """A manager makes nobody an administrator, and changes, deletes and lets in none."""
    path = f"{USERS}/{admin.number}"
    for method, where, body in [
        ("PATCH", path, {"full_name": "Mallory"}),
        ("POST", f"{path}/password", {"password": NEW_PASSWORD}),
        ("DELETE", path, None),
    ]:
        assert_refused(house.ask(method, where, manager, json=body), 403, TOO_MUCH)
    made: dict[str, Any] = {"username": "mallory", "permissions": ["system:admin-access"], "groups": []}
    assert_refused(house.ask("POST", USERS, manager, json=made), 403, FORBIDDEN)
    user = f"{USERS}/{house.account().number}"
    change = {"permissions": ["system:admin-access"]}
    assert_refused(house.ask("PATCH", user, manager, json=change), 403, FORBIDDEN)


def test_an_administrator_makes_another(house: House, key: str, admin: Account) -> None:
    """`system:admin-access` is what makes one, by whoever has signed in as one; a token does not (§4)."""
    path, change = f"{USERS}/{house.account().number}", {"permissions": ["system:admin-access"]}
    by_token = house.ask("PATCH", path, house.api_token(admin), json=change)
    assert_refused(by_token, 400, "This needs somebody who has signed in. An API token will not do.")
    assert house.ask("PATCH", path, key, json=change).json()["permissions"] == ["system:admin-access"]
    assert house.ask("PATCH", path, key, json={"permissions": []}).json()["permissions"] == []
