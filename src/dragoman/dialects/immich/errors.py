"""How Immich 1.134 says no: statuses, words and body, contract §0.2, §0.5 and §1."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from dragoman.core import errors as core
from dragoman.dialects.immich.rules import Rules
from dragoman.exchange import Exchange, Malformed, Spoken, spoken_json
from dragoman.wire import camel

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

SESSION_ONLY = "This endpoint can only be used with a session token"

SPOKEN: Mapping[type[core.Refusal], tuple[int, str]] = {
    core.NotSignedIn: (401, "Authentication required"),
    core.SessionRefused: (401, "Invalid user token"),
    core.ApiKeyRefused: (401, "Invalid API key"),
    core.SharedLinkRefused: (401, "Invalid share key"),
    core.CredentialRefused: (401, "Invalid user token"),
    core.WrongCredentials: (401, "Incorrect email or password"),
    core.PasswordLoginDisabled: (401, "Password login has been disabled"),
    core.SignInRefused: (401, "Incorrect email or password"),
    core.AdminOnly: (403, "Forbidden"),
    core.PermissionMissing: (403, "Missing required permission: {permission}"),
    core.SessionRequired: (400, SESSION_ONLY),
    core.Forbidden: (403, "Forbidden"),
    core.WrongPassword: (400, "Wrong password"),
    core.WrongPin: (400, "Wrong PIN code"),
    core.ProofMissing: (400, "Either password or pinCode is required"),
    core.ProofRefused: (400, "Wrong password"),
    core.PinAlreadySet: (400, "User already has a PIN code"),
    core.PinNotSet: (400, "User does not have a PIN code"),
    core.NameTaken: (400, "User exists"),
    core.OldPasswordRequired: (400, "Changing the password needs the current one: use /auth/change-password"),
    core.SetupDone: (400, "The server already has an admin"),
    core.SetupClosed: (400, "Admin setup is disabled"),
    core.SetupRefused: (400, "Admin setup is disabled"),
    core.NotFound: (400, "Not found"),
    core.Throttled: (429, "Too many attempts, try again later"),
    core.Unavailable: (503, "The server cannot answer now, try again later"),
    core.Refusal: (400, "Bad Request"),
}
# Where an operation has words of its own.
OF_OPERATION: Mapping[tuple[str, type[core.Refusal]], tuple[int, str]] = {
    ("update_my_user", core.NameTaken): (400, "Email already in use by another account"),
}
REASONS: Mapping[str, str] = {
    "too_short": "must be longer than or equal to {limit} characters",
    "too_long": "must be shorter than or equal to {limit} bytes",
    "too_common": "must not be one of the most common passwords",
    "contains_name": "must not be your name or e-mail address",
    "contains_service": "must not be the name of the service",
    "not_text": "must be a string of valid characters",
}
NEW_PASSWORD = {"change_password": "newPassword"}
NAMES = {"display_name": "name"}
# Node's name for it; Python's depends on its version.
PHRASES = {413: "Payload Too Large"}


def refused(exchange: Exchange, refusal: core.Refusal) -> Spoken:
    """A refusal of the core, in Immich's words; the password policy's in its validation shape."""
    if isinstance(refusal, core.PasswordRefused):
        return _failed(exchange, 400, [_complaint(exchange, reason) for reason in refusal.reasons])
    if isinstance(refusal, core.PasswordTooLong):
        # One to be proved: a new one that is too long is refused by the policy.
        return _failed(exchange, 400, [f"password must be shorter than or equal to {refusal.limit} bytes"])
    if isinstance(refusal, core.NameRefused):
        return _failed(exchange, 400, [f"{NAMES.get(refusal.field, refusal.field)} {refusal.why}"])
    status, words = _words(exchange, type(refusal))
    return _failed(exchange, status, words.format_map(vars(refusal)))


def _words(exchange: Exchange, kind: type[core.Refusal]) -> tuple[int, str]:
    for ancestor in kind.__mro__:
        if issubclass(ancestor, core.Refusal):
            spoken = OF_OPERATION.get((_operation(exchange), ancestor)) or SPOKEN.get(ancestor)
            if spoken is not None:
                return spoken
    raise TypeError(f"{kind} is no refusal")


def _complaint(exchange: Exchange, reason: core.Reason) -> str:
    field = NEW_PASSWORD.get(_operation(exchange), "password")
    return f"{field} {REASONS.get(reason.code, 'is not acceptable').format(limit=reason.limit)}"


def _operation(exchange: Exchange) -> str:
    return exchange.operation.name if exchange.operation else ""


def malformed(_exchange: Exchange, problem: Malformed) -> Spoken:
    """A body that cannot be read. Immich gives these neither a correlation id nor its header."""
    words = {400: problem.why, 413: "request entity too large", 415: problem.why}[problem.status]
    return spoken_json(
        problem.status, {"message": words, "error": phrase(problem.status), "statusCode": problem.status}
    )


def phrase(status: int) -> str:
    """The reason phrase of a status."""
    return PHRASES.get(status) or HTTPStatus(status).phrase


def invalid(exchange: Exchange, shape: type[BaseModel], problem: ValidationError) -> Spoken:
    """Every message of every field, fields in the order of the shape (contract §1)."""
    rules = {
        info.alias or camel(name): next((m for m in info.metadata if isinstance(m, Rules)), None)
        for name, info in shape.model_fields.items()
    }
    messages: list[str] = []
    for error in problem.errors(include_url=False, include_input=False):
        field = str(error["loc"][0]) if error["loc"] else "body"
        rule = rules.get(field)
        if error["type"] == "rules":
            complaints: Sequence[str] = error["ctx"]["complaints"]
        elif error["type"] == "missing" and rule is not None:
            complaints = rule.broken(None)
        else:
            complaints = [str(error["msg"])]
        messages += [f"{field} {complaint}" for complaint in complaints]
    return _failed(exchange, 400, list(dict.fromkeys(messages)))


def not_found(exchange: Exchange) -> Spoken:
    """An unknown path; a wrong method is one, too (contract §0.1)."""
    return _failed(exchange, 404, f"Cannot {exchange.method} {exchange.path}")


def wrong_method(exchange: Exchange, _allowed: Sequence[str]) -> Spoken:
    return not_found(exchange)


def crashed(exchange: Exchange) -> Spoken:
    """An accident of ours. It says which operation failed, and nothing of why."""
    if exchange.operation is None:
        body = {
            "message": "Internal server error",
            "statusCode": 500,
            "correlationId": correlation_id(exchange),
        }
        return spoken_json(500, body, ("x-immich-cid", correlation_id(exchange)))
    return _failed(exchange, 500, f"Failed to {exchange.operation.name.replace('_', ' ')}")


def _failed(exchange: Exchange, status: int, message: str | list[str]) -> Spoken:
    cid = correlation_id(exchange)
    body = {
        "message": message,
        "error": phrase(status),
        "statusCode": status,
        "correlationId": cid,
    }
    return spoken_json(status, body, ("x-immich-cid", cid))


def correlation_id(exchange: Exchange) -> str:
    """The request's own `x-immich-cid`, else eight letters and digits of our request id."""
    given = exchange.headers.get("x-immich-cid")
    return given or re.sub(r"[^a-z0-9]", "", exchange.request_id.lower())[:8].rjust(8, "0")
