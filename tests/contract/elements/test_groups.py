"""Groups over HTTP: who reads and writes them, and what their members may do by them (contract §5)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.elements.speech import FORBIDDEN, House, assert_refused, assert_void

from dragoman.core.accounts import Account
from dragoman.dialects.elements.wire.groups import ElementsGroup, ElementsGroupDetail

GROUPS = "/api/2/groups"
TOO_MUCH = "Only who may do all of this may give or take it."


@pytest.fixture(scope="module")
def key(house: House, admin: Account) -> str:
    """The key of a session of the administrator's."""
    return house.token(admin)


def made(house: House, key: str, name: str, **more: Any) -> dict[str, Any]:
    """A new group, as it was answered."""
    answer = house.ask("POST", GROUPS, key, json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_group_lets_its_members(house: House, key: str) -> None:
    """Members may do what the group may, and say so apart from what is their own."""
    account = house.account(may=("media:access",))
    group = made(house, key, "lets", permissions=["users:view"], members=[account.number])
    assert group.keys() == set(ElementsGroupDetail.model_fields)
    assert [member["id"] for member in group["members"]] == [account.number]
    user = house.ask("GET", f"/api/2/users/{account.number}", key).json()
    assert (user["groups"], user["group_permissions"]) == ([group["id"]], ["users:view"])
    assert user["effective_permissions"] == ["media:access", "users:view"]
    assert house.ask("GET", GROUPS, house.token(account)).status_code == 200


def test_a_group_is_listed_and_shown(house: House, key: str) -> None:
    """Lists have members by their numbers, and previews of some; a group by itself has them whole."""
    members = [house.account(email=f"member-{n}@example.org") for n in range(6)]
    numbers = [member.number for member in members]
    group = made(house, key, "shown", members=numbers, gid=7, unix_groupname="staff")
    [listed] = [each for each in house.ask("GET", GROUPS, key).json() if each["id"] == group["id"]]
    assert listed.keys() == set(ElementsGroup.model_fields)
    assert (listed["members"], listed["gid"], listed["unix_groupname"]) == (numbers, 7, "staff")
    assert listed["members_preview"] == [
        {"id": member.number, "avatar": None, "email": member.email} for member in members[:5]
    ]
    assert house.ask("GET", f"{GROUPS}/{group['id']}", key).json() == group


def test_lists_are_in_the_order_that_is_asked_for(house: House, key: str) -> None:
    """By id unless a field is named; a part of them with limit and offset."""
    for name in ("order b", "order c", "order a"):
        made(house, key, name)
    names = [group["name"] for group in house.ask("GET", f"{GROUPS}?ordering=-name", key).json()]
    assert names == sorted(names, reverse=True)
    part = house.ask("GET", f"{GROUPS}?ordering=-name&limit=2&offset=1", key).json()
    assert [group["name"] for group in part] == names[1:3]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_group_is_changed(house: House, key: str, method: str) -> None:
    """What is given is changed, and what is not stays."""
    account = house.account()
    group = made(
        house, key, f"before {method}", permissions=["media:access"], members=[account.number], gid=7
    )
    path = f"{GROUPS}/{group['id']}"
    changed = house.ask(method, path, key, json={"name": f"after {method}", "members": []}).json()
    assert changed == {**group, "name": f"after {method}", "members": [], "members_preview": []}


def test_a_deleted_group_is_gone(house: House, key: str) -> None:
    """Its members may no longer do what it let them, and it is not found any more."""
    account = house.account()
    group = made(house, key, "gone", permissions=["users:view"], members=[account.number])
    path = f"{GROUPS}/{group['id']}"
    assert_void(house.ask("DELETE", path, key))
    for method in ("GET", "DELETE", "PATCH"):
        sent: dict[str, Any] = {"json": {}} if method == "PATCH" else {}
        assert_refused(house.ask(method, path, key, **sent), 404, "Not found.")
    assert_refused(house.ask("GET", GROUPS, house.token(account)), 403, FORBIDDEN)


@pytest.mark.parametrize(
    ("body", "complaints"),
    [
        ({}, {"name": ["This field is required."]}),
        ({"name": " "}, {"name": ["This field may not be blank."]}),
        ({"name": "taken"}, {"name": ["A group with this name already exists."]}),
        ({"name": "x", "members": [9999]}, {"members": ['Invalid pk "9999" - object does not exist.']}),
        (
            {"name": "x", "permissions": "all"},
            {"permissions": ['Expected a list of items but got type "str".']},
        ),
        (
            {"name": "x", "permissions": ["p" * 129]},
            {"permissions": ["This field must be at most 128 characters long."]},
        ),
    ],
)
def test_what_makes_no_group_is_refused(
    house: House, key: str, body: Any, complaints: dict[str, list[str]]
) -> None:
    """A name that is missing, blank or taken, and members or permissions that cannot be: 400 about the field."""
    if "taken" in str(body):
        made(house, key, "taken")
    assert_refused(house.ask("POST", GROUPS, key, json=body), 400, complaints)


def test_who_views_reads_and_who_manages_writes(house: House, key: str) -> None:
    """Without users:view groups are not read, and without users:manage not written; nor given more than one has."""
    group = made(house, key, "guarded", permissions=["media:access"])
    path = f"{GROUPS}/{group['id']}"
    nobody, viewer = house.token(house.account()), house.token(house.account(may=("users:view",)))
    manager = house.token(house.account(may=("users:view", "users:manage")))
    assert_refused(house.ask("GET", GROUPS, nobody), 403, FORBIDDEN)
    assert house.ask("GET", path, viewer).status_code == 200
    assert_refused(house.ask("POST", GROUPS, viewer, json={"name": "new"}), 403, FORBIDDEN)
    assert made(house, manager, "theirs", permissions=["users:view"])["permissions"] == ["users:view"]
    assert_refused(house.ask("PATCH", path, manager, json={"permissions": []}), 403, TOO_MUCH)
    assert_refused(house.ask("DELETE", path, manager), 403, TOO_MUCH)
