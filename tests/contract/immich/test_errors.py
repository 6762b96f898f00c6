"""How each release of Immich says no: the body, the header and the words (contract §0.2, §0.3)."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import pytest
from pydantic import ValidationError
from tests.fakes import ORIGIN

from dragoman.core import errors as core
from dragoman.dialects.immich import errors, zod
from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.rules import IS_STRING, IS_UUID, Rules
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.dialects.immich.zod import UNDEFINED
from dragoman.exchange import Exchange, Malformed, Spoken
from dragoman.wire import InPath, InQuery, Wire

OLD = ("1.134", "2.7")
HEADERS = {"1.134": "x-immich-cid", "2.7": "x-immich-cid", "3.2": "x-correlation-id"}
FACTS: dict[str, Any] = {
    "permission": "album.read",
    "reasons": [core.Reason("too_common", "")],
    "limit": 4096,
    "field": "email",
    "why": "must not be this one",
    "thing": "account",
    "retry_after": timedelta(seconds=1),
}


def exchange(release: str, operation: str | None = "login", **headers: str) -> Exchange:
    """A request for an operation, to a server that speaks this release."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "headers": raw, "query_string": b""}
    asked = Exchange(scope, "/api/nope", "", "localhost", ORIGIN, secure=False, release=RELEASES[release])
    asked.operation = replace(ImmichApi.login, name=operation) if operation else None
    return asked


def body_of(spoken: Spoken) -> Any:
    """The JSON of an answer; the order of its keys counts."""
    return json.loads(spoken.body)


def old_body(message: Any, status: int, phrase: str) -> Any:
    """The body of the first two releases."""
    return {"message": message, "error": phrase, "statusCode": status, "correlationId": "0000test"}


def assert_is(spoken: Spoken, status: int, body: Any, release: str) -> None:
    """The answer has this status and body to the byte, and the release's header with the id."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    assert (spoken.status, spoken.body.decode()) == (status, text)
    assert list(spoken.headers) == [(HEADERS[release], "0000test")]


@pytest.mark.parametrize("release", OLD)
def test_a_refusal_before_3_0(release: str) -> None:
    """Before 3.0 a refusal names its status in words and numbers, and its id in body and header (§0.2)."""
    spoken = errors.refused(exchange(release), core.WrongCredentials())
    assert_is(spoken, 401, old_body("Incorrect email or password", 401, "Unauthorized"), release)


def test_a_refusal_in_3_2() -> None:
    """In 3.2 a refusal is its text alone; the id is in the header (§0.3)."""
    spoken = errors.refused(exchange("3.2"), core.WrongCredentials())
    assert_is(spoken, 401, {"message": "Incorrect email or password"}, "3.2")


@pytest.mark.parametrize("release", HEADERS)
def test_the_id_of_the_request_is_sent_back(release: str) -> None:
    """An id that the request has in the release's own header is the answer's, in any other it is not (§0.2)."""
    given = {"x_immich_cid": "mine", "x_correlation_id": "theirs"}
    name = HEADERS[release]
    said = given[name.replace("-", "_")]
    asked = exchange(release, **given)
    assert list(errors.correlation(asked)) == [(name, said)]
    assert list(errors.refused(asked, core.AdminOnly()).headers) == [(name, said)]


def test_unknown_paths() -> None:
    """A path or a method that nobody serves is refused in the body of the release, with its id (§0.1, §4)."""
    for release in OLD:
        spoken = errors.not_found(exchange(release, None))
        assert_is(spoken, 404, old_body("Cannot POST /api/nope", 404, "Not Found"), release)
    spoken = errors.wrong_method(exchange("3.2", None), ["GET"])
    assert_is(spoken, 404, {"message": "Cannot POST /api/nope"}, "3.2")


def test_malformed_bodies() -> None:
    """What is no JSON gets no id before 3.0; in 3.2 it is a refusal like any other (§0.2, X)."""
    for release in OLD:
        spoken = errors.malformed(exchange(release), Malformed("no JSON"))
        assert body_of(spoken) == {"message": "no JSON", "error": "Bad Request", "statusCode": 400}
        assert list(spoken.headers) == []
    assert_is(errors.malformed(exchange("3.2"), Malformed("no JSON")), 400, {"message": "no JSON"}, "3.2")


@pytest.mark.parametrize("release", HEADERS)
def test_accidents(release: str) -> None:
    """An accident says which operation failed, and before its handler, or outside of any, nothing at all (§0.2)."""
    reached = exchange(release, "sign_up_admin")
    reached.reached = True
    inside = errors.crashed(reached)
    before, outside = (
        errors.crashed(exchange(release, "get_my_user")),
        errors.crashed(exchange(release, None)),
    )
    if release == "3.2":
        assert_is(inside, 500, {"message": "Failed to sign up admin"}, release)
    else:
        assert_is(inside, 500, old_body("Failed to sign up admin", 500, "Internal Server Error"), release)
    bare: dict[str, Any] = {"message": "Internal server error"}
    if release != "3.2":
        bare |= {"statusCode": 500, "correlationId": "0000test"}
    for spoken in (before, outside):
        assert_is(spoken, 500, bare, release)


@pytest.mark.parametrize(("received", "name"), [(UNDEFINED, "undefined"), ([], "array")])
def test_a_body_without_fields(received: Any, name: str) -> None:
    """Before 3.0 an array, or nothing, is a body without fields; 3.2 says what came instead of one (§4, X)."""
    for release in OLD:
        assert errors.not_an_object(exchange(release), received) == {}
    asked = exchange("3.2")
    problem = errors.not_an_object(asked, received)
    assert isinstance(problem, Malformed)
    issue = {
        "expected": "object",
        "code": "invalid_type",
        "path": [],
        "message": f"Invalid input: expected object, received {name}",
    }
    body = {"message": "Validation failed", "errors": [issue]}
    assert_is(errors.malformed(asked, problem), 400, body, "3.2")


def test_operations_without_a_body_need_none() -> None:
    """Where an operation takes no body, and where there is none, nothing is missed (§4, X)."""
    asked = exchange("3.2")
    asked.operation = ImmichApi.logout
    assert errors.not_an_object(asked, UNDEFINED) == {}
    assert errors.not_an_object(exchange("3.2", None), UNDEFINED) == {}


COMPLAINTS = [
    (
        "change_password",
        core.PasswordRefused([core.Reason("too_short", "", 12), core.Reason("too_common", "")]),
        "newPassword",
        [
            "newPassword must be longer than or equal to 12 characters",
            "newPassword must not be one of the most common passwords",
        ],
    ),
    (
        "sign_up_admin",
        core.PasswordRefused([core.Reason("something_new", "")]),
        "password",
        ["password is not acceptable"],
    ),
    (
        "login",
        core.PasswordTooLong(4096),
        "password",
        ["password must be shorter than or equal to 4096 bytes"],
    ),
    (
        "sign_up_admin",
        core.NameRefused("display_name", "must not be this one"),
        "name",
        ["name must not be this one"],
    ),
]


@pytest.mark.parametrize(("operation", "refusal", "field", "said"), COMPLAINTS)
def test_what_the_core_says_of_a_field(
    operation: str, refusal: core.Refusal, field: str, said: list[str]
) -> None:
    """What the core refuses about a field reads like a broken rule of the release (§0.2, §0.3)."""
    for release in OLD:
        spoken = errors.refused(exchange(release, operation), refusal)
        assert_is(spoken, 400, old_body(said, 400, "Bad Request"), release)
    issues = [{"code": "custom", "path": [field], "message": message} for message in said]
    spoken = errors.refused(exchange("3.2", operation), refusal)
    assert_is(spoken, 400, {"message": "Validation failed", "errors": issues}, "3.2")


@pytest.mark.parametrize(
    ("operation", "refusal", "status", "message"),
    [
        ("get_api_key", core.NotFound("API key"), 400, "API Key not found"),
        ("get_user", core.NotFound("account"), 400, "User not found"),
        ("delete_session", core.NotFound("session"), 400, "Not found or no authDevice.delete access"),
        ("lock_session", core.NotFound("session"), 400, "Not found or no session.lock access"),
        ("create_api_key", core.PermissionsExceeded(), 400, "Cannot grant permissions you do not have"),
        (
            "rotate_api_key",
            core.PermissionsExceeded(),
            400,
            "Cannot rotate an API Key with permissions you do not have",
        ),
        ("get_my_api_key", core.ApiKeyRequired(), 403, "Not authenticated with an API Key"),
        ("get_my_user", core.PermissionMissing("user.read"), 403, "Missing required permission: user.read"),
        ("update_my_user", core.NameTaken("email"), 400, "Email already in use by another account"),
        ("sign_up_admin", core.NameTaken("email"), 400, "User exists"),
    ],
)
@pytest.mark.parametrize("release", HEADERS)
def test_words_of_refusals(
    release: str, operation: str, refusal: core.Refusal, status: int, message: str
) -> None:
    """The words are the same in every release, and some operations have their own (§4.1, S)."""
    spoken = errors.refused(exchange(release, operation), refusal)
    assert (spoken.status, body_of(spoken)["message"]) == (status, message)


def refusals(kind: type[core.Refusal] = core.Refusal) -> Iterator[core.Refusal]:
    """One of every kind of refusal that the core has."""
    wanted = inspect.signature(kind.__init__).parameters
    facts = {name: FACTS[name] for name in wanted if name in FACTS}
    yield kind(**facts) if facts else kind()
    for narrower in kind.__subclasses__():
        if narrower.__module__ == core.__name__:
            yield from refusals(narrower)


@pytest.mark.parametrize("release", HEADERS)
@pytest.mark.parametrize("refusal", list(refusals()), ids=lambda refusal: type(refusal).__name__)
def test_every_refusal_can_be_said(release: str, refusal: core.Refusal) -> None:
    """Whatever the core refuses, there are words for it, and the correlation id beside them."""
    spoken = errors.refused(exchange(release), refusal)
    assert spoken.status in {400, 401, 403, 429, 503}
    assert "{" not in str(body_of(spoken)["message"])
    assert list(spoken.headers) == [(HEADERS[release], "0000test")]


class Everywhere(Wire):
    """An ask with a field in each place."""

    id: Annotated[str, InPath(), Rules(IS_UUID, zod=zod.uuid())]
    word: Annotated[str, InQuery(), Rules(IS_STRING, zod=zod.string())]
    name: Annotated[str, Rules(IS_STRING, zod=zod.string())]


@pytest.mark.parametrize("release", HEADERS)
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"id": "x"}, "name"),
        ({"id": "x", "name": "n"}, "word"),
        ({"id": "x", "name": "n", "word": "w"}, "id"),
    ],
)
def test_one_place_is_spoken_of(release: str, values: Any, field: str) -> None:
    """Where several places of a request are wrong, only the body is spoken of, or else the query (X: NestJS)."""
    with pytest.raises(ValidationError) as caught:
        Everywhere.model_validate(values, context={"release": release})
    said = body_of(errors.invalid(exchange(release), Everywhere, caught.value))
    if release == "3.2":
        assert [issue["path"] for issue in said["errors"]] == [[field]]
    else:
        assert [message.partition(" ")[0] for message in said["message"]] == [field]
