"""How Portainer says no: a message and its details in JSON, or a line of text from below its API (contract §0-§2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from dragoman.core import errors as core
from dragoman.dialects.portainer import refusals
from dragoman.dialects.portainer.wire.fields import Demand
from dragoman.exchange import Exchange, Malformed, Spoken, spoken_json, words_for
from dragoman.wire import InPath, places

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

MEDIA = "application/json"
PLAIN = "text/plain; charset=utf-8"
INVALID = "Invalid request payload"
UNAUTHORIZED = "Unauthorized"
NOT_THERE = "Object not found inside the database"
WEAK = "Password does not meet the requirements"
TIMED_OUT = "Administrator initialization timeout"

# Status, message, and the details where those are not the message once more.
Words = tuple[int, str, str] | tuple[int, str]
SPOKEN: Mapping[type[core.Refusal], Words] = {
    core.NotSignedIn: (401, "A valid authorization token is missing", UNAUTHORIZED),
    core.CredentialRefused: (401, "Invalid JWT token", UNAUTHORIZED),
    core.ApiKeyOwnerGone: (401, "An authorization token is invalid", UNAUTHORIZED),
    core.SignInRefused: (422, "Invalid credentials", UNAUTHORIZED),
    core.PasswordLoginDisabled: (422, "Login method is not supported", UNAUTHORIZED),
    refusals.InitialAdminOnly: (
        422,
        "Only initial admin is allowed to login without oauth",
        UNAUTHORIZED,
    ),
    core.Forbidden: (403, "Access denied", UNAUTHORIZED),
    core.SessionRequired: (403, "Auth not supported", "Authentication required"),
    core.WrongPassword: (
        403,
        "Current password doesn't match",
        "Current password does not match the password provided. Please try again",
    ),
    core.ProofRefused: (403, "Access denied", UNAUTHORIZED),
    core.PasswordRefused: (400, WEAK),
    core.PasswordTooLong: (400, INVALID, "Invalid password"),
    core.NameRefused: (400, INVALID, "Invalid {field}: {why}"),
    core.NameTaken: (409, "Another user with the same username already exists", "User already exists"),
    core.LastAdmin: (
        403,
        "Cannot remove local administrator user",
        "Cannot remove the last local administrator account",
    ),
    core.SetupRefused: (403, TIMED_OUT),
    core.SetupDone: (409, "Unable to create administrator user", "An administrator user already exists"),
    core.NotFound: (
        404,
        "Unable to find a user with the specified identifier inside the database",
        NOT_THERE,
    ),
    core.TooMany: (409, "There may be no more than {limit}: {thing}"),
    core.Throttled: (403, "Access denied", "Access denied to resource"),
    core.Unavailable: (503, "The server cannot answer now", "Try again later"),
    core.Refusal: (400, INVALID),
    core.UpstreamOff: (403, "OAuth authentication is not enabled"),
    core.UpstreamFailed: (500, "Unable to authenticate through OAuth", UNAUTHORIZED),
    core.NoAccount: (
        403,
        "Account not created beforehand in Portainer and automatic user provisioning not enabled",
        UNAUTHORIZED,
    ),
    refusals.NoAdmin: (404, "No administrator account found inside the database", NOT_THERE),
    refusals.NotTheirs: (403, "Permission denied to update user", UNAUTHORIZED),
    refusals.RoleDenied: (
        403,
        "Permission denied to update user to administrator role",
        "Access denied to resource",
    ),
    refusals.NameDenied: (403, "Permission denied. Unable to update username", "Access denied to resource"),
    refusals.OwnAccount: (403, "Cannot remove your own user account. Contact another administrator"),
    refusals.InitialAdmin: (403, "Cannot remove the initial admin account"),
    refusals.PasswordMissing: (400, INVALID, "Invalid password: cannot be empty"),
}
# Where an operation has words of its own.
OF_OPERATION: Mapping[tuple[str, type[core.Refusal]], Words] = {
    ("user_admin_init", core.SetupClosed): (303, TIMED_OUT),
    ("user_generate_api_key", core.SessionRequired): (401, "Auth not supported", "Authentication required"),
    ("user_generate_api_key", refusals.NotTheirs): (
        403,
        "Permission denied to create user access token",
        UNAUTHORIZED,
    ),
    ("user_get_api_keys", refusals.NotTheirs): (
        403,
        "Permission denied to get user access tokens",
        UNAUTHORIZED,
    ),
    ("user_remove_api_key", refusals.NotTheirs): (403, "Permission denied to remove api-key", UNAUTHORIZED),
    ("user_inspect", refusals.NotTheirs): (
        403,
        "Permission denied inspect user",
        "Access denied to resource",
    ),
    ("user_memberships_inspect", refusals.NotTheirs): (
        403,
        "Permission denied to update user memberships",
        UNAUTHORIZED,
    ),
    ("user_update_password", core.PasswordRefused): (
        400,
        "Password does not meet the minimum strength requirements",
    ),
    ("user_remove_api_key", core.NotFound): (404, "API Key not found", NOT_THERE),
}
NAMES = {"name": "description"}
OF_PATH = {
    "id": "Invalid user identifier route variable",
    "keyID": "Invalid api-key identifier route variable",
}


def spoken(status: int, message: str, details: str = "", *headers: tuple[str, str]) -> Spoken:
    """A refusal's body: the details repeat the message where there are none, with a capital first (§0)."""
    details = details or message
    body = {"message": message, "details": details[:1].upper() + details[1:]}
    return spoken_json(status, body, *headers, media=MEDIA)


def refused(exchange: Exchange, refusal: core.Refusal) -> Spoken:
    """A refusal of the core, in Portainer's words."""
    status, *texts = words_for(exchange, type(refusal), SPOKEN, OF_OPERATION)
    facts = vars(refusal)
    facts = {**facts, "field": NAMES.get(facts.get("field", ""), facts.get("field", ""))}
    headers = (("redirect-reason", "AdminInitTimeout"),) if status == 303 else ()
    message, details = (*[text.format_map(facts) for text in texts], "")[:2]
    return spoken(status, message, details, *headers)


def malformed(_exchange: Exchange, problem: Malformed) -> Spoken:
    """A body that cannot be read."""
    return spoken(problem.status, INVALID, problem.why)


def invalid(_exchange: Exchange, shape: type[BaseModel], problem: ValidationError) -> Spoken:
    """The path is judged first, then whether the JSON has the right types, then each field in its order."""
    errors = problem.errors(include_url=False, include_input=False)
    standing = {wire_name: (name, place) for name, (place, wire_name) in places(shape).items()}
    complaints: list[str] = []
    for error in errors:
        name, place = standing.get(str(error["loc"][0]), ("", None))
        if place is InPath:
            return spoken(400, OF_PATH[str(error["loc"][0])])
        if error["type"] == "demand":
            complaints.append(error["ctx"]["says"])
        elif error["type"] == "missing" and name:
            demands = [each for each in shape.model_fields[name].metadata if isinstance(each, Demand)]
            complaints += [says for each in demands if (says := each.complaint(each.zero)) is not None]
        else:
            where = ".".join(map(str, error["loc"]))
            return spoken(400, INVALID, f"Json: {where}: {error['msg']}")
    return spoken(400, INVALID, complaints[0])


def not_found(exchange: Exchange) -> Spoken:
    """What Go's router says: that there is no such page, or where a path leads that is not written cleanly (§0)."""
    path = cleaned(exchange.path)
    if path != exchange.path:
        query = exchange.scope["query_string"].decode("latin-1")
        return Spoken(301, headers=(("location", f"{exchange.mount}{quote(path)}{query and '?'}{query}"),))
    return Spoken(404, b"404 page not found\n", PLAIN)


def cleaned(path: str) -> str:
    """A path without empty segments, `.` and `..`; a slash at its end stays."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept[-1:] = []
        elif part not in ("", "."):
            kept.append(part)
    ending = "/" if path.endswith("/") and kept else ""
    return f"/{'/'.join(kept)}{ending}"


def wrong_method(_exchange: Exchange, allowed: Sequence[str]) -> Spoken:
    """Nothing but the status; which methods there are is required of every server (RFC 9110 §15.5.6)."""
    return Spoken(405, headers=(("allow", ", ".join(allowed)),))


def crashed(_exchange: Exchange) -> Spoken:
    """An accident of ours."""
    return spoken(500, "Internal server error")
