"""How Aivo says no: `{"error": code, "message": text}`, of a field `validationErrors` besides (contract §4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dragoman.core import errors as core
from dragoman.exchange import Exchange, Malformed, Spoken, spoken_json

if TYPE_CHECKING:
    import pydantic
    from pydantic import BaseModel

SPOKEN: Mapping[type[core.Refusal], tuple[int, str, str]] = {
    core.NotSignedIn: (401, "unauthorized", "Authentication required"),
    core.RefreshRefused: (401, "invalid_refresh_token", "Invalid refresh token"),
    core.CredentialRefused: (401, "unauthorized", "Invalid or expired token"),
    core.SignInRefused: (401, "unauthorized", "Invalid credentials"),
    core.Forbidden: (403, "forbidden", "Forbidden"),
    core.NotFound: (404, "not_found", "Not found"),
    core.Throttled: (429, "too_many_requests", "Too many attempts, try again later"),
    core.Unavailable: (503, "service_unavailable", "The service cannot answer now, try again later"),
    core.Refusal: (400, "bad_request", "The request was refused"),
}
UNREADABLE: Mapping[int, tuple[str, str]] = {
    413: ("payload_too_large", "The body is too large"),
    415: ("unsupported_media_type", "The body must be JSON in UTF-8"),
}
# pydantic's names for what can be wrong with a field.
COMPLAINTS: Mapping[str, str] = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_too_short": "must be at least 8 characters long",
}


def refused(exchange: Exchange, refusal: core.Refusal) -> Spoken:
    """A refusal of the core. Who holds up no good token is told so in a header, too (RFC 6750 §3)."""
    if isinstance(refusal, core.PasswordTooLong):
        return _not_valid([("password", f"must be at most {refusal.limit} bytes long")])
    status, code, message = next(SPOKEN[kind] for kind in type(refusal).__mro__ if kind in SPOKEN)
    headers: list[tuple[str, str]] = []
    if isinstance(refusal, core.NotSignedIn | core.CredentialRefused):
        headers.append(("www-authenticate", challenge(exchange)))
    return _failed(status, code, message, *headers)


def challenge(exchange: Exchange) -> str:
    """How to come back: with a bearer token, or with a better one."""
    return 'Bearer error="invalid_token"' if exchange.bearer else "Bearer"


def malformed(_exchange: Exchange, problem: Malformed) -> Spoken:
    """A body that cannot be read: too large or of another type, else not valid, as the page declares it."""
    if problem.status in UNREADABLE:
        return _failed(problem.status, *UNREADABLE[problem.status])
    return _not_valid([("body", problem.why)])


def invalid(_exchange: Exchange, _shape: type[BaseModel], problem: pydantic.ValidationError) -> Spoken:
    """What is wrong with every field, one entry for each."""
    found = problem.errors(include_url=False, include_input=False, include_context=False)
    return _not_valid([(str(each["loc"][0]), COMPLAINTS.get(each["type"], each["msg"])) for each in found])


def not_found(_exchange: Exchange) -> Spoken:
    return _failed(404, "not_found", "Not found")


def wrong_method(_exchange: Exchange, allowed: Sequence[str]) -> Spoken:
    return _failed(405, "method_not_allowed", "Method not allowed", ("allow", ", ".join(allowed)))


def crashed(_exchange: Exchange) -> Spoken:
    """An accident of ours, with nothing of why."""
    return _failed(500, "internal_error", "Internal server error")


def _not_valid(complaints: Sequence[tuple[str, str]]) -> Spoken:
    entries = [{"field": field, "message": message} for field, message in complaints]
    body = {"error": "validation_failed", "message": "Validation failed", "validationErrors": entries}
    return spoken_json(422, body)


def _failed(status: int, code: str, message: str, *headers: tuple[str, str]) -> Spoken:
    return spoken_json(status, {"error": code, "message": message}, *headers)
