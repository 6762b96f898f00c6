"""`/api-keys`: made, shown, changed, rotated, revoked; and never more powerful than their maker (contract §4.1, §6)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.immich.speech import House, Person, assert_refused
from tests.contract.immich.spoken import LATER, NAMES, by, message, speaking

from dragoman.dialects.immich.releases import PERMISSIONS
from dragoman.dialects.immich.wire import iso

NOT_FOUND = "API Key not found"
TOO_MUCH = "Cannot grant permissions you do not have"
FIELDS = ["id", "name", "createdAt", "updatedAt", "permissions"]
AT_LEAST_ONE = "permissions must contain at least 1 elements"


@pytest.fixture(scope="module", params=LATER)
def later(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, House]]:
    """A server for each release after the first."""
    with speaking(request.param, sqlite_template, tmp_path_factory.mktemp("later")) as house:
        yield request.param, house


@pytest.fixture(scope="module")
def newest(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that speaks 3.2."""
    with speaking("3.2", sqlite_template, tmp_path_factory.mktemp("newest")) as house:
        yield house


def made(house: House, person: Person, *permissions: str, **body: Any) -> tuple[str, str]:
    """A key that its owner has made over HTTP: its id and its secret."""
    answer = house.ask("POST", "/api-keys", person.token, json={"permissions": list(permissions), **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["apiKey"]["id"], answer.json()["secret"]


def shown(house: House, person: Person, key: str) -> dict[str, Any]:
    """What a key's owner is shown of it."""
    answer = house.ask("GET", f"/api-keys/{key}", person.token)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def works(house: House, secret: str) -> bool:
    """Whether a key is good."""
    return house.call("validate_access_token", headers=by(secret)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api-keys"),
        ("GET", "/api-keys"),
        ("GET", "/api-keys/2d7f8c1a-2c1b-4c1b-8c1b-2d7f8c1a2c1b"),
        ("PUT", "/api-keys/2d7f8c1a-2c1b-4c1b-8c1b-2d7f8c1a2c1b"),
        ("DELETE", "/api-keys/2d7f8c1a-2c1b-4c1b-8c1b-2d7f8c1a2c1b"),
    ],
)
def test_every_route_is_guarded(house: House, method: str, path: str) -> None:
    """Without a credential nobody makes, sees, changes or revokes a key."""
    assert_refused(house.ask(method, path), 401, "Authentication required")


def test_a_key_is_made_and_shown_once(spoken: tuple[str, House]) -> None:
    """The answer has the secret and the key; 3.2 says everything of the key at its own level, too."""
    release, house = spoken
    person = house.person()
    asked = {"name": "Backup", "permissions": ["tag.read", "album.read"]}
    answer = house.ask("POST", "/api-keys", person.token, json=asked)
    assert answer.status_code == 201, answer.text
    said = answer.json()
    key = said["apiKey"]
    moment = iso(house.clock.now)
    assert list(key) == FIELDS
    assert key == {
        "id": key["id"],
        "name": "Backup",
        "createdAt": moment,
        "updatedAt": moment,
        "permissions": key["permissions"],
    }
    assert sorted(key["permissions"]) == ["album.read", "tag.read"]
    assert list(said) == ([*FIELDS, "secret", "apiKey"] if release == "3.2" else ["secret", "apiKey"])
    assert {name: said[name] for name in FIELDS if name in said} == (key if release == "3.2" else {})
    assert shown(house, person, key["id"]) == key
    assert re.fullmatch("[A-Za-z0-9]{32,}", said["secret"])
    assert works(house, said["secret"])


def test_a_key_works_in_the_query(houses: House) -> None:
    """`?apiKey=` is as good as the header, and the key is its owner."""
    person = houses.person()
    _, secret = made(houses, person, "all")
    assert houses.ask("GET", f"/users/me?apiKey={secret}").json()["email"] == person.email


def test_a_name_is_not_needed(spoken: tuple[str, House]) -> None:
    """A key without a name is called what the product calls it; 3.2 takes an empty name for none."""
    release, house = spoken
    person = house.person()
    key, _ = made(house, person, "tag.read")
    assert shown(house, person, key)["name"] == "API Key"
    answer = house.ask("POST", "/api-keys", person.token, json={"name": "", "permissions": ["tag.read"]})
    if release == "3.2":
        assert answer.json()["name"] == "API Key"
    else:
        assert_refused(answer, 400, ["name should not be empty"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, [AT_LEAST_ONE, "each"]),
        ({"permissions": []}, [AT_LEAST_ONE]),
        ({"permissions": "all"}, [AT_LEAST_ONE]),
        ({"permissions": ["tag.read", "nothing"]}, ["each"]),
        ({"name": 5, "permissions": ["all"]}, ["name must be a string"]),
        ({"name": None, "permissions": ["all"]}, ["name should not be empty", "name must be a string"]),
        (
            {"name": "n" * 257, "permissions": ["all"]},
            ["name must be shorter than or equal to 256 characters"],
        ),
    ],
)
def test_what_is_wrong_with_a_new_key_is_said(
    spoken: tuple[str, House], body: dict[str, Any], said: list[str]
) -> None:
    """Every release names its own permissions, all of them, in its order."""
    release, house = spoken
    answer = house.ask("POST", "/api-keys", house.person().token, json=body)
    if release == "3.2":
        assert message(answer, 400) == "Validation failed"
        return
    names = ", ".join(PERMISSIONS[release])
    each = f"each value in permissions must be one of the following values: {names}"
    wanted = [each if sentence == "each" else sentence for sentence in said]
    if release == "2.7" and not body:
        wanted = [wanted[0], "permissions should not be empty", *wanted[1:]]
    assert_refused(answer, 400, wanted)


def test_a_release_takes_its_own_permissions_alone(spoken: tuple[str, House]) -> None:
    """Each name that the release lists can be given, and none of another release's."""
    release, house = spoken
    person = house.person()
    key, _ = made(house, person, *PERMISSIONS[release])
    assert set(shown(house, person, key)["permissions"]) == set(PERMISSIONS[release])
    others = {name for other in NAMES for name in PERMISSIONS[other]} - set(PERMISSIONS[release])
    for name in sorted(others):
        answer = house.ask("POST", "/api-keys", person.token, json={"permissions": [name]})
        assert answer.status_code == 400, name


def test_a_key_is_shown_in_the_words_of_the_release(spoken: tuple[str, House]) -> None:
    """Names of another release are shown as this one's; what this one does not know is left out."""
    release, house = spoken
    person = house.person()
    key, _ = house.key(person.account, "admin.user.read", "albumAsset.create", "apiKey.rotate")
    wanted = {
        "1.134": ["album.addAsset", "admin.user.read"],
        "2.7": ["albumAsset.create", "adminUser.read"],
        "3.2": ["apiKey.rotate", "albumAsset.create", "adminUser.read"],
    }
    assert shown(house, person, str(key.id))["permissions"] == wanted[release]


def test_keys_are_listed_newest_first(owns: House) -> None:
    """A list of one's own keys, without any secret; before there is one it is empty."""
    person = owns.person()
    assert owns.ask("GET", "/api-keys", person.token).json() == []
    made(owns, owns.person(), "all")
    ids = []
    for _ in range(3):
        ids.append(made(owns, person, "tag.read")[0])
        owns.clock.forward(seconds=1)
    said = owns.ask("GET", "/api-keys", person.token).json()
    assert [key["id"] for key in said] == ids[::-1]
    assert all(list(key) == FIELDS for key in said)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_ones_own_are_found(spoken: tuple[str, House], method: str) -> None:
    """Another's key, and one that is not there, are refused alike and stay as they are."""
    house = spoken[1]
    person, stranger = house.person(), house.person()
    key, secret = made(house, stranger, "all", name="theirs")
    for target in (key, str(uuid.uuid4())):
        answer = house.ask(method, f"/api-keys/{target}", person.token, json={"name": "mine"})
        assert message(answer, 400) == NOT_FOUND
    assert shown(house, stranger, key)["name"] == "theirs"
    assert works(house, secret)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_id_is_a_uuid(spoken: tuple[str, House], method: str) -> None:
    """What is no UUID is refused as one, in the words of the release."""
    release, house = spoken
    said = message(house.ask(method, "/api-keys/123", house.person().token, json={"name": "new"}), 400)
    assert said == ("Validation failed" if release == "3.2" else ["id must be a UUID"])


def test_a_key_is_renamed(spoken: tuple[str, House]) -> None:
    """A new name dates the key and changes nothing else."""
    house = spoken[1]
    person = house.person()
    key, secret = made(house, person, "tag.read", name="old")
    before = shown(house, person, key)
    house.clock.forward(seconds=5)
    answer = house.ask("PUT", f"/api-keys/{key}", person.token, json={"name": "new"})
    assert answer.json() == before | {"name": "new", "updatedAt": iso(house.clock.now)}
    assert shown(house, person, key) == answer.json()
    assert works(house, secret)


def test_1_134_changes_nothing_but_the_name(house: House) -> None:
    """There a name is required, and permissions are dropped like any unknown field."""
    person = house.person()
    key, _ = made(house, person, "tag.read")
    answer = house.ask("PUT", f"/api-keys/{key}", person.token, json={"permissions": ["all"]})
    assert_refused(answer, 400, ["name should not be empty", "name must be a string"])
    body = {"name": "new", "permissions": ["all"]}
    assert house.ask("PUT", f"/api-keys/{key}", person.token, json=body).json()["permissions"] == ["tag.read"]


def test_permissions_are_changed_later_on(later: tuple[str, House]) -> None:
    """Since 2.x a session gives its keys other permissions, and the name may be left out."""
    house = later[1]
    person = house.person()
    key, secret = made(house, person, "tag.read", name="kept")
    answer = house.ask("PUT", f"/api-keys/{key}", person.token, json={"permissions": ["user.read"]})
    assert (answer.json()["name"], answer.json()["permissions"]) == ("kept", ["user.read"])
    assert house.call("get_my_user", headers=by(secret)).status_code == 200
    refused = house.ask("GET", "/tags", headers=by(secret))
    assert message(refused, 403) == "Missing required permission: tag.read"


def test_a_key_is_revoked(houses: House) -> None:
    """A revoked key is refused at once and found no more."""
    person = houses.person()
    key, secret = made(houses, person, "all")
    answer = houses.ask("DELETE", f"/api-keys/{key}", person.token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_refused(houses.call("get_my_user", headers=by(secret)), 401, "Invalid API key")
    assert_refused(houses.ask("GET", f"/api-keys/{key}", person.token), 400, NOT_FOUND)


def test_a_key_makes_none_that_may_more(spoken: tuple[str, House]) -> None:
    """A key gives on what it has and no more, `all` least of all; with `all` it gives everything."""
    house = spoken[1]
    person = house.person()
    _, maker = made(house, person, "apiKey.create", "tag.read")
    for wanted in (["all"], ["tag.read", "tag.update"], ["album.read"]):
        answer = house.ask("POST", "/api-keys", headers=by(maker), json={"permissions": wanted})
        assert message(answer, 400) == TOO_MUCH
    for fine in (["tag.read"], ["tag.read", "apiKey.create"]):
        answer = house.ask("POST", "/api-keys", headers=by(maker), json={"permissions": fine})
        assert answer.status_code == 201, answer.text
    _, master = made(house, person, "all")
    answer = house.ask("POST", "/api-keys", headers=by(master), json={"permissions": ["all"]})
    assert answer.status_code == 201


def test_a_key_raises_none_not_even_itself(later: tuple[str, House]) -> None:
    """A key takes permissions from keys, itself included, and gives none that it lacks."""
    house = later[1]
    person = house.person()
    own, changer = made(house, person, "apiKey.update", "tag.read", "tag.update")
    other, _ = made(house, person, "tag.delete")
    for target in (own, other):
        for wanted in (["all"], ["tag.read", "album.read"]):
            body = {"permissions": wanted}
            answer = house.ask("PUT", f"/api-keys/{target}", headers=by(changer), json=body)
            assert message(answer, 400) == TOO_MUCH
    assert shown(house, person, other)["permissions"] == ["tag.delete"]
    body = {"permissions": ["apiKey.update", "tag.read"]}
    assert house.ask("PUT", f"/api-keys/{own}", headers=by(changer), json=body).status_code == 200
    body = {"permissions": ["apiKey.update", "tag.update"]}
    assert message(house.ask("PUT", f"/api-keys/{own}", headers=by(changer), json=body), 400) == TOO_MUCH


def test_a_key_of_another_release_gives_on_what_it_is_called_now(later: tuple[str, House]) -> None:
    """What a key was given under 1.134's names it may give on under today's."""
    house = later[1]
    admin = house.person(is_admin=True)
    _, maker = house.key(admin.account, "apiKey.create", "admin.user.read")
    answer = house.ask("POST", "/api-keys", headers=by(maker), json={"permissions": ["adminUser.read"]})
    assert answer.status_code == 201, answer.text
    answer = house.ask("POST", "/api-keys", headers=by(maker), json={"permissions": ["adminUser.update"]})
    assert message(answer, 400) == TOO_MUCH


def test_a_key_knows_itself(later: tuple[str, House]) -> None:
    """`/api-keys/me` is the key that asks, whatever it may; a session is none."""
    house = later[1]
    person = house.person()
    key, secret = made(house, person, "tag.read", name="me")
    answer = house.ask("GET", "/api-keys/me", headers=by(secret))
    assert (answer.status_code, answer.json()) == (200, shown(house, person, key))
    refused = house.ask("GET", "/api-keys/me", person.token)
    assert message(refused, 403) == "Not authenticated with an API Key"


def test_1_134_takes_me_for_an_id(house: House) -> None:
    """The route came later: there `me` is an id, and no good one."""
    refused = house.ask("GET", "/api-keys/me", house.person().token)
    assert_refused(refused, 400, ["id must be a UUID"])


def test_a_rotated_key_has_another_secret(newest: House) -> None:
    """The secret before is dead at once; the key keeps its id, name and permissions."""
    person = newest.person()
    key, old = made(newest, person, "tag.read", name="turning")
    before = shown(newest, person, key)
    newest.clock.forward(seconds=5)
    answer = newest.ask("POST", f"/api-keys/{key}/rotate", person.token)
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert list(said) == [*FIELDS, "secret", "apiKey"]
    assert said["apiKey"] == before | {"updatedAt": iso(newest.clock.now)} == shown(newest, person, key)
    assert said["secret"] != old
    assert (works(newest, old), works(newest, said["secret"])) == (False, True)


def test_a_key_rotates_none_that_may_more(newest: House) -> None:
    """The new secret would be the rotating key's to use."""
    person = newest.person()
    own, rotator = made(newest, person, "apiKey.rotate", "tag.read")
    strong, secret = made(newest, person, "all")
    answer = newest.ask("POST", f"/api-keys/{strong}/rotate", headers=by(rotator))
    assert message(answer, 400) == "Cannot rotate an API Key with permissions you do not have"
    assert works(newest, secret)
    assert newest.ask("POST", f"/api-keys/{own}/rotate", headers=by(rotator)).status_code == 201
    assert not works(newest, rotator)


def test_only_ones_own_is_rotated(newest: House) -> None:
    """Another's key keeps its secret."""
    key, secret = made(newest, newest.person(), "all")
    answer = newest.ask("POST", f"/api-keys/{key}/rotate", newest.person().token)
    assert message(answer, 400) == NOT_FOUND
    assert works(newest, secret)


@pytest.mark.parametrize("release", ["1.134", "2.7"])
def test_rotation_came_with_3_2(release: str, sqlite_template: Path, tmp_path: Path) -> None:
    """Before, there is no such route."""
    with speaking(release, sqlite_template, tmp_path) as house:
        path = f"/api-keys/{uuid.uuid4()}/rotate"
        assert message(house.ask("POST", path, house.person().token), 404) == f"Cannot POST /api{path}"
