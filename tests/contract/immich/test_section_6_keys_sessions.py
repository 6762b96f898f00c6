"""The product's own tests of sessions and API keys (contract §6), line by line, at each release.

| its list | tests here |
| --- | --- |
| session e2e, session service spec | those of `/sessions` |
| api-key e2e, controller, service | those of `/api-keys` |
"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from tests.contract.immich.speech import House, Person
from tests.contract.immich.spoken import by, complaints, message, succeeded

from dragoman.core import sweep
from dragoman.core.api_keys import api_keys
from dragoman.core.sessions import sessions
from dragoman.core.work import Origin

NOT_THERE = "2d7f8c1a-2c1b-4c1b-8c1b-2d7f8c1a2c1b"
NOT_FOUND = "API Key not found"
TOO_MUCH = "Cannot grant permissions you do not have"
NO_SESSION = "Not found or no authDevice.delete access"
KEYS = [
    ("POST", "/api-keys"),
    ("GET", "/api-keys"),
    ("GET", f"/api-keys/{NOT_THERE}"),
    ("PUT", f"/api-keys/{NOT_THERE}"),
    ("DELETE", f"/api-keys/{NOT_THERE}"),
]


def listed(house: House, token: str, path: str = "/sessions") -> list[dict[str, Any]]:
    """What an owner is shown."""
    said: list[dict[str, Any]] = succeeded(house.ask("GET", path, token), 200)
    return said


def make(house: House, headers: dict[str, str], *permissions: str, **body: Any) -> httpx2.Response:
    """A key asked for."""
    return house.ask("POST", "/api-keys", headers=headers, json={"permissions": list(permissions), **body})


def made(house: House, person: Person, *permissions: str, **body: Any) -> dict[str, Any]:
    """A key that a session has made."""
    answer = make(house, {"authorization": f"Bearer {person.token}"}, *permissions, **body)
    said: dict[str, Any] = succeeded(answer, 201)
    return said


@pytest.mark.parametrize(("method", "path"), [("GET", "/sessions"), ("DELETE", "/sessions"), *KEYS])
def test_routes_are_guarded(spoken: tuple[str, House], method: str, path: str) -> None:
    """Nobody is let in without a credential (§6 session e2e: GET, DELETE; api-key controller)."""
    _, house = spoken
    assert message(house.ask(method, path), 401) == "Authentication required"


def test_one_session_is_listed(spoken: tuple[str, House]) -> None:
    """Who signed in once has one session, which is the current one, of no device (§6 session e2e: list)."""
    _, house = spoken
    (session,) = listed(house, house.person().token)
    assert (session["current"], session["deviceOS"], session["deviceType"]) == (True, "", "")


def test_current_is_marked(spoken: tuple[str, House]) -> None:
    """Of several sessions the one that asks is marked (§6 session service spec: list)."""
    _, house = spoken
    person = house.person()
    house.token(person.account)
    marks = [session["current"] for session in listed(house, person.token)]
    assert sorted(marks) == [False, True]


def test_all_others_are_deleted(spoken: tuple[str, House]) -> None:
    """Of six sessions the current one is left (§6 session e2e: delete all; session service spec)."""
    _, house = spoken
    person = house.person()
    others = [house.token(person.account) for _ in range(5)]
    succeeded(house.ask("DELETE", "/sessions", person.token), 204)
    assert [session["current"] for session in listed(house, person.token)] == [True]
    for token in others:
        assert message(house.call("validate_access_token", token), 401) == "Invalid user token"


def test_unknown_session_is_not_deleted(spoken: tuple[str, House]) -> None:
    """Neither one that is not there nor somebody else's (§6 session e2e: delete; session service spec)."""
    _, house = spoken
    person, other = house.person(), house.person()
    theirs = listed(house, other.token)[0]["id"]
    for session in (NOT_THERE, theirs):
        assert message(house.ask("DELETE", f"/sessions/{session}", person.token), 400) == NO_SESSION
    succeeded(house.call("validate_access_token", other.token), 200)


def test_own_session_is_deleted(spoken: tuple[str, House]) -> None:
    """One's own is deleted, and its token refused (§6 session e2e: delete)."""
    _, house = spoken
    token = house.person().token
    succeeded(house.ask("DELETE", f"/sessions/{listed(house, token)[0]['id']}", token), 204)
    assert message(house.call("validate_access_token", token), 401) == "Invalid user token"


def test_old_sessions_are_cleaned_up(fresh: tuple[str, House]) -> None:
    """What nobody has used for 90 days is deleted, and what was used is not (§6 session service spec: cleanup)."""
    _, house = fresh
    account = house.account()
    house.token(account)
    house.clock.forward(days=91)
    kept = house.token(account)
    sweep.sweep(house.core, Origin("sweeper"))
    with house.core.database.reading() as db:
        assert len(db.execute(select(sessions.c.id)).all()) == 1
    succeeded(house.call("validate_access_token", kept), 200)


def test_a_key_needs_leave_to_make_keys(spoken: tuple[str, House]) -> None:
    """Without `apiKey.create` a key makes none, with it one (§6 api-key e2e: create)."""
    _, house = spoken
    person = house.person()
    poor, maker = made(house, person, "tag.read"), made(house, person, "apiKey.create")
    refused = make(house, by(poor["secret"]), "tag.read")
    assert message(refused, 403) == "Missing required permission: apiKey.create"
    said = succeeded(make(house, by(maker["secret"]), "apiKey.create"), 201)
    assert said["secret"]
    assert said["apiKey"]["permissions"] == ["apiKey.create"]


@pytest.mark.parametrize("wanted", [["all"], ["apiKey.create", "apiKey.read"]])
def test_a_key_gives_no_more_than_it_has(spoken: tuple[str, House], wanted: list[str]) -> None:
    """Neither `all` nor anything else that it lacks (§6 api-key e2e: create; service: no escalation)."""
    _, house = spoken
    person = house.person()
    maker = made(house, person, "apiKey.create")["secret"]
    assert message(make(house, by(maker), *wanted), 400) == TOO_MUCH
    assert len(listed(house, person.token, "/api-keys")) == 1


def test_a_session_gives_everything(spoken: tuple[str, House]) -> None:
    """A session makes a key that may do all, with a name or the default one (§6 api-key e2e, service: create)."""
    _, house = spoken
    person = house.person()
    assert made(house, person, "all")["apiKey"]["name"] == "API Key"
    named = made(house, person, "all", name="mine")["apiKey"]
    assert (named["name"], named["permissions"]) == ("mine", ["all"])


def test_a_secret_is_not_stored(fresh: tuple[str, House]) -> None:
    """Only its hash is (§6 api-key service: create)."""
    _, house = fresh
    secret = made(house, house.person(), "all")["secret"]
    with house.core.database.reading() as db:
        (row,) = db.execute(select(api_keys)).all()
    assert not any(secret in str(value) or secret.encode() == value for value in row)


def test_keys_are_listed(spoken: tuple[str, House]) -> None:
    """Before there is one the list is empty, and then it has as many as there are (§6 api-key e2e: list)."""
    _, house = spoken
    person = house.person()
    assert listed(house, person.token, "/api-keys") == []
    ids = {made(house, person, "all")["apiKey"]["id"] for _ in range(3)}
    assert {key["id"] for key in listed(house, person.token, "/api-keys")} == ids


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_anothers_key_is_not_found(spoken: tuple[str, House], method: str) -> None:
    """Another user's key is neither seen, nor changed, nor deleted, nor is one that is not there.

    §6 api-key e2e: get, put, delete; service: not found.
    """
    _, house = spoken
    person = house.person()
    theirs = made(house, house.person(), "all")
    body = {"name": "mine now", "permissions": ["all"]}
    for key in (theirs["apiKey"]["id"], NOT_THERE):
        assert message(house.ask(method, f"/api-keys/{key}", person.token, json=body), 400) == NOT_FOUND
    succeeded(house.call("validate_access_token", headers=by(theirs["secret"])), 200)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_id_is_a_uuid(spoken: tuple[str, House], method: str) -> None:
    """`123` is no id (§6 api-key controller)."""
    release, house = spoken
    body = {"name": "new name", "permissions": ["all"]}
    said = complaints(house.ask(method, "/api-keys/123", house.person().token, json=body))
    assert said == (["id: Invalid UUID"] if release == "3.2" else ["id must be a UUID"])


def test_a_key_is_seen_renamed_and_deleted(spoken: tuple[str, House]) -> None:
    """Its owner gets its details, gives it another name, and deletes it (§6 api-key e2e: get, put, delete)."""
    _, house = spoken
    person = house.person()
    mine = made(house, person, "all")
    path = f"/api-keys/{mine['apiKey']['id']}"
    assert succeeded(house.ask("GET", path, person.token), 200) == mine["apiKey"]
    renamed = succeeded(house.ask("PUT", path, person.token, json={"name": "new name"}), 200)
    assert (renamed["name"], renamed["permissions"]) == ("new name", ["all"])
    succeeded(house.ask("DELETE", path, person.token), 204)
    assert message(house.ask("GET", path, person.token), 400) == NOT_FOUND


@pytest.mark.parametrize("place", ["header", "query"])
def test_a_key_signs_in(spoken: tuple[str, House], place: str) -> None:
    """By `x-api-key`, or by `apiKey` in the query (§6 api-key e2e: authentication)."""
    _, house = spoken
    person = house.person()
    secret = made(house, person, "all")["secret"]
    held: dict[str, Any] = {"headers": by(secret)} if place == "header" else {"params": {"apiKey": secret}}
    assert succeeded(house.ask("GET", "/users/me", **held), 200)["email"] == person.email


def test_a_key_may_remove_and_not_add(spoken: tuple[str, House]) -> None:
    """Since 2.x a key takes permissions away, and adds none beyond its own (§6 api-key e2e, 2.x: update)."""
    release, house = spoken
    person = house.person()
    changer = made(house, person, "apiKey.update", "tag.read")
    other = made(house, person, "apiKey.update", "tag.read")["apiKey"]["id"]
    for wanted, is_within in ((["tag.read"], True), (["tag.read", "tag.delete"], False)):
        body = {"name": "changed", "permissions": wanted}
        answer = house.ask("PUT", f"/api-keys/{other}", headers=by(changer["secret"]), json=body)
        if release == "1.134":
            # It knows no such field: the permissions stay.
            assert set(succeeded(answer, 200)["permissions"]) == {"apiKey.update", "tag.read"}
        elif is_within:
            assert succeeded(answer, 200)["permissions"] == wanted
        else:
            assert message(answer, 400) == TOO_MUCH


def test_me_is_a_key(spoken: tuple[str, House]) -> None:
    """Since 2.x `/me` is the key that asks, and no session (§6 api-key e2e, 2.x); 1.134 takes it for an id."""
    release, house = spoken
    person = house.person()
    mine = made(house, person, "tag.read")
    by_key = house.ask("GET", "/api-keys/me", headers=by(made(house, person, "apiKey.read")["secret"]))
    by_session = house.ask("GET", "/api-keys/me", person.token)
    if release == "1.134":
        assert complaints(by_key) == complaints(by_session) == ["id must be a UUID"]
    else:
        assert succeeded(by_key, 200)["permissions"] == ["apiKey.read"]
        assert succeeded(house.ask("GET", "/api-keys/me", headers=by(mine["secret"])), 200) == mine["apiKey"]
        assert message(by_session, 403) == "Not authenticated with an API Key"
