"""The endpoints around a sign-in that apps ask before and after it (contract §4.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.contract.immich.speech import SIGN_UP, House, assert_refused, assert_says, visiting
from tests.fakes import NEW_PASSWORD, PASSWORD, FakeClock, cheap_hasher, do
from tests.running import configured, running

from dragoman.core import accounts

COLOURS = ["primary", "pink", "red", "yellow", "blue", "green", "purple", "orange", "gray", "amber"]
BY_COLOUR = f"avatarColor must be one of the following values: {', '.join(COLOURS)}"
FIRST_PASSWORD = "Changing the password needs the current one: use /auth/change-password"


def test_well_known_leads_to_the_api(house: House) -> None:
    """Apps find the API from the origin and from below the mount; both name the path with the mount (§8)."""
    for url in (f"{house.served.url}/.well-known/immich", f"{house.served.url}/immich/.well-known/immich"):
        assert_says(house.ask_url("GET", url), 200, {"api": {"endpoint": "/immich/api"}})


@pytest.mark.parametrize("path", ["/photos", "/old/photos"])
def test_well_known_follows_the_mount(tmp_path: Path, path: str) -> None:
    """The mount is a setting, and the answer says what was set."""
    url = f"sqlite:///{tmp_path}/dragoman.db"
    settings = configured(url, dialects={"immich": {"path": path}})
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        for place in ("", path):
            found = house.ask_url("GET", f"{served.url}{place}/.well-known/immich")
            assert_says(found, 200, {"api": {"endpoint": f"{path}/api"}})
        assert house.ask_url("GET", f"{served.url}{path}/api/server/ping").status_code == 200
        assert house.ask_url("GET", f"{served.url}/immich/api/server/ping").status_code == 404


def test_well_known_of_a_host_of_its_own(tmp_path: Path) -> None:
    """On a host name of its own the API is where Immich has it."""
    url = f"sqlite:///{tmp_path}/dragoman.db"
    settings = configured(url, dialects={"immich": {"host": "photos.example.org"}})
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        headers = {"host": "photos.example.org"}
        found = house.ask_url("GET", f"{served.url}/.well-known/immich", headers=headers)
        assert_says(found, 200, {"api": {"endpoint": "/api"}})
        pong = house.ask_url("GET", f"{served.url}/api/server/ping", headers=headers)
        assert_says(pong, 200, {"res": "pong"})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/server/ping", {"res": "pong"}),
        ("/server/version", {"major": 1, "minor": 134, "patch": 0}),
        (
            "/server/features",
            {
                "smartSearch": False,
                "duplicateDetection": False,
                "configFile": False,
                "facialRecognition": False,
                "map": False,
                "trash": False,
                "reverseGeocoding": False,
                "importFaces": False,
                "oauth": False,
                "oauthAutoLaunch": False,
                "passwordLogin": True,
                "sidecar": False,
                "search": False,
                "email": False,
            },
        ),
        (
            "/server/config",
            {
                "oauthButtonText": "Login with OAuth",
                "loginPageMessage": "",
                "trashDays": 30,
                "userDeleteDelay": 7,
                "isInitialized": True,
                "isOnboarded": True,
                "externalDomain": "",
                "publicUsers": True,
                "mapDarkStyleUrl": "https://tiles.immich.cloud/v1/style/dark.json",
                "mapLightStyleUrl": "https://tiles.immich.cloud/v1/style/light.json",
            },
        ),
    ],
)
def test_server_tells_strangers_what_apps_ask(house: House, path: str, body: dict[str, Any]) -> None:
    """Before a sign-in, and with any credential, an app learns version, features and configuration (§4.2)."""
    assert_says(house.ask("GET", path), 200, body)
    assert_says(house.ask("GET", path, "nobody-s-token"), 200, body)


@pytest.mark.parametrize("end", [accounts.disable, accounts.delete_softly])
def test_server_is_initialized_while_there_is_an_administrator(own: House, end: Any) -> None:
    """`isInitialized` says that an administrator exists who is not deleted (§2.6)."""
    assert own.ask("GET", "/server/config").json()["isInitialized"] is False
    person = own.account(is_admin=False)
    assert own.ask("GET", "/server/config").json()["isInitialized"] is False
    admin = own.account(is_admin=True)
    assert own.ask("GET", "/server/config").json()["isInitialized"] is True
    do(own.core, end, person.number)
    assert own.ask("GET", "/server/config").json()["isInitialized"] is True
    do(own.core, accounts.delete_softly, admin.number)
    assert own.ask("GET", "/server/config").json()["isInitialized"] is False


def test_about_tells_the_version(house: House) -> None:
    """Who is signed in learns the release by its name."""
    said = {
        "version": "v1.134.0",
        "versionUrl": "https://github.com/immich-app/immich/releases/tag/v1.134.0",
        "licensed": False,
    }
    assert_says(house.call("get_about_info", house.person().token), 200, said)


def test_preferences_are_all_there(house: House) -> None:
    """Every object and field that apps force to be there, with 1.134's defaults, and none of later releases."""
    said = {
        "folders": {"enabled": False, "sidebarWeb": False},
        "memories": {"enabled": True},
        "people": {"enabled": True, "sidebarWeb": False},
        "ratings": {"enabled": False},
        "sharedLinks": {"enabled": True, "sidebarWeb": False},
        "tags": {"enabled": False, "sidebarWeb": False},
        "emailNotifications": {"enabled": True, "albumInvite": True, "albumUpdate": True},
        "download": {"archiveSize": 4294967296, "includeEmbeddedVideos": False},
        "purchase": {"showSupportBadge": True, "hideBuyButtonUntil": "2022-02-12T00:00:00.000Z"},
    }
    assert_says(house.call("get_my_preferences", house.person().token), 200, said)


def test_users_me_is_what_sign_up_answered(owns: House) -> None:
    """Who signed up finds in users/me, byte for byte, what the sign-up said."""
    signed_up = owns.call("sign_up_admin", body=SIGN_UP)
    token = owns.log_in(SIGN_UP["email"]).json()["accessToken"]
    me = owns.call("get_my_user", token)
    assert (me.status_code, me.text) == (200, signed_up.text)


@pytest.mark.parametrize("body", [{}, None, {"unknown": 1}, []])
def test_update_of_nothing_changes_nothing(houses: House, body: Any) -> None:
    """An update without a field that users may change answers with the user as it is."""
    person = houses.person()
    before = houses.call("get_my_user", person.token).json()
    after = houses.call("update_my_user", person.token, body)
    assert after.status_code == 200
    assert {**after.json(), "updatedAt": before["updatedAt"]} == before


def test_update_changes_what_is_given(houses: House) -> None:
    """Name, e-mail address and colour change apart and together; what is not given stays."""
    person = houses.person()
    named = houses.call("update_my_user", person.token, {"name": "Ada Lovelace"}).json()
    assert (named["name"], named["email"]) == ("Ada Lovelace", person.email)
    moved = f"moved-{person.number}@Example.com"
    response = houses.call("update_my_user", person.token, {"email": moved, "avatarColor": "pink"}).json()
    assert (response["email"], response["name"]) == (moved.lower(), "Ada Lovelace")
    assert response["avatarColor"] == "pink"
    assert houses.log_in(moved).status_code == 201
    assert houses.log_in(person.email).status_code == 401


def test_update_to_the_own_email_is_no_clash(houses: House) -> None:
    """Sending one's own e-mail address along, as apps do, changes nothing."""
    person = houses.person()
    body = {"email": person.email.upper(), "name": "Ada"}
    response = houses.call("update_my_user", person.token, body)
    assert (response.status_code, response.json()["email"]) == (200, person.email)


def test_email_of_somebody_else_is_refused(houses: House) -> None:
    """A taken e-mail address is refused in any case, and nothing else of the update happens (§4.1)."""
    ada, bob = houses.person(), houses.person()
    for email in (bob.email, bob.email.upper()):
        body = {"name": "Not Ada", "email": email, "avatarColor": "red"}
        refused = houses.call("update_my_user", ada.token, body)
        assert_refused(refused, 400, "Email already in use by another account")
    assert houses.call("get_my_user", ada.token).json()["name"] == "Somebody"


@pytest.mark.parametrize("colour", COLOURS)
def test_avatar_colour_is_set_and_unset(houses: House, colour: str) -> None:
    """Each of the ten colours can be chosen; null goes back to the one that the e-mail address makes."""
    person = houses.person()
    unset = houses.call("get_my_user", person.token).json()["avatarColor"]
    chosen = houses.call("update_my_user", person.token, {"avatarColor": colour})
    assert chosen.json()["avatarColor"] == colour
    assert houses.call("update_my_user", person.token, {"name": "Ada"}).json()["avatarColor"] == colour
    back = houses.call("update_my_user", person.token, {"avatarColor": None})
    assert back.json()["avatarColor"] == unset


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({"avatarColor": "mauve"}, [BY_COLOUR]),
        ({"avatarColor": "RED"}, [BY_COLOUR]),
        ({"avatarColor": ""}, [BY_COLOUR]),
        ({"avatarColor": 1}, [BY_COLOUR]),
        ({"avatarColor": ["red"]}, [BY_COLOUR]),
        ({"email": "nobody"}, ["email must be an email"]),
        ({"email": None}, ["email must be an email"]),
        ({"email": ""}, ["email must be an email"]),
        ({"name": ""}, ["name should not be empty"]),
        ({"name": None}, ["name should not be empty", "name must be a string"]),
        ({"name": 1}, ["name must be a string"]),
        ({"password": ""}, ["password should not be empty"]),
        ({"password": None}, ["password must be a string", "password should not be empty"]),
        ({"password": 1}, ["password must be a string"]),
        (
            {"avatarColor": "mauve", "name": 1, "password": 1, "email": 1},
            ["email must be an email", "password must be a string", "name must be a string", BY_COLOUR],
        ),
    ],
)
def test_update_complains_in_order(house: House, body: Any, messages: list[str]) -> None:
    """Each field that is given keeps its rules: e-mail address, password, name, colour."""
    person = house.person(must_change_password=True)
    assert_refused(house.call("update_my_user", person.token, body), 400, messages)


@pytest.mark.parametrize(
    ("name", "said"),
    [("a\u0000", "must not contain control characters"), ("a" * 257, "must be at most 256 characters long")],
)
def test_names_that_cannot_be_stored_are_refused(houses: House, name: str, said: str) -> None:
    """A name that is no name is refused in the shape of validation."""
    assert_refused(
        houses.call("update_my_user", houses.person().token, {"name": name}), 400, [f"name {said}"]
    )


def test_first_password_is_set_without_the_old_one(houses: House) -> None:
    """Who must change their password may, once, without the old one; the flag is cleared with it (§2.1)."""
    person = houses.person(must_change_password=True)
    response = houses.call("update_my_user", person.token, {"password": NEW_PASSWORD})
    assert (response.status_code, response.json()["shouldChangePassword"]) == (200, False)
    assert houses.log_in(person.email, NEW_PASSWORD).json()["shouldChangePassword"] is False
    assert houses.log_in(person.email, PASSWORD).status_code == 401
    again = houses.call("update_my_user", person.token, {"password": PASSWORD})
    assert_refused(again, 400, FIRST_PASSWORD)
    assert houses.log_in(person.email, NEW_PASSWORD).status_code == 201


def test_password_of_somebody_settled_is_not_set_here(houses: House) -> None:
    """Without `shouldChangePassword` the old password is needed, so that a stolen session cannot take over (§11)."""
    person = houses.person()
    refused = houses.call("update_my_user", person.token, {"password": NEW_PASSWORD, "name": "Ada"})
    assert_refused(refused, 400, FIRST_PASSWORD)
    assert houses.log_in(person.email).json()["name"] == "Somebody"


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("password", "must not be one of the most common passwords"),
        ("gr33n-8", "must be longer than or equal to 8 characters"),
        ("ü" * 4000, "must be shorter than or equal to 4096 bytes"),
    ],
)
def test_first_password_keeps_the_policy(houses: House, password: str, said: str) -> None:
    """A first password is held to the same policy as any, and the flag stays until one is accepted."""
    person = houses.person(must_change_password=True)
    refused = houses.call("update_my_user", person.token, {"password": password})
    assert_refused(refused, 400, [f"password {said}"])
    assert houses.log_in(person.email).json()["shouldChangePassword"] is True
