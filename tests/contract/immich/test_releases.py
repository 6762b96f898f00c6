"""Each release spoken as it is: operations, statuses, fields and permissions, no more and no fewer (§5, §8).

The oracle are the products' own documents, as facts: `oracles/releases.json`. A field there is "r" or "o",
required or optional, and "n" if it may be null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, RootModel
from tests.contract.immich.speech import SIGN_UP, House, compact
from tests.contract.immich.spoken import LATER, NAMES, speaking
from tests.fakes import NEW_PASSWORD, PASSWORD

from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.openapi import document
from dragoman.releases import shapes_within
from dragoman.wire import Access, Nothing, Operation, places

ORACLE: Any = json.loads((Path(__file__).parent / "oracles" / "releases.json").read_text("utf-8"))
OPERATIONS: Mapping[str, Any] = ORACLE["operations"]
MODELS: Mapping[str, Mapping[str, Mapping[str, str]]] = ORACLE["models"]
OURS = {operation.name: operation for operation in ImmichApi.operations()}
KNOWN = sorted(OURS.keys() & OPERATIONS.keys())
# Of these we read or print a part; the rest is optional, or of a photo library.
IN_PART = {"MetadataSearchDto", "ServerAboutResponseDto"}
# Of the address that is in no document.
AT_THE_ROOT = {"ApiEndpoint", "WellKnownImmich"}
CID = {"1.134": "x-immich-cid", "2.7": "x-immich-cid", "3.2": "x-correlation-id"}


def test_the_oracle_knows_nearly_all_of_it() -> None:
    """Every operation served is one of the product's, but for the address at the root that is in no document."""
    assert OURS.keys() - OPERATIONS.keys() == {"get_well_known"}


@pytest.mark.parametrize("release", NAMES)
@pytest.mark.parametrize("name", KNOWN)
def test_an_operation_is_the_releases(name: str, release: str) -> None:
    """Method, path, whether the release has it at all, its status, who may call it, and with which key."""
    ours, theirs = OURS[name], OPERATIONS[name]
    assert (ours.method, ours.path) == (theirs["method"], f"/api{theirs['path']}")
    said = theirs["releases"].get(release)
    assert RELEASES[release].has(ours) is (said is not None)
    if said is not None:
        assert RELEASES[release].status(ours) == said["status"]
        access = Access.PUBLIC if said["public"] else Access.ADMIN if said["admin"] else Access.SIGNED_IN
        assert ours.access is access
        if access is not Access.PUBLIC:
            needed = None if said["permission"] == "any" else said["permission"]
            assert RELEASES[release].permission(ours) == needed


@pytest.mark.parametrize("release", NAMES)
@pytest.mark.parametrize("name", KNOWN)
def test_shapes_have_the_releases_fields(name: str, release: str) -> None:
    """Every shape of an ask or an answer has the fields that the release's document gives it, and no others."""
    said = OPERATIONS[name]["releases"].get(release)
    for shape, model in in_pairs(OURS[name], said) if said else ():
        if model in MODELS[release] and model not in IN_PART:
            assert fields(shape, release) == set(MODELS[release][model]), shape


def in_pairs(operation: Operation[Any, Any], said: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """The shapes of an operation, those within included, each with the name of the product's."""
    for shape, model in ((operation.takes, said["request"]), (operation.gives, said["response"])):
        root = item_of(shape)
        if model is not None and not issubclass(root, RootModel):
            yield root, model.removeprefix("List[").removesuffix("]")
            yield from ((inner, inner.__name__) for inner in shapes_within(root) if inner is not root)


def item_of(shape: type[BaseModel]) -> type[BaseModel]:
    """What a bare array is an array of; the array itself, where that has no shape of ours."""
    return list(shapes_within(shape))[:2][-1] if issubclass(shape, RootModel) else shape


def fields(shape: type[BaseModel], release: str) -> set[str]:
    """The names on the wire of what a body of this shape has in a release."""
    unknown = RELEASES[release].unknown(shape)
    return {wire for name, (place, wire) in places(shape).items() if place is None and name not in unknown}


@pytest.mark.parametrize("release", NAMES)
def test_the_document_has_the_releases_schemas(release: str) -> None:
    """By the product's names, and of each field whether it is required and may be null, as the product publishes it."""
    schemas = document(ImmichApi, release=RELEASES[release])["components"]["schemas"]
    published = {
        name: {
            field: ("r" if field in schema.get("required", ()) else "o")
            + ("n" if kind.get("nullable") else "")
            for field, kind in schema["properties"].items()
        }
        for name, schema in schemas.items()
        if name not in IN_PART and "enum" not in schema
    }
    for name in published.keys() - AT_THE_ROOT:
        assert published[name] == MODELS[release].get(name), name


@pytest.mark.parametrize("release", NAMES)
def test_the_document_calls_asks_and_answers_as_the_releases_does(release: str) -> None:
    """The shape of each body and answer that has a name of its own has the product's."""
    paths = document(ImmichApi, release=RELEASES[release])["paths"]
    for name in KNOWN:
        said = OPERATIONS[name]["releases"].get(release)
        if said is None:
            continue
        described = paths[OURS[name].path.removeprefix("/api")][OURS[name].method.lower()]
        answer = described["responses"][str(said["status"])]
        for theirs, ours in ((said["request"], described.get("requestBody", {})), (said["response"], answer)):
            reference = ours.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref")
            if reference is not None:
                assert reference == f"#/components/schemas/{theirs}", name


def test_nothing_is_answered_for_nothing() -> None:
    """An operation has no answer exactly where the product's has none."""
    for name in KNOWN:
        said = {each["response"] for each in OPERATIONS[name]["releases"].values() if each}
        assert (OURS[name].gives is Nothing) is (said == {None}), name


def test_answers_have_the_releases_fields(spoken: tuple[str, House]) -> None:
    """Over HTTP: what is answered has exactly the fields of the release, compact, with its id in a header."""
    release, house = spoken
    person = house.person(is_admin=True)
    asked = {
        "LoginResponseDto": house.log_in(person.email),
        "UserAdminResponseDto": house.ask("GET", "/users/me", person.token),
        "UserResponseDto": house.ask("GET", f"/users/{person.account.id}", person.token),
        "UserPreferencesResponseDto": house.ask("GET", "/users/me/preferences", person.token),
    }
    for name, response in asked.items():
        said = response.json()
        assert said.keys() == set(MODELS[release][name]), name
        assert response.text == compact(said)
        assert response.headers[CID[release]]


def test_void_answers_are_the_releases(spoken: tuple[str, House]) -> None:
    """PINs and locks: 201 and 200 with an empty body at first, 204 since (§5.1)."""
    release, house = spoken
    person = house.person()
    calls: tuple[tuple[str, str, dict[str, str], int], ...] = (
        ("POST", "/auth/pin-code", {"pinCode": "123456"}, 201),
        ("PUT", "/auth/pin-code", {"pinCode": "123456", "newPinCode": "654321"}, 200),
        ("POST", "/auth/session/unlock", {"pinCode": "654321"}, 200),
        ("POST", "/auth/session/lock", {}, 200),
        ("DELETE", "/auth/pin-code", {"password": PASSWORD}, 200),
    )
    for method, path, body, at_first in calls:
        response = house.ask(method, path, person.token, json=body)
        assert (response.status_code, response.content) == (at_first if release == "1.134" else 204, b"")
        assert "content-type" not in response.headers
        assert response.headers[CID[release]]


def test_a_cluster_group_is_a_uuid_that_stays(spoken: tuple[str, House]) -> None:
    """3.2 names everybody's group by a UUID of version 4: the same each time, another for each person."""
    release, house = spoken
    seen: list[Any] = []
    for person in (house.person(), house.person()):
        users = [house.ask("GET", "/users/me", person.token).json() for _ in range(2)]
        groups = {user.get("clusterGroupId") for user in users}
        assert len(groups) == 1
        seen += groups
    if release == "3.2":
        assert seen[0] != seen[1]
        assert all(len(group) == 36 and group[14] == "4" and group[19] in "89ab" for group in seen)
    else:
        assert seen == [None, None]


@pytest.mark.parametrize("asked", [{}, {"invalidateSessions": False}], ids=str)
def test_a_new_password_leaves_others_signed_in(spoken: tuple[str, House], asked: dict[str, bool]) -> None:
    """Without `invalidateSessions`, or with false, nobody is signed out (§2.1: the documented intent)."""
    _, house = spoken
    person = house.person()
    elsewhere = house.token(person.account)
    body = {"password": PASSWORD, "newPassword": NEW_PASSWORD, **asked}
    assert house.ask("POST", "/auth/change-password", person.token, json=body).status_code == 200
    assert house.ask("GET", "/users/me", elsewhere).status_code == 200
    assert house.ask("GET", "/users/me", person.token).status_code == 200


def test_a_new_password_can_sign_the_others_out(spoken: tuple[str, House]) -> None:
    """With `invalidateSessions` the calling session alone stays, and keys; 1.134 does not know the field."""
    release, house = spoken
    person = house.person()
    elsewhere, (_, key) = house.token(person.account), house.key(person.account, "all")
    body = {"password": PASSWORD, "newPassword": NEW_PASSWORD, "invalidateSessions": True}
    assert house.ask("POST", "/auth/change-password", person.token, json=body).status_code == 200
    assert house.ask("GET", "/users/me", elsewhere).status_code == (200 if release == "1.134" else 401)
    assert house.ask("GET", "/users/me", person.token).status_code == 200
    assert house.ask("GET", "/users/me", headers={"x-api-key": key}).status_code == 200


def test_onboarding_is_kept_and_told_at_sign_in(spoken: tuple[str, House]) -> None:
    """Since 2.7 a user is onboarded when they say so, until they take it back; 1.134 knows nothing of it."""
    release, house = spoken
    person = house.person()
    path = "/users/me/onboarding"

    def told() -> Any:
        return house.log_in(person.email).json().get("isOnboarded")

    if release == "1.134":
        assert house.ask("GET", path, person.token).status_code == 404
        assert told() is None
        return
    assert house.ask("GET", path, person.token).json() == {"isOnboarded": False}
    assert told() is False
    said = house.ask("PUT", path, person.token, json={"isOnboarded": True})
    assert (said.status_code, said.json()) == (200, {"isOnboarded": True})
    assert house.ask("GET", path, person.token).json() == {"isOnboarded": True}
    assert told() is True
    gone = house.ask("DELETE", path, person.token)
    assert (gone.status_code, gone.content) == (204, b"")
    assert told() is False


def test_refusals_have_the_releases_body(spoken: tuple[str, House]) -> None:
    """A text, a list and an unknown path, in the body of the release, its id in the header (§0.2, §0.3)."""
    release, house = spoken
    token = house.person().token
    text = house.ask("GET", "/users/me", "nobody")
    nowhere = house.ask("GET", "/nowhere", token)
    for response, message in ((text, "Invalid user token"), (nowhere, "Cannot GET /api/nowhere")):
        cid = response.headers[CID[release]]
        error = {401: "Unauthorized", 404: "Not Found"}[response.status_code]
        rest = {"error": error, "statusCode": response.status_code, "correlationId": cid}
        assert response.json() == {"message": message, **({} if release == "3.2" else rest)}
    listed = house.ask("PUT", "/users/me", token, json={"name": 5}).json()
    if release == "3.2":
        assert listed["message"] == "Validation failed"
        assert listed["errors"][0]["path"] == ["name"]
    else:
        assert listed["message"] == ["name must be a string"]


@pytest.mark.parametrize("release", LATER)
def test_the_first_sign_up_is_the_releases(release: str, sqlite_template: Path, tmp_path: Path) -> None:
    """The user that a sign-up answers is the release's, too: 17 fields, and 18 since 3.2."""
    with speaking(release, sqlite_template, tmp_path) as house:
        house.start_over()
        said = house.call("sign_up_admin", body=SIGN_UP)
        assert said.status_code == 201
        assert said.json().keys() == set(MODELS[release]["UserAdminResponseDto"])
        assert len(said.json()) == (18 if release == "3.2" else 17)
