"""Every way in which Aivo says no, to the byte (contract §4)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.aivo.speech import (
    NO_REFRESH,
    NO_SIGN_IN,
    NO_TOKEN,
    OPERATIONS,
    UNAUTHORIZED,
    House,
    not_valid,
    pair,
    refused,
)
from tests.fakes import PASSWORD, do

from dragoman.core import accounts

SHORT = "must be at least 8 characters long"
EMAIL = "must be a valid email address"
MISSING, NO_TEXT = "is required", "must be a string"

# --- sign-in --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", ["wrong password", "unknown", "disabled", "deleted"])
def test_a_sign_in_is_refused_alike(house: House, fate: str) -> None:
    """Whoever cannot sign in hears the same, and nothing of how to hold up a token."""
    person = house.person()
    if fate in ("disabled", "deleted"):
        do(house.core, accounts.disable if fate == "disabled" else accounts.delete_softly, person.number)
    body = {
        "email": "nobody@example.org" if fate == "unknown" else person.address,
        "password": "wrong-horse-7" if fate == "wrong password" else PASSWORD,
    }
    answer = house.call("login", body=body)
    headers = refused(answer, 401, NO_SIGN_IN)
    assert answer.content == b'{"error":"unauthorized","message":"Invalid credentials"}'
    assert "www-authenticate" not in headers


BAD_LOGINS: dict[str, tuple[Any, dict[str, str]]] = {
    "nothing": ({}, {"email": MISSING, "password": MISSING}),
    "no address": ({"password": PASSWORD}, {"email": MISSING}),
    "no password": ({"email": "a@example.org"}, {"password": MISSING}),
    "nulls": ({"email": None, "password": None}, {"email": NO_TEXT, "password": NO_TEXT}),
    "numbers": ({"email": 1, "password": 12345678}, {"email": NO_TEXT, "password": NO_TEXT}),
    "lists": ({"email": ["a@example.org"], "password": [PASSWORD]}, {"email": NO_TEXT, "password": NO_TEXT}),
    "no address's form": ({"email": "somebody", "password": PASSWORD}, {"email": EMAIL}),
    "two addresses": ({"email": "a@b@c", "password": PASSWORD}, {"email": EMAIL}),
    "a blank in it": ({"email": "a b@example.org", "password": PASSWORD}, {"email": EMAIL}),
    "empty": ({"email": "", "password": ""}, {"email": EMAIL, "password": SHORT}),
    "seven characters": ({"email": "a@example.org", "password": "äöüßéèç"}, {"password": SHORT}),
    "snake case": ({"e_mail": "a@example.org", "pass_word": "x"}, {"email": MISSING, "password": MISSING}),
    "endless": (
        {"email": "a@example.org", "password": "x" * 5000},
        {"password": "must be at most 4096 bytes long"},
    ),
}


@pytest.mark.parametrize("what", BAD_LOGINS)
def test_a_sign_in_that_is_not_valid_names_each_field(house: House, what: str) -> None:
    """One entry for each field that is wrong, in the order of the fields; it is 422 whoever asks."""
    body, fields = BAD_LOGINS[what]
    not_valid(house.call("login", body=body), **fields)


# --- refresh --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, MISSING),
        ({"refreshToken": None}, NO_TEXT),
        ({"refreshToken": 7}, NO_TEXT),
        ({"refresh_token": "x"}, MISSING),
    ],
    ids=["nothing", "null", "a number", "snake case"],
)
def test_a_refresh_without_a_token_is_not_valid(house: House, body: Any, message: str) -> None:
    """It is 422 with the field's name, as at sign-in."""
    not_valid(house.call("refresh", body=body), refreshToken=message)


def test_a_refresh_is_refused_alike(house: House) -> None:
    """Unknown, garbled, ended, spent and foreign refresh tokens are refused with the same words."""
    person = house.person()
    held, ended, spent, disabled = (house.log_in(person) for _ in range(4))
    house.call("logout", ended.access)
    pair(house.refresh(spent))
    house.clock.forward(seconds=10)
    gone = house.person()
    of_gone = house.log_in(gone)
    do(house.core, accounts.purge, gone.number)
    texts = {
        "unknown": "x" * 84,
        "empty": "",
        "an access token": held.access,
        "garbled": held.refresh[:-1],
        "ended": ended.refresh,
        "spent": spent.refresh,
        "of nobody": of_gone.refresh,
        "half a pair": "\ud800",
    }
    for how, text in texts.items():
        body = '{"refreshToken": "\\ud800"}' if how == "half a pair" else None
        named: dict[str, Any] = (
            {"json": {"refreshToken": text}}
            if body is None
            else {"content": body, "headers": {"content-type": "application/json"}}
        )
        headers = refused(house.ask("POST", "/refresh", **named), 401, NO_REFRESH)
        assert headers["www-authenticate"] == "Bearer"
    assert house.refresh(disabled).status_code == 200


# --- tokens ---------------------------------------------------------------------------------------------

NO_TOKENS = {
    "no header": {},
    "another scheme": {"authorization": "Basic YTpi"},
    "no token": {"authorization": "Bearer"},
}


@pytest.mark.parametrize("operation", ["logout", "me"])
@pytest.mark.parametrize("how", NO_TOKENS)
def test_who_holds_no_token_up_is_asked_for_one(house: House, operation: str, how: str) -> None:
    """401, and a header that says how."""
    answer = house.ask(*OPERATIONS[operation], headers=NO_TOKENS[how])
    assert refused(answer, 401, NO_TOKEN)["www-authenticate"] == "Bearer"
    assert answer.content == b'{"error":"unauthorized","message":"Authentication required"}'


@pytest.mark.parametrize("operation", ["logout", "me"])
def test_a_token_that_is_no_good_is_refused(house: House, operation: str) -> None:
    """A bad signature, a refresh token, a token that expired: 401, and a header that says what is wrong."""
    held = house.log_in(house.person())
    head, _, signature = held.access.rpartition(".")
    tokens = ["x", f"{head}.{signature[::-1]}", held.refresh, f"{held.access}.", head]
    house.clock.forward(seconds=900)
    for token in (*tokens, held.access):
        refusal = house.call(operation, token)
        assert refused(refusal, 401, UNAUTHORIZED)["www-authenticate"] == 'Bearer error="invalid_token"'
    answer = house.call(operation, held.access)
    assert answer.content == b'{"error":"unauthorized","message":"Invalid or expired token"}'


def test_a_bearer_token_is_read_as_others_write_it(house: House) -> None:
    """The scheme counts in any case (RFC 9110 §11.1)."""
    held = house.log_in(house.person())
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = house.ask("GET", "/me", headers={"authorization": f"{scheme} {held.access}"})
        assert answer.status_code == 200


# --- around the body ------------------------------------------------------------------------------------

NO_OBJECT = "the body must be a JSON object"


@pytest.mark.parametrize("operation", ["login", "refresh"])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[]", NO_OBJECT),
        (b"null", NO_OBJECT),
        (b'"x"', NO_OBJECT),
        (b"", "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"{", None),
        (b'{"email": NaN}', "the body is not JSON: NaN is not JSON"),
        (b"\xff", None),
        (b"[" * 100_000, "the body is nested too deep"),
    ],
    ids=["a list", "null", "a string", "nothing", "half", "NaN", "no UTF-8", "deep"],
)
def test_a_body_that_is_no_object_is_not_valid(
    house: House, operation: str, content: bytes, why: str | None
) -> None:
    """It is 422, the one refusal of a request that the document knows, and the field is `body`."""
    answer = house.ask(*OPERATIONS[operation], content=content, headers={"content-type": "application/json"})
    said = answer.json()["validationErrors"][0]["message"]
    not_valid(answer, body=said if why is None else why)
    assert said.startswith("the body")


TYPES = {
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "text": {"content-type": "text/plain"},
    "untold": {},
    "Latin-1": {"content-type": "application/json; charset=iso-8859-1"},
    "packed": {"content-type": "application/json", "content-encoding": "gzip"},
}


@pytest.mark.parametrize("what", TYPES)
def test_a_body_of_another_type_is_415(house: House, what: str) -> None:
    """What is not JSON in UTF-8, or has to be unpacked first, is not read."""
    body = {"error": "unsupported_media_type", "message": "The body must be JSON in UTF-8"}
    refused(house.ask("POST", "/login", content=b"{}", headers=TYPES[what]), 415, body)
    told = {"content-type": "Application/JSON; charset=UTF-8"}
    assert house.ask("POST", "/login", content=b"{}", headers=told).status_code == 422


def test_a_body_that_is_too_large_is_413(house: House) -> None:
    """More than a mebibyte is not read."""
    body = {"error": "payload_too_large", "message": "The body is too large"}
    refused(house.call("login", body={"email": "x" * (1 << 20)}), 413, body)


def test_a_body_that_nobody_asked_for_is_not_looked_at(house: House) -> None:
    """Logout and profile take none, so whatever is sent with them counts for nothing."""
    held = house.log_in(house.person())
    garbage: dict[str, Any] = {"content": b"{", "headers": {"content-type": "text/plain"}}
    assert house.ask("GET", "/me", held.access, **garbage).status_code == 200
    assert house.ask("POST", "/logout", held.access, **garbage).status_code == 204


@pytest.mark.parametrize("path", ["/nope", "/login/", "/Login", "/me/x", ""])
def test_an_unknown_path_is_404(house: House, path: str) -> None:
    """Paths are read to the letter."""
    refused(house.ask("GET", path), 404, {"error": "not_found", "message": "Not found"})


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_wrong_method_is_405(house: House, operation: str) -> None:
    """It names the one that is right, in a header."""
    method, path = OPERATIONS[operation]
    body = {"error": "method_not_allowed", "message": "Method not allowed"}
    assert refused(house.ask("PUT", path), 405, body)["allow"] == method


def test_too_many_guesses_are_429(own: House) -> None:
    """Past ten wrong passwords an attempt is not heard, and told when to come back; the right one neither."""
    person = own.person()
    for _ in range(11):
        own.call("login", body={"email": person.address, "password": "wrong-horse-7"})
    answer = own.call("login", body={"email": person.address, "password": PASSWORD})
    body = {"error": "too_many_requests", "message": "Too many attempts, try again later"}
    assert refused(answer, 429, body)["retry-after"] == "1"
