"""`/sessions`: seen, ended, opened by one another, locked (contract §2.7, §3, §4.1, §6)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.contract.immich.speech import PIN, SESSION_ONLY, House, Person, assert_empty, assert_refused
from tests.contract.immich.spoken import LATER, by, message, speaking
from tests.fakes import ORIGIN

from dragoman.core import sweep
from dragoman.dialects.immich.wire import iso

NOT_YOURS = "Not found or no authDevice.delete access"
NOT_LOCKED = "Not found or no session.lock access"
FIELDS = ["id", "createdAt", "updatedAt", "current", "deviceOS", "deviceType"]
LATER_FIELDS = [
    "id",
    "createdAt",
    "updatedAt",
    "current",
    "appVersion",
    "deviceOS",
    "deviceType",
    "isPendingSyncReset",
]


def listed(house: House, token: str) -> list[dict[str, Any]]:
    """The sessions that the owner of a token is shown."""
    answer = house.ask("GET", "/sessions", token)
    assert answer.status_code == 200, answer.text
    said: list[dict[str, Any]] = answer.json()
    return said


def is_alive(house: House, token: str) -> bool:
    """Whether a token signs in."""
    return house.call("validate_access_token", token).status_code == 200


def own_id(house: House, token: str) -> str:
    """The id of a token's session."""
    return next(str(session["id"]) for session in listed(house, token) if session["current"])


def child(house: House, token: str, **body: Any) -> dict[str, Any]:
    """A session opened by another one."""
    answer = house.ask("POST", "/sessions", token, json=body)
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sessions"),
        ("POST", "/sessions"),
        ("DELETE", "/sessions"),
        ("DELETE", "/sessions/2d7f8c1a-2c1b-4c1b-8c1b-2d7f8c1a2c1b"),
        ("POST", "/sessions/2d7f8c1a-2c1b-4c1b-8c1b-2d7f8c1a2c1b/lock"),
    ],
)
def test_every_route_is_guarded(house: House, method: str, path: str) -> None:
    """Without a credential nobody sees, opens or ends a session."""
    assert_refused(house.ask(method, path), 401, "Authentication required")


def test_one_session_is_the_current_one(spoken: tuple[str, House]) -> None:
    """Who has signed in once sees one session, with the release's fields in their order, and no device."""
    release, house = spoken
    (session,) = listed(house, house.person().token)
    assert list(session) == (FIELDS if release == "1.134" else LATER_FIELDS)
    later = {} if release == "1.134" else {"appVersion": None, "isPendingSyncReset": False}
    moment = iso(house.clock.now)
    assert session == later | {
        "id": session["id"],
        "createdAt": moment,
        "updatedAt": moment,
        "current": True,
        "deviceOS": "",
        "deviceType": "",
    }
    assert uuid.UUID(session["id"]).version == 4


def test_the_newest_stands_first(owns: House) -> None:
    """The last seen is the first; the caller's own is marked, and a stranger's is not there."""
    person = owns.person()
    owns.person()
    tokens = [person.token]
    for _ in range(2):
        owns.clock.forward(minutes=1)
        tokens.append(owns.token(person.account))
    seen = listed(owns, tokens[1])
    assert [session["current"] for session in seen] == [False, True, False]
    assert [session["updatedAt"] for session in seen] == sorted((s["updatedAt"] for s in seen), reverse=True)
    owns.clock.forward(hours=2)
    assert [session["current"] for session in listed(owns, tokens[0])] == [True, False, False]


def test_an_expired_session_is_not_shown(owns: House) -> None:
    """A session past its end is gone from the list before any broom comes."""
    person = owns.person()
    child(owns, person.token, duration=60)
    assert len(listed(owns, person.token)) == 2
    owns.clock.forward(seconds=60)
    assert len(listed(owns, person.token)) == 1


def test_all_others_end(houses: House) -> None:
    """With six sessions, ending all leaves the caller's one."""
    person = houses.person()
    others = [houses.token(person.account) for _ in range(5)]
    stranger = houses.person()
    assert_empty(houses.ask("DELETE", "/sessions", person.token), 204)
    assert [session["current"] for session in listed(houses, person.token)] == [True]
    assert not any(is_alive(houses, token) for token in others)
    assert is_alive(houses, stranger.token)


def test_a_key_ends_them_all(houses: House) -> None:
    """A key has no session of its own to spare; it lives on itself."""
    person = houses.person()
    _, key = houses.key(person.account, "session.delete")
    assert_empty(houses.ask("DELETE", "/sessions", headers=by(key)), 204)
    assert not is_alive(houses, person.token)
    assert houses.call("validate_access_token", headers=by(key)).status_code == 200


def test_one_session_ends(houses: House) -> None:
    """Ending one leaves the others; ending one's own is a sign-out."""
    person = houses.person()
    other = houses.token(person.account)
    assert_empty(houses.ask("DELETE", f"/sessions/{own_id(houses, other)}", person.token), 204)
    assert not is_alive(houses, other)
    assert_empty(houses.ask("DELETE", f"/sessions/{own_id(houses, person.token)}", person.token), 204)
    refused = houses.call("validate_access_token", person.token)
    assert_refused(refused, 401, "Invalid user token")


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [("DELETE", "/sessions/{id}", NOT_YOURS), ("POST", "/sessions/{id}/lock", NOT_LOCKED)],
)
def test_only_ones_own_are_found(spoken: tuple[str, House], method: str, path: str, said: str) -> None:
    """Another's session, and one that is not there, are refused alike and stay as they are."""
    house = spoken[1]
    person, stranger = house.person(), house.person()
    for target in (own_id(house, stranger.token), str(uuid.uuid4())):
        answer = house.ask(method, path.format(id=target), person.token)
        assert message(answer, 400) == said
    assert is_alive(house, stranger.token)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/sessions/123"), ("POST", "/sessions/123/lock")])
def test_an_id_is_a_uuid(spoken: tuple[str, House], method: str, path: str) -> None:
    """What is no UUID is refused as one, in the words of the release."""
    release, house = spoken
    said = message(house.ask(method, path, house.person().token), 400)
    assert said == ("Validation failed" if release == "3.2" else ["id must be a UUID"])


def test_a_child_has_a_token_of_its_own(spoken: tuple[str, House]) -> None:
    """A session opens another one with the device it says; the answer is the only one with its token."""
    release, house = spoken
    person = house.person()
    said = child(house, person.token, deviceType="Chromecast", deviceOS="Google TV", duration=3600)
    ends = iso(house.clock.now + timedelta(seconds=3600))
    fields = FIELDS if release == "1.134" else LATER_FIELDS
    assert list(said) == [*fields[:3], "expiresAt", *fields[3:], "token"]
    assert (said["deviceType"], said["deviceOS"], said["expiresAt"]) == ("Chromecast", "Google TV", ends)
    assert said["current"] is False
    assert own_id(house, said["token"]) == said["id"]
    shown = next(session for session in listed(house, person.token) if session["id"] == said["id"])
    assert "token" not in shown


def test_a_child_without_a_device_or_an_end(spoken: tuple[str, House]) -> None:
    """All of it may be left out: empty texts, and no end of its own."""
    house = spoken[1]
    said = child(house, house.person().token)
    assert (said["deviceType"], said["deviceOS"], "expiresAt" in said) == ("", "", False)


def test_a_child_dies_with_its_parent(houses: House) -> None:
    """Signing the parent out ends its children and theirs; ending a child ends nothing above it."""
    person = houses.person()
    first = child(houses, person.token)
    second = child(houses, first["token"])
    other = child(houses, person.token)
    assert_empty(houses.ask("DELETE", f"/sessions/{other['id']}", person.token), 204)
    assert [is_alive(houses, token) for token in (person.token, first["token"], second["token"])] == [
        True
    ] * 3
    houses.call("logout", person.token)
    assert not any(is_alive(houses, token) for token in (person.token, first["token"], second["token"]))


def test_a_child_ends_when_it_was_said_to(own: House) -> None:
    """A duration is in seconds, and the session is refused from then on; its parent is not."""
    person = own.person()
    token = child(own, person.token, duration=90)["token"]
    own.clock.forward(seconds=89)
    assert is_alive(own, token)
    own.clock.forward(seconds=1)
    assert not is_alive(own, token)
    assert is_alive(own, person.token)


def test_a_key_opens_no_session(spoken: tuple[str, House]) -> None:
    """A session from a key would outlive the key: 400, whatever its permissions."""
    house = spoken[1]
    _, key = house.key(house.account(), "all")
    assert message(house.ask("POST", "/sessions", headers=by(key), json={}), 400) == SESSION_ONLY


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (0, ["duration must be a positive number"]),
        (-1, ["duration must be a positive number"]),
        (1.5, ["duration must be an integer number"]),
        ("60", ["duration must be a positive number", "duration must be an integer number"]),
        (None, ["duration must be a positive number", "duration must be an integer number"]),
        (10**12, ["duration must not be greater than 3153600000"]),
    ],
)
def test_a_duration_is_a_number_of_seconds(spoken: tuple[str, House], duration: Any, said: list[str]) -> None:
    """At least one whole second, and no more than a century, which is ours to say."""
    release, house = spoken
    answer = house.ask("POST", "/sessions", house.person().token, json={"duration": duration})
    assert message(answer, 400) == ("Validation failed" if release == "3.2" else said)


def test_a_lock_ends_an_elevation(houses: House) -> None:
    """One session may lock another one of the same account, which keeps its sign-in."""
    person = houses.person()
    other = houses.token(person.account)
    houses.call("setup_pin_code", person.token, {"pinCode": PIN})
    houses.call("unlock_auth_session", other, {"pinCode": PIN})
    assert houses.status(other)["isElevated"] is True
    assert_empty(houses.ask("POST", f"/sessions/{own_id(houses, other)}/lock", person.token), 204)
    said = houses.status(other)
    assert said["isElevated"] is False
    assert "pinExpiresAt" not in said


@pytest.mark.parametrize("release", LATER)
def test_a_sync_reset_is_remembered(release: str, sqlite_template: Path, tmp_path: Path) -> None:
    """Since 2.x a session can be marked as one that is to sync anew, by its owner alone."""
    with speaking(release, sqlite_template, tmp_path) as house:
        person = house.person()
        path = f"/sessions/{own_id(house, person.token)}"
        for flag in (True, False):
            answer = house.ask("PUT", path, person.token, json={"isPendingSyncReset": flag})
            assert answer.status_code == 200, answer.text
            assert answer.json()["isPendingSyncReset"] is flag
            assert listed(house, person.token)[0]["isPendingSyncReset"] is flag
        assert house.ask("PUT", path, person.token, json={}).json()["isPendingSyncReset"] is False
        stranger: Person = house.person()
        refused = house.ask("PUT", path, stranger.token, json={"isPendingSyncReset": True})
        assert message(refused, 400) == "Not found or no session.update access"


def test_1_134_has_no_sync_reset(house: House) -> None:
    """The route came later."""
    path = f"/sessions/{uuid.uuid4()}"
    refused = house.ask("PUT", path, house.person().token, json={})
    assert_refused(refused, 404, f"Cannot PUT /api{path}")


def test_a_session_s_device_is_kept_up_to_date(spoken: tuple[str, House]) -> None:
    """Since 2.2 a session says what its caller runs on now, and which version; 1.134 what it was opened on (§2.7)."""
    release, house = spoken
    person = house.person()
    app = {"user-agent": "immich-android/2.8.1", "deviceModel": "Pixel 9"}
    house.ask("GET", "/users/me", person.token, headers=app)
    (shown,) = house.ask("GET", "/sessions", person.token, headers=app).json()
    told = (shown["deviceOS"], shown["deviceType"], shown.get("appVersion"))
    assert told == (("", "", None) if release == "1.134" else ("android", "Pixel 9", "2.8.1"))
    (seen,) = (each for each in listed(house, house.token(person.account)) if not each["current"])
    sweep.write_last_seen(house.core, ORIGIN)
    (kept,) = (each for each in listed(house, house.token(person.account)) if each["id"] == seen["id"])
    assert (kept["deviceOS"], kept["deviceType"], kept.get("appVersion")) == told


def test_a_key_has_no_device(spoken: tuple[str, House]) -> None:
    """A key's caller may run on anything: none of its owner's sessions changes by it."""
    _, house = spoken
    person = house.person()
    _, key = house.key(person.account, "all")
    app = {"user-agent": "immich-android/2.8.1", **by(key)}
    assert house.ask("GET", "/users/me", headers=app).status_code == 200
    (shown,) = listed(house, person.token)
    assert (shown["deviceOS"], shown.get("appVersion")) == ("", None)
