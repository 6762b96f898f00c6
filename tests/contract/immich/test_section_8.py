"""What was seen when real clients of several releases were run (contract §8), and what sets the releases apart (§5).

| line | tests here |
| --- | --- |
| one release at a time | `test_fields_that_clients_compare`, `test_a_release_is_a_setting` |
| the names of permissions | `test_permissions_are_the_releases` |
| neighbours of a sign-in | `test_neighbours_answer`, `test_a_user_is_administered` |
| /.well-known/immich | `test_well_known_is_at_both_places` |
| secrets never start with "-" | `test_secrets_are_letters_and_digits` |
| §5.2 empty strings | `test_empty_strings`, `test_an_empty_name_is_none` |

Statuses (§5.1) and the bodies of refusals (§0.3) are in `test_releases.py`, field by field and rule by rule what is
sent in `test_rules.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.contract.immich.speech import House
from tests.contract.immich.spoken import by, complaints, message, succeeded
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.running import configured

from dragoman.dialects.immich.behaviour import NAMES
from dragoman.settings.problems import SettingsError

USER_FIELDS = {"1.134": 17, "2.7": 17, "3.2": 18}
PERMISSIONS = {"1.134": 84, "2.7": 156, "3.2": 168}
SINCE_2 = {"appVersion", "isPendingSyncReset"}
OF_A_KEY = {"id", "name", "createdAt", "updatedAt", "permissions"}


def test_fields_that_clients_compare(spoken: tuple[str, House]) -> None:
    """Log-in, sessions, users and new keys have what the release's typed clients require, and no more."""
    release, house = spoken
    person = house.person()
    assert ("isOnboarded" in succeeded(house.log_in(person.email), 201)) is (release != "1.134")
    for session in succeeded(house.ask("GET", "/sessions", person.token), 200):
        assert SINCE_2 & session.keys() == (set() if release == "1.134" else SINCE_2)
    user = succeeded(house.ask("GET", "/users/me", person.token), 200)
    assert len(user) == USER_FIELDS[release]
    assert ("clusterGroupId" in user) is (release == "3.2")
    key = succeeded(house.ask("POST", "/api-keys", person.token, json={"permissions": ["all"]}), 201)
    assert key.keys() == {"secret", "apiKey"} | (OF_A_KEY if release == "3.2" else set())
    assert key["apiKey"].keys() == OF_A_KEY
    if release == "3.2":
        assert {name: key[name] for name in OF_A_KEY} == key["apiKey"]


def test_a_release_is_a_setting(tmp_path: Path) -> None:
    """Which release is spoken is told by the configuration, and has to be one of the three."""
    url = f"sqlite:///{tmp_path}/dragoman.db"
    for release in NAMES:
        told = configured(url, dialects={"immich": {"speaks": release}}).dialects["immich"]
        assert told.model_dump()["speaks"] == release
    with pytest.raises(SettingsError):
        configured(url, dialects={"immich": {"speaks": "3.0"}})


def test_permissions_are_the_releases(spoken: tuple[str, House]) -> None:
    """A refusal of an unknown permission lists the release's own: 84, 156 or 168 names."""
    release, house = spoken
    answer = house.ask("POST", "/api-keys", house.person().token, json={"permissions": ["nothing"]})
    (said,) = [text for text in complaints(answer) if "admin" in text]
    names = (
        said.split('expected one of "')[-1].split('"|"')
        if release == "3.2"
        else said.split(": ")[1].split(", ")
    )
    assert len(names) == PERMISSIONS[release]
    assert ("adminUser.read" in said, "admin.user.read" in said) == (release != "1.134", release == "1.134")
    assert ("apiKey.rotate" in said, "asset.replace" in said) == (release == "3.2", release == "2.7")


@pytest.mark.parametrize("by_api_key", [False, True], ids=["session", "key"])
def test_neighbours_answer(spoken: tuple[str, House], by_api_key: bool) -> None:
    """What journeys of signing in touch answers, by session and by key, a GET with a JSON body as well."""
    _, house = spoken
    admin = house.person(is_admin=True)
    headers = (
        by(house.key(admin.account, "all")[1]) if by_api_key else {"authorization": f"Bearer {admin.token}"}
    )

    def read(path: str, **named: Any) -> Any:
        return succeeded(house.ask("GET", path, headers=headers, **named), 200)

    assert read("/assets/statistics") == {"images": 0, "videos": 0, "total": 0}
    assert read("/server/statistics")["photos"] == 0
    assert read("/server/version-check").keys() == {"checkedAt", "releaseVersion"}
    assert read("/albums") == []
    mine = str(admin.account.id)
    for path in ("/users", "/admin/users"):
        assert mine in {user["id"] for user in read(path, json={})}
    for path in (f"/users/{mine}", f"/admin/users/{mine}"):
        assert read(path)["email"] == admin.email
    assert read(f"/admin/users/{mine}/preferences") == read("/users/me/preferences")


def test_a_user_is_administered(spoken: tuple[str, House]) -> None:
    """An administrator makes a user, changes them and their preferences, deletes and restores them."""
    release, house = spoken
    boss = house.person(is_admin=True).token
    new = {"email": f"new-{release}@example.com", "password": PASSWORD, "name": "New"}
    path = f"/admin/users/{succeeded(house.ask('POST', '/admin/users', boss, json=new), 201)['id']}"
    assert succeeded(house.ask("PUT", path, boss, json={"name": "Old"}), 200)["name"] == "Old"
    chosen = {"folders": {"enabled": True}}
    preferences = succeeded(house.ask("PUT", f"{path}/preferences", boss, json=chosen), 200)
    assert preferences["folders"]["enabled"] is True
    assert succeeded(house.ask("DELETE", path, boss, json={}), 200)["status"] == "deleted"
    assert succeeded(house.ask("POST", f"{path}/restore", boss), 200)["status"] == "active"


@pytest.mark.parametrize("below", ["", "/immich"])
def test_well_known_is_at_both_places(spoken: tuple[str, House], below: str) -> None:
    """Asked at the origin or under the mount, it leads to the API behind the prefix."""
    _, house = spoken
    answer = house.ask_url("GET", f"{house.served.url}{below}/.well-known/immich")
    assert succeeded(answer, 200) == {"api": {"endpoint": "/immich/api"}}


def test_secrets_are_letters_and_digits(spoken: tuple[str, House]) -> None:
    """No token and no key has anything that a command line or a URL would read otherwise, a leading "-" least."""
    _, house = spoken
    person = house.person()
    for _ in range(20):
        token = succeeded(house.ask("POST", "/sessions", person.token, json={}), 201)["token"]
        key = succeeded(house.ask("POST", "/api-keys", person.token, json={"permissions": ["all"]}), 201)
        assert token.isascii()
        assert (token + key["secret"]).isalnum()
        assert len(token) > 30


def test_empty_strings(spoken: tuple[str, House]) -> None:
    """Since 3.0 an empty password passes the rules and is a wrong one; before, it breaks one (§5.2)."""
    release, house = spoken
    person = house.person()
    login = house.log_in(person.email, "")
    change = house.call("change_password", person.token, {"password": "", "newPassword": NEW_PASSWORD})
    if release == "3.2":
        assert message(login, 401) == "Incorrect email or password"
        assert message(change, 400) == "Wrong password"
    else:
        assert complaints(login) == complaints(change) == ["password should not be empty"]


def test_an_empty_name_is_none(spoken: tuple[str, House]) -> None:
    """Since 3.0 an empty name passes, and names nobody: who is new is called by their address, who is known as before."""
    release, house = spoken
    person, boss = house.person(), house.person(is_admin=True)
    new = {"email": f"nameless-{release}@example.com", "password": PASSWORD, "name": ""}
    made = house.ask("POST", "/admin/users", boss.token, json=new)
    changed = house.ask("PUT", "/users/me", person.token, json={"name": ""})
    if release == "3.2":
        assert succeeded(made, 201)["name"] == f"nameless-{release}"
        assert succeeded(changed, 200)["name"] == person.account.display_name
    else:
        assert complaints(made) == complaints(changed) == ["name should not be empty"]
