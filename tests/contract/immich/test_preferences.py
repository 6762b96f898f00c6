"""Preferences: what nobody chose, what somebody did, and in which release it is shown (contract §4.1)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tests.contract.immich.speech import House, assert_refused
from tests.contract.immich.spoken import by, message
from tests.fakes import do

from dragoman.core import accounts

DEFAULTS: Any = json.loads((Path(__file__).parent / "oracles" / "preferences.json").read_text("utf-8"))
MINE = "/users/me/preferences"


def stored(house: House, number: int) -> Any:
    """What the dialect keeps with an account."""
    account = do(house.core, accounts.find_by_number, number)
    assert account is not None
    return account.attributes.get("immich", {})


def test_what_nobody_chose_is_the_products(spoken: tuple[str, House]) -> None:
    """Everybody begins with the defaults of the release, group by group, no more and no fewer."""
    release, house = spoken
    assert house.ask("GET", MINE, house.person().token).json() == DEFAULTS[release]


def test_a_change_is_laid_over_what_is_there(spoken: tuple[str, House]) -> None:
    """A field that is given changes; its neighbours, its group's and other people's, stay."""
    release, house = spoken
    person, other = house.person(), house.person()
    body = {"folders": {"sidebarWeb": True}, "download": {"archiveSize": 1024}}
    changed = house.ask("PUT", MINE, person.token, json=body)
    wanted = deepcopy(DEFAULTS[release])
    wanted["folders"]["sidebarWeb"] = True
    wanted["download"]["archiveSize"] = 1024
    assert (changed.status_code, changed.json()) == (200, wanted)
    again = house.ask("PUT", MINE, person.token, json={"folders": {"enabled": True}, "tags": {}})
    wanted["folders"]["enabled"] = True
    assert again.json() == wanted == house.ask("GET", MINE, person.token).json()
    assert house.ask("GET", MINE, other.token).json() == DEFAULTS[release]


def test_changes_under_way_at_once_are_all_kept(houses: House) -> None:
    """Apps that change different fields of one group at once do not undo each other, on either engine."""
    person = houses.person()
    bodies: list[Any] = [
        {"emailNotifications": {name: False}} for name in ("enabled", "albumInvite", "albumUpdate")
    ]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda body: houses.ask("PUT", MINE, person.token, json=body), bodies))
    kept = houses.ask("GET", MINE, person.token).json()["emailNotifications"]
    assert kept == {"enabled": False, "albumInvite": False, "albumUpdate": False}


def test_a_release_passes_over_what_later_ones_added(house: House) -> None:
    """1.134 neither takes nor judges what came later, whole groups and fields of groups alike."""
    person = house.person()
    body = {
        "memories": {"duration": "long", "sidebarWeb": 1},
        "cast": {"gCastEnabled": "x"},
        "albums": None,
        "people": {"minimumFaces": 0},
        "recentlyAdded": 5,
    }
    assert house.ask("PUT", MINE, person.token, json=body).json() == DEFAULTS["1.134"]
    assert not stored(house, person.number)


def test_what_is_no_field_is_not_stored(house: House) -> None:
    """Whatever else is sent is dropped."""
    person = house.person()
    body = {"folders": {"isAdmin": True, "colour": "red"}, "pets": {"enabled": True}}
    assert house.ask("PUT", MINE, person.token, json=body).status_code == 200
    assert not stored(house, person.number)


def test_the_avatars_colour_is_no_preference(house: House) -> None:
    """`avatar.color` changes the colour that the user has everywhere, and is not among the preferences."""
    person = house.person()
    changed = house.ask("PUT", MINE, person.token, json={"avatar": {"color": "amber"}})
    assert changed.json() == DEFAULTS["1.134"]
    assert house.ask("GET", "/users/me", person.token).json()["avatarColor"] == "amber"


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({"folders": None}, ["nested property folders must be either object or array"]),
        ({"folders": {"enabled": None}}, ["folders.enabled must be a boolean value"]),
        (
            {"download": {"archiveSize": "x"}, "purchase": {"hideBuyButtonUntil": "soon"}},
            [
                "download.archiveSize must be a positive number",
                "download.archiveSize must be an integer number",
                "purchase.hideBuyButtonUntil must be a valid ISO 8601 date string",
            ],
        ),
    ],
)
def test_broken_preferences_are_named_by_their_group(
    house: House, body: dict[str, Any], messages: list[str]
) -> None:
    """Each complaint names group and field, and nothing of the body is kept."""
    person = house.person()
    whole = {"ratings": {"enabled": True}, **body}
    assert_refused(house.ask("PUT", MINE, person.token, json=whole), 400, messages)
    assert not stored(house, person.number)


def test_an_administrator_sees_and_changes_anybodys(spoken: tuple[str, House]) -> None:
    """Through `/admin/users` the same preferences are read and changed, those of deleted people only read."""
    release, house = spoken
    admin, person = house.person(is_admin=True), house.person()
    path = f"/admin/users/{person.account.id}/preferences"
    changed = house.ask("PUT", path, admin.token, json={"ratings": {"enabled": True}})
    wanted = {**DEFAULTS[release], "ratings": {"enabled": True}}
    assert (changed.status_code, changed.json()) == (200, wanted)
    assert house.ask("GET", MINE, person.token).json() == wanted
    assert message(house.ask("GET", path, person.token), 403) == "Forbidden"
    do(house.core, accounts.delete_softly, person.number)
    assert house.ask("GET", path, admin.token).json() == wanted
    assert message(house.ask("PUT", path, admin.token, json={}), 400) == "User not found"


def test_keys_need_the_releases_permission(spoken: tuple[str, House]) -> None:
    """1.134 asks nothing of a key for its owner's preferences; later releases ask for one permission each."""
    release, house = spoken
    account = house.account()
    _, other = house.key(account, "tag.read")
    _, fitting = house.key(account, "userPreference.read")
    if release == "1.134":
        assert house.ask("GET", MINE, headers=by(other)).status_code == 200
        return
    lacking = house.ask("GET", MINE, headers=by(other))
    assert message(lacking, 403) == "Missing required permission: userPreference.read"
    assert house.ask("GET", MINE, headers=by(fitting)).status_code == 200
    lacking = house.ask("PUT", MINE, headers=by(fitting), json={})
    assert message(lacking, 403) == "Missing required permission: userPreference.update"
