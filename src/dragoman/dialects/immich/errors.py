"""How each release of Immich says no: statuses, words and body, contract §0.2, §0.3, §0.5, §1 and §5.2."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from dragoman.core import errors as core
from dragoman.dialects.immich import refusals, zod
from dragoman.dialects.immich.behaviour import (
    CORRELATION_HEADER,
    OBJECT_REQUIRED,
    REFUSAL_KEYS,
    UNREADABLE_IS_CORRELATED,
    UNREADABLE_KEYS,
    Fact,
    name_of,
    speaks_zod,
)
from dragoman.dialects.immich.releases import spoken_by
from dragoman.dialects.immich.rules import Verdict, rules_of
from dragoman.dialects.immich.zod import UNDEFINED, Issue
from dragoman.exchange import Exchange, Malformed, Spoken, spoken_json, words_for
from dragoman.wire import InPath, InQuery, places

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

SESSION_ONLY = "This endpoint can only be used with a session token"

SPOKEN: Mapping[type[core.Refusal], tuple[int, str]] = {
    core.NotSignedIn: (401, "Authentication required"),
    core.SessionRefused: (401, "Invalid user token"),
    core.ApiKeyRefused: (401, "Invalid API key"),
    core.SharedLinkRefused: (401, "Invalid share key"),
    refusals.SlugRefused: (401, "Invalid share slug"),
    core.CredentialRefused: (401, "Invalid user token"),
    core.WrongCredentials: (401, "Incorrect email or password"),
    core.PasswordLoginDisabled: (401, "Password login has been disabled"),
    core.SignInRefused: (401, "Incorrect email or password"),
    core.AdminOnly: (403, "Forbidden"),
    core.PermissionMissing: (403, "Missing required permission: {permission}"),
    core.SessionRequired: (400, SESSION_ONLY),
    core.ApiKeyRequired: (403, "Not authenticated with an API Key"),
    core.Forbidden: (403, "Forbidden"),
    core.WrongPassword: (400, "Wrong password"),
    core.WrongPin: (400, "Wrong PIN code"),
    core.ProofMissing: (400, "Either password or pinCode is required"),
    core.ProofRefused: (400, "Wrong password"),
    core.PinAlreadySet: (400, "User already has a PIN code"),
    core.PinNotSet: (400, "User does not have a PIN code"),
    core.NameTaken: (400, "User exists"),
    core.PermissionsExceeded: (400, "Cannot grant permissions you do not have"),
    core.LastAdmin: (400, "The server needs an administrator"),
    core.OldPasswordRequired: (400, "Changing the password needs the current one: use /auth/change-password"),
    core.SetupDone: (400, "The server already has an admin"),
    core.SetupClosed: (400, "Admin setup is disabled"),
    core.SetupRefused: (400, "Admin setup is disabled"),
    core.NotFound: (400, "{named} not found"),
    core.TooMany: (400, "There may be no more than {limit}: {thing}"),
    core.Throttled: (429, "Too many attempts, try again later"),
    core.Unavailable: (503, "The server cannot answer now, try again later"),
    core.Refusal: (400, "Bad Request"),
    refusals.NoLicense: (404, "Not Found"),
    refusals.LicenseRefused: (400, "Invalid license key"),
    refusals.PasswordMissing: (400, "password is required"),
    refusals.LabelTaken: (400, "Storage label already in use by another account"),
    refusals.OwnAccount: (403, "Cannot delete your own account"),
    refusals.OwnRights: (400, "Admin status can only be changed by another admin"),
    refusals.AdminAccount: (403, "Cannot delete admin user"),
}
# Where an operation has words of its own.
OF_OPERATION: Mapping[tuple[str, type[core.Refusal]], tuple[int, str]] = {
    ("update_my_user", core.NameTaken): (400, "Email already in use by another account"),
    ("update_user_admin", core.NameTaken): (400, "Email already in use by another account"),
    ("rotate_api_key", core.PermissionsExceeded): (
        400,
        "Cannot rotate an API Key with permissions you do not have",
    ),
    ("delete_session", core.NotFound): (400, "Not found or no authDevice.delete access"),
    ("lock_session", core.NotFound): (400, "Not found or no session.lock access"),
    ("update_session", core.NotFound): (400, "Not found or no session.update access"),
}
# What the product calls the core's things.
NAMED: Mapping[str, str] = {"account": "User", "API key": "API Key", "session": "Session"}
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
# Only the first place where something is wrong is spoken of: the body (None) comes first in the product.
JUDGED_IN_ORDER = (None, InQuery, InPath)
# Node's name for it; Python's depends on its version.
PHRASES = {413: "Payload Too Large"}


def refused(exchange: Exchange, refusal: core.Refusal) -> Spoken:
    """A refusal of the core, in Immich's words; what it says of a field, in the shape of validation."""
    about_field = list(_about_field(exchange, refusal))
    if about_field:
        return _not_valid(exchange, about_field)
    status, words = words_for(exchange, type(refusal), SPOKEN, OF_OPERATION)
    named = NAMED.get(getattr(refusal, "thing", ""), "It")
    # The product's own 404s, unlike those of its router, are thrown without a text: such bodies have no reason.
    reason = None if status == HTTPStatus.NOT_FOUND else ""
    return _failed(exchange, status, words.format_map({**vars(refusal), "named": named}), reason=reason)


def _about_field(exchange: Exchange, refusal: core.Refusal) -> Iterator[tuple[str, str]]:
    """The field that a refusal is about and what is wrong with it, if it is about any."""
    match refusal:
        case core.PasswordRefused():
            field = NEW_PASSWORD.get(_operation(exchange), "password")
            for reason in refusal.reasons:
                yield field, REASONS.get(reason.code, "is not acceptable").format(limit=reason.limit)
        case core.PasswordTooLong():
            # One to be proved: a new one that is too long is refused by the policy.
            yield "password", REASONS["too_long"].format(limit=refusal.limit)
        case core.NameRefused():
            yield NAMES.get(refusal.field, refusal.field), refusal.why


def _operation(exchange: Exchange) -> str:
    return exchange.operation.name if exchange.operation else ""


def _release(exchange: Exchange) -> str:
    return name_of(exchange.release)


class NotAnObject(Malformed):
    """A body that has no fields where an operation takes some: `received` is what came instead."""

    def __init__(self, received: Any) -> None:
        super().__init__("the body is not an object")
        self.received = received


def not_an_object(exchange: Exchange, received: Any) -> Any:
    """What counts as the body when `received` came for one: an array, or `UNDEFINED` for nothing to read.

    An object without fields; or where the release wants an object and the operation has fields for it,
    `NotAnObject`, returned, for whoever reads the ask to raise: the caller is judged before.
    """
    shape: type[BaseModel] | None = exchange.operation.takes if exchange.operation else None
    has_body = shape is not None and any(place is None for place, _ in places(shape).values())
    return NotAnObject(received) if has_body and OBJECT_REQUIRED.of(_release(exchange)) else {}


def malformed(exchange: Exchange, problem: Malformed) -> Spoken:
    """A body that cannot be read: the product's parser answers it, with less than other refusals have at first."""
    if isinstance(problem, NotAnObject):
        return _broken(exchange, [zod.wrong_type("object", problem.received)])
    words = {400: problem.why, 413: "request entity too large", 415: problem.why}[problem.status]
    release = _release(exchange)
    headers = correlation(exchange) if UNREADABLE_IS_CORRELATED.of(release) else ()
    body = _body(exchange, problem.status, words, phrase(problem.status), UNREADABLE_KEYS)
    return spoken_json(problem.status, body, *headers)


def phrase(status: int) -> str:
    """The reason phrase of a status."""
    return PHRASES.get(status) or HTTPStatus(status).phrase


def invalid(exchange: Exchange, shape: type[BaseModel], problem: ValidationError) -> Spoken:
    """All that is wrong with every field, fields in the release's order (contract §1, §5.2)."""
    release = _release(exchange)
    verdicts = _in_first_place(shape, list(_verdicts(shape, problem, release)))
    if speaks_zod(release):
        order = spoken_by(exchange.release).orders.get(shape, ())
        verdicts.sort(key=lambda found: order.index(found[0][0]) if found[0] and found[0][0] in order else 0)
        return _broken(exchange, [zod.below(loc, issue) for loc, said in verdicts for issue in said.issues])
    messages = [sentence(loc, says) for loc, said in verdicts for says in said.complaints]
    return _failed(exchange, 400, list(dict.fromkeys(messages)))


Place = tuple[str | int, ...]


def _verdicts(
    shape: type[BaseModel], problem: ValidationError, release: str
) -> Iterator[tuple[Place, Verdict]]:
    rules = {info.alias or name: rules_of(info.metadata) for name, info in shape.model_fields.items()}
    for error in problem.errors(include_url=False, include_input=False):
        loc = error["loc"]
        rule = rules.get(str(loc[0])) if len(loc) == 1 else None
        if error["type"] == "rules":
            yield loc, error["ctx"]["verdict"]
        elif error["type"] == "missing" and rule is not None:
            yield loc, rule.verdict(UNDEFINED, release)
        else:
            issue = {"code": "custom", "path": [], "message": error["msg"]}
            yield loc, Verdict([f"{{}} {error['msg']}"], [issue])


def _in_first_place(
    shape: type[BaseModel], verdicts: list[tuple[Place, Verdict]]
) -> list[tuple[Place, Verdict]]:
    standing = {wire_name: place for place, wire_name in places(shape).values()}
    for place in JUDGED_IN_ORDER:
        found = [each for each in verdicts if standing.get(str(each[0][0]) if each[0] else "") is place]
        if found:
            return found
    return verdicts


def sentence(loc: Place, says: str) -> str:
    """A complaint about the field at `loc`: one within a group is named after the group's."""
    *groups, field = [str(part) for part in loc] or ["body"]
    return ".".join([*groups, says.replace("{}", field, 1)])


def not_found(exchange: Exchange) -> Spoken:
    """An unknown path; a wrong method is one, too (contract §0.1)."""
    return _failed(exchange, 404, f"Cannot {exchange.method} {exchange.path}")


def wrong_method(exchange: Exchange, _allowed: Sequence[str]) -> Spoken:
    return not_found(exchange)


def crashed(exchange: Exchange) -> Spoken:
    """An accident of ours. In a handler it says which operation failed, before it nothing; never why."""
    if exchange.operation is None or not exchange.reached:
        return _failed(exchange, 500, "Internal server error", reason=None)
    return _failed(exchange, 500, f"Failed to {exchange.operation.name.replace('_', ' ')}")


def _not_valid(exchange: Exchange, complaints: Sequence[tuple[str, str]]) -> Spoken:
    """Complaints of our own about fields, as the release lists those of validation."""
    sentences = [f"{field} {complaint}" for field, complaint in complaints]
    if speaks_zod(_release(exchange)):
        fields = [field for field, _ in complaints]
        return _broken(exchange, [zod.custom(*each) for each in zip(fields, sentences, strict=True)])
    return _failed(exchange, 400, sentences)


def _broken(exchange: Exchange, issues: Sequence[Issue]) -> Spoken:
    body = {"message": "Validation failed", "errors": issues}
    return spoken_json(400, body, *correlation(exchange))


def _failed(exchange: Exchange, status: int, message: str | list[str], *, reason: str | None = "") -> Spoken:
    """A refusal's body. `reason` is its phrase: the status's unless another is given, None for none at all."""
    error = None if reason is None else reason or phrase(status)
    body = _body(exchange, status, message, error, REFUSAL_KEYS)
    return spoken_json(status, body, *correlation(exchange))


def _body(
    exchange: Exchange,
    status: int,
    message: str | list[str],
    error: str | None,
    keys: Fact[tuple[str, ...]],
) -> dict[str, Any]:
    """A refusal with the keys that the release gives it; without `error`, if there is none."""
    said = {
        "message": message,
        "error": error,
        "statusCode": status,
        "correlationId": correlation_id(exchange),
    }
    return {key: said[key] for key in keys.of(_release(exchange)) if said[key] is not None}


def correlation(exchange: Exchange) -> Sequence[tuple[str, str]]:
    """The header that every answer carries, so that what a client saw can be found in the log."""
    return ((CORRELATION_HEADER.of(_release(exchange)), correlation_id(exchange)),)


def correlation_id(exchange: Exchange) -> str:
    """The request's own, from the header that the answer's goes in, else eight of our request id's characters."""
    given = exchange.headers.get(CORRELATION_HEADER.of(_release(exchange)))
    return given or re.sub(r"[^a-z0-9]", "", exchange.request_id.lower())[:8].rjust(8, "0")
