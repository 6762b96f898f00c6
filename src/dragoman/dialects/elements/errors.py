"""How ELEMENTS says no: in Django REST framework's words and shapes (contract §3), and a sign-in with a reason (§4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dragoman.core import errors as core
from dragoman.dialects.elements import refusals
from dragoman.dialects.elements.wire.fields import COMPLAINT, REQUIRED
from dragoman.exchange import Exchange, Malformed, Spoken, seconds, spoken_json
from dragoman.wire import InPath, places

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

MEDIA = "application/json"
CHALLENGE = ("www-authenticate", "Bearer")
NOT_FOUND = "Not found."
GONE = "User inactive or deleted."

# What is wrong with a request as a whole: a status, and a sentence.
SPOKEN: Mapping[type[core.Refusal], tuple[int, str]] = {
    core.NotSignedIn: (401, "Authentication credentials were not provided."),
    core.CredentialRefused: (401, "Invalid token."),
    core.TicketRefused: (403, "The ticket is not valid."),
    core.AccessTokenRefused: (404, NOT_FOUND),
    core.ApiKeyOwnerGone: (401, GONE),
    core.SessionOwnerGone: (401, GONE),
    core.Forbidden: (403, "You do not have permission to perform this action."),
    core.SessionRequired: (400, "This needs somebody who has signed in. An API token will not do."),
    core.PermissionsExceeded: (403, "Only who may do all of this may give or take it."),
    core.WhileImpersonating: (403, "This cannot be changed while you act as another user."),
    core.CannotImpersonate: (400, "You cannot act as this user."),
    core.AlreadyImpersonating: (400, "You act as another user already."),
    core.NotImpersonating: (400, "You do not act as another user."),
    core.FactorAlreadySet: (400, "One-time passwords are enabled already."),
    core.FactorNotSet: (400, "One-time passwords are not enabled."),
    core.LastAdmin: (400, "This is the last administrator who can sign in."),
    core.NotFound: (404, NOT_FOUND),
    core.Throttled: (429, "Request was throttled. Expected available in {seconds} seconds."),
    core.Unavailable: (503, "Service temporarily unavailable, try again later."),
    core.Refusal: (400, "The request was refused."),
    refusals.PasswordFixed: (403, "You may not change your password."),
}
# Of a sign-in: a status, a code for programs, and a sentence for people. Before the password was right, one alone.
SIGN_IN: Mapping[type[core.Refusal], tuple[int, str, str]] = {
    core.SignInRefused: (401, "invalid_credentials", "Unable to log in with provided credentials."),
    core.CodeRequired: (401, "otp_required", "A code of your device is needed: send it along as otp."),
    core.CodeRefused: (401, "otp_invalid", "The code is wrong, or was used before."),
    core.PasswordLoginDisabled: (403, "password_login_disabled", "Signing in with a password is turned off."),
    core.PasswordChangeRequired: (
        403,
        "password_change_required",
        "The password must be changed: send a new one along.",
    ),
}
# Of one field: its name, where that is always the same, and a sentence.
OF_FIELD: Mapping[type[core.Refusal], tuple[str, str]] = {
    core.NameTaken: ("{field}", "A {noun} with this {field} already exists."),
    core.NameRefused: ("{field}", "This field {why}."),
    core.WrongCode: ("{code}", "The one-time password is not correct."),
    core.SeedRefused: ("key", "Not a valid key."),
    core.WrongPassword: ("current_password", "The password is not correct."),
    core.WrongLinkPassword: ("password", "The password is not correct."),
    core.PasswordTooLong: ("password", "Ensure this field has no more than {limit} bytes."),
    core.ResetRefused: ("token", "This token is not good, or not any more."),
    core.NoAddress: ("email", "The user has no e-mail address."),
    core.EndInPast: ("expires", "Ensure this date is in the future."),
    core.LinkOver: ("non_field_errors", "This link opens nothing any more."),
    core.TooMany: ("non_field_errors", "There may be no more than {limit}: {thing}."),
    refusals.Unfit: ("{field}", "{says}"),
}
# Where an ask calls a field otherwise than the core does.
CALLED = {"display_name": "full_name"}
NEW_PASSWORD_OF = {"login": "new_password"}
CODE_OF = {"set_my_password": "current_otp"}
NOUN_OF = {"create_group": "group", "update_group": "group", "patch_group": "group"}


def refused(exchange: Exchange, refusal: core.Refusal) -> Spoken:
    """A refusal of the core, in ELEMENTS' words."""
    operation = exchange.operation.name if exchange.operation else ""
    facts = vars(refusal)
    facts = {**facts, "field": CALLED.get(facts.get("field", ""), facts.get("field", ""))}
    facts |= {"code": CODE_OF.get(operation, "otp"), "noun": NOUN_OF.get(operation, "user")}
    if isinstance(refusal, core.Throttled):
        facts["seconds"] = seconds(refusal.retry_after)
    if isinstance(refusal, core.PasswordRefused):
        field = NEW_PASSWORD_OF.get(operation, "password")
        return of_fields({field: [f"{reason.text}." for reason in refusal.reasons]})
    for kind in type(refusal).__mro__:
        if kind in OF_FIELD:
            field, says = (text.format_map(facts) for text in OF_FIELD[kind])
            return of_fields({field: [says]})
        if kind in SIGN_IN:
            status, code, text = SIGN_IN[kind]
            return _spoken(status, {"reason": code, "detail": text})
        if kind in SPOKEN:
            status, text = SPOKEN[kind]
            return _spoken(status, {"detail": text.format_map(facts)})
    raise TypeError(f"{type(refusal)} is no refusal")


def of_fields(complaints: Mapping[str, Any]) -> Spoken:
    """What is wrong with fields, each with its sentences."""
    return _spoken(400, complaints)


def _spoken(status: int, body: object, *headers: tuple[str, str]) -> Spoken:
    challenge = (CHALLENGE,) if status == 401 else ()
    return spoken_json(status, body, *challenge, *headers, media=MEDIA)


class NoObject(Malformed):
    """A body that is JSON, and no object."""


def malformed(exchange: Exchange, problem: Malformed) -> Spoken:
    """A body that cannot be read."""
    if isinstance(problem, NoObject):
        return of_fields({"non_field_errors": [problem.why]})
    if problem.status == 415:
        media = exchange.headers.get("content-type", "")
        return _spoken(415, {"detail": f'Unsupported media type "{media}" in request.'})
    text = (
        "Request body exceeded the limit." if problem.status == 413 else f"JSON parse error - {problem.why}"
    )
    return _spoken(problem.status, {"detail": text})


def invalid(_exchange: Exchange, shape: type[BaseModel], problem: ValidationError) -> Spoken:
    """What is wrong with each field, in the order of the fields. A path that names nothing is not found."""
    in_path = {wire_name for place, wire_name in places(shape).values() if place is InPath}
    complaints: dict[str, Any] = {}
    for error in problem.errors(include_url=False, include_input=False):
        name, *within = (str(part) for part in error["loc"])
        if name in in_path:
            return _spoken(404, {"detail": NOT_FOUND})
        _put(complaints, (name, *within), said(error))
    return of_fields(complaints)


def said(error: Mapping[str, Any]) -> str:
    """What the framework says of one of pydantic's errors."""
    if error["type"] == "missing":
        return REQUIRED
    return str(error["ctx"]["says"] if error["type"] == COMPLAINT else error["msg"])


def _put(complaints: dict[str, Any], where: Sequence[str], says: str) -> None:
    """A complaint about what is within a field stands within the field's, under its name or its place in a list."""
    inner = complaints
    for part in where[:-1]:
        inner = inner.setdefault(part, {})
    inner.setdefault(where[-1], []).append(says)


def not_found(_exchange: Exchange) -> Spoken:
    """A path that leads nowhere."""
    return _spoken(404, {"detail": NOT_FOUND})


def wrong_method(exchange: Exchange, allowed: Sequence[str]) -> Spoken:
    """A path that is there for other methods."""
    text = f'Method "{exchange.method}" not allowed.'
    return _spoken(405, {"detail": text}, ("allow", ", ".join(allowed)))


def crashed(_exchange: Exchange) -> Spoken:
    """An accident of ours, with nothing of why."""
    return _spoken(500, {"detail": "A server error occurred."})


def forged(why: str) -> Spoken:
    """A request that a browser may have been made to send."""
    return _spoken(403, {"detail": f"CSRF Failed: {why}"})
