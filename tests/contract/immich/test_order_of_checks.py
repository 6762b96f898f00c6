"""Which check comes first: the body's syntax, the path, the caller, the fields, the deed (contract §0.1)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.immich.speech import (
    NEIGHBOURS,
    OPERATIONS,
    PIN,
    PROTECTED,
    House,
    assert_empty,
    assert_malformed,
    assert_refused,
)
from tests.fakes import PASSWORD

TYPE = {"content-type": "application/json"}
BROKEN = [
    b"{",
    b"{not json}",
    b'{"a":1',
    b"[1,",
    b'"\\x"',
    b"{'a':1}",
    b'{"a":1}{',
    b"\x00",
    b"\xff\xfe\xfd",
    b"nul",
]
SCALARS = [b'"text"', b"5", b"-1.5", b"null", b"true", b"false", b" 0 "]
# Bodies that are wrong in every field that they have.
BAD_FIELDS = {"email": 1, "password": 1, "newPassword": 1, "pinCode": 1, "newPinCode": 1, "name": 1}
WITH_BODY = {
    "change_password": 3,
    "setup_pin_code": 2,
    "change_pin_code": 5,
    "reset_pin_code": 3,
    "unlock_auth_session": 3,
}


@pytest.mark.parametrize("raw", [*BROKEN, *SCALARS])
@pytest.mark.parametrize("operation", ["login", "change_password", "get_auth_status"])
def test_malformed_json_comes_before_the_caller(house: House, operation: str, raw: bytes) -> None:
    """What is no JSON, or neither object nor array, is 400 without a correlation id, signed in or not (§0.2)."""
    for token in (None, "bad", house.person().token):
        response = house.call(operation, token, content=raw, headers=TYPE)
        assert_malformed(response)


@pytest.mark.parametrize(("method", "path"), [*OPERATIONS.values(), *NEIGHBOURS.values()])
def test_malformed_json_is_refused_everywhere(house: House, method: str, path: str) -> None:
    """Every operation reads its body first, even those that take none (§0.1)."""
    assert_malformed(house.ask(method, path, content=b"{", headers=TYPE))


@pytest.mark.parametrize("path", ["/auth/nope", "", "/", "/users", "/auth/login/more"])
def test_malformed_json_comes_before_the_path(house: House, path: str) -> None:
    """Even on a path that does not exist the body is read first (§0.1)."""
    assert_malformed(house.ask("POST", path, content=b"{", headers=TYPE))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/nope"),
        ("POST", "/auth/nope"),
        ("GET", ""),
        ("GET", "/"),
        ("GET", "/auth"),
        ("POST", "/auth/login/more"),
        ("GET", "/auth//status"),
        ("GET", "/auth/Status2"),
        ("GET", "/%2e%2e/secret"),
        ("DELETE", "/users/me/%00"),
    ],
)
def test_unknown_path_comes_before_the_caller(house: House, method: str, path: str) -> None:
    """An unknown path is 404 with Immich's words, signed in or not (§0.2)."""
    for token in (None, "bad", house.person().token):
        response = house.ask(method, path, token)
        assert response.status_code == 404
        shown = response.json()["message"]
        assert shown.startswith(f"Cannot {method} /api")
        assert_refused(response, 404, shown)
    assert_refused(house.ask("GET", "/auth/nope"), 404, "Cannot GET /api/auth/nope")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for path in sorted({path for _, path in OPERATIONS.values()})
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE")
        if (method, path) not in OPERATIONS.values()
    ],
)
def test_wrong_method_is_an_unknown_path(house: House, method: str, path: str) -> None:
    """A method that a path does not have is 404, never 405, and named with the path (§0.1)."""
    response = house.ask(method, path)
    assert_refused(response, 404, f"Cannot {method} /api{path}")
    assert "allow" not in response.headers


@pytest.mark.parametrize("path", ["/AUTH/STATUS", "/Auth/Status", "/auth/status/"])
def test_paths_are_matched_as_loosely_as_express_does(house: House, path: str) -> None:
    """Case and a final slash make no difference to the path that is meant."""
    assert house.ask("GET", path, house.person().token).status_code == 200


@pytest.mark.parametrize("operation", [*PROTECTED, *NEIGHBOURS])
def test_caller_comes_before_the_fields(house: House, operation: str) -> None:
    """A body wrong in every field is 401 without credentials, and with bad ones (§0.1)."""
    unsigned = house.call(operation, None, BAD_FIELDS)
    assert_refused(unsigned, 401, "Authentication required")
    bad = house.call(operation, "nobody-s-token", BAD_FIELDS)
    assert_refused(bad, 401, "Invalid user token")


@pytest.mark.parametrize(("operation", "complaints"), WITH_BODY.items())
def test_fields_come_before_the_deed(house: House, operation: str, complaints: int) -> None:
    """Fields are judged before the handler looks whether there is a PIN, or whether the password is right."""
    token = house.person().token
    response = house.call(operation, token, BAD_FIELDS)
    assert response.status_code == 400
    messages = response.json()["message"]
    assert len(messages) == complaints
    assert_refused(response, 400, messages)


@pytest.mark.parametrize(("operation", "complaints"), WITH_BODY.items())
def test_fields_come_before_the_kind_of_credential(house: House, operation: str, complaints: int) -> None:
    """That an API key will not do is the handler's to say, so bad fields are named first."""
    _, key = house.key(house.account(), "all")
    response = house.call(operation, None, BAD_FIELDS, headers={"x-api-key": key})
    assert (response.status_code, len(response.json()["message"])) == (400, complaints)


@pytest.mark.parametrize("content", [b"", b"[]", b'[{"pinCode":"123456"}]', b"[1,2]"])
def test_array_is_an_object_without_fields(house: House, content: bytes) -> None:
    """An array gets past the reader and has no fields (§0.2)."""
    token = house.person().token
    response = house.call("setup_pin_code", token, content=content, headers=TYPE)
    missing = [
        "pinCode must be a string",
        "pinCode should not be empty",
        "pinCode must be a 6-digit numeric string",
    ]
    assert_refused(response, 400, missing)
    assert_empty(house.call("lock_auth_session", token, content=content, headers=TYPE), 200)


@pytest.mark.parametrize("body", [{"pinCode": PIN, "more": 1, "newPinCode": "x"}, {"pinCode": PIN, "": {}}])
def test_unknown_fields_are_dropped(house: House, body: dict[str, Any]) -> None:
    """A field that the operation does not have is neither an error nor looked at (§0.4)."""
    assert_empty(house.call("setup_pin_code", house.person().token, body), 201)


def test_reset_takes_its_body_with_delete(houses: House) -> None:
    """The reset of a PIN is a DELETE that has a JSON body (§0.4)."""
    token = houses.person().token
    houses.call("setup_pin_code", token, {"pinCode": PIN})
    assert_empty(houses.call("reset_pin_code", token, {"password": PASSWORD}), 200)
    assert houses.status(token)["pinCode"] is False
