"""The rows of Portainer's refusals that no request brings about as a rule, exact to the byte (contract §1, §2)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from tests.contract.portainer.speech import House, assert_refused
from tests.fakes import PASSWORD
from tests.laws.travel import exchange_of
from tests.racing import after_statements

from dragoman.core import errors as core
from dragoman.dialects.portainer import errors
from dragoman.dialects.portainer.server import dialect
from dragoman.exchange import Malformed

SECRET_WHY = "why-it-is-so-is-for-the-operator"
ROWS = [
    (core.PasswordLoginDisabled(), 422, "Login method is not supported", "Unauthorized"),
    (core.WrongCredentials(), 422, "Invalid credentials", "Unauthorized"),
    (core.Forbidden(), 403, "Access denied", "Unauthorized"),
    (core.PermissionMissing("all"), 403, "Access denied", "Unauthorized"),
    (core.ProofMissing(), 403, "Access denied", "Unauthorized"),
    (core.SetupClosed(), 403, "Administrator initialization timeout", "Administrator initialization timeout"),
    (core.TooMany("API key", 1000), 409, *["There may be no more than 1000: API key"] * 2),
    (core.SharedLinkRefused(), 401, "Invalid JWT token", "Unauthorized"),
    (
        core.NameRefused("name", "must not be empty"),
        400,
        "Invalid request payload",
        "Invalid description: must not be empty",
    ),
    (core.Refusal(), 400, *["Invalid request payload"] * 2),
    (
        core.Unavailable(retry_after=timedelta(seconds=1), why=SECRET_WHY),
        503,
        "The server cannot answer now",
        "Try again later",
    ),
]


@pytest.mark.parametrize(
    ("refusal", "status", "message", "details"), ROWS, ids=[type(row[0]).__name__ for row in ROWS]
)
def test_a_refusal_in_portainers_words(
    refusal: core.Refusal, status: int, message: str, details: str
) -> None:
    """Status, message and details, compact, as JSON without a charset."""
    spoken = errors.refused(exchange_of(dialect), refusal)
    body = json.dumps({"message": message, "details": details}, separators=(",", ":"))
    assert (spoken.status, spoken.body.decode(), spoken.media) == (status, body, "application/json")


def test_what_is_not_to_be_read() -> None:
    """A body of the wrong size or kind has its status, and why as the details, with a capital first."""
    spoken = errors.malformed(exchange_of(dialect), Malformed("the body is too large", 413))
    told = {"message": "Invalid request payload", "details": "The body is too large"}
    assert (spoken.status, json.loads(spoken.body)) == (413, told)


def test_a_refusal_of_nobodys_is_an_accident() -> None:
    """What is no refusal has no words."""
    with pytest.raises(TypeError, match="is no refusal"):
        errors.refused(exchange_of(dialect), ValueError())  # type: ignore[arg-type]


def test_an_accident_says_nothing_of_itself(own: House) -> None:
    """500 in Portainer's shape, without a word of what went wrong."""
    own.account(username="admin")

    def crash(_: str) -> None:
        raise RuntimeError(SECRET_WHY)

    with after_statements(own.core, crash):
        response = own.log_in("admin", PASSWORD)
    assert_refused(response, 500, "Internal server error")


def test_a_database_that_is_away_is_never_a_no(own: House) -> None:
    """503 with Retry-After, whatever was asked: nobody is signed out because a database restarts."""
    account = own.account()
    token = own.token(account)

    def away(_: str) -> None:
        raise core.Unavailable(retry_after=timedelta(seconds=2), why=SECRET_WHY)

    with after_statements(own.core, away):
        response = own.ask("GET", f"/users/{account.number}/tokens", token)
    assert_refused(response, 503, "The server cannot answer now", "Try again later")
    assert response.headers["retry-after"] == "2"
