"""How Shoko says no: problem details, nothing at all, or a plain sentence. Contract §0, §1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from dragoman.core import errors as core
from dragoman.dialects.shoko import refusals
from dragoman.dialects.shoko.fields import Text
from dragoman.exchange import Exchange, Malformed, Spoken, spoken_json
from dragoman.wire import WholeBody, places

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

T = TypeVar("T")

PROBLEM = "application/problem+json; charset=utf-8"
JSON_ALONE = "application/json"
TEXT = "text/plain; charset=utf-8"
INVALID = "One or more validation errors occurred."
RFC7231 = "https://tools.ietf.org/html/rfc7231#section-"

NOT_RUNNING = (
    "The Server is not running. Use the First Time Setup Wizard or check your settings and logs to ensure the"
    " server is starting correctly."
)

# What a status is called and where it is described: net6's own, and the same for those that it lacks.
PROBLEMS: Mapping[int, tuple[str, str]] = {
    400: ("Bad Request", f"{RFC7231}6.5.1"),
    401: ("Unauthorized", "https://tools.ietf.org/html/rfc7235#section-3.1"),
    403: ("Forbidden", f"{RFC7231}6.5.3"),
    404: ("Not Found", f"{RFC7231}6.5.4"),
    405: ("Method Not Allowed", f"{RFC7231}6.5.5"),
    409: ("Conflict", f"{RFC7231}6.5.8"),
    413: ("Payload Too Large", f"{RFC7231}6.5.11"),
    415: ("Unsupported Media Type", f"{RFC7231}6.5.13"),
    429: ("Too Many Requests", "https://tools.ietf.org/html/rfc6585#section-4"),
    500: ("An error occurred while processing your request.", f"{RFC7231}6.6.1"),
    503: ("Service Unavailable", f"{RFC7231}6.6.4"),
}
STATUSES: Mapping[type[core.Refusal], int] = {
    core.NotSignedIn: 401,
    core.CredentialRefused: 401,
    core.SignInRefused: 401,
    core.Forbidden: 403,
    core.SetupRefused: 403,
    core.NotFound: 404,
    core.NameTaken: 409,
    core.Throttled: 429,
    core.Unavailable: 503,
    core.Refusal: 400,
}
SENTENCES: Mapping[type[core.Refusal], tuple[int, str]] = {
    refusals.NothingToDelete: (400, "Must provide an apikey or device name to delete"),
    refusals.UnknownKey: (400, "Could not find apikey or device name to delete"),
    refusals.NotRunning: (
        503,
        NOT_RUNNING,
    ),
}
# What is said beside the status where the original has no such refusal.
DETAILS: Mapping[type[core.Refusal], str] = {
    core.Throttled: "Too many attempts, try again later.",
    core.Unavailable: "The server cannot answer now, try again later.",
    core.SetupRefused: "The first administrator cannot be made by this call.",
}
# The fields that a new password, a password and a name came in, by operation: "" is the body itself.
PASSWORDS: Mapping[str, str] = {
    "api_auth_post": "pass",
    "init_default_user_post": "Password",
    "user_current_change_password_post": "Password",
}


def refused(exchange: Exchange, refusal: core.Refusal) -> Spoken:
    """A refusal of the core, in Shoko's words."""
    sentence = SENTENCES.get(type(refusal))
    if sentence is not None:
        status, text = sentence
        return Spoken(status, text.encode(), TEXT)
    about_fields = dict(_about_field(exchange, refusal))
    if about_fields:
        return _not_valid(exchange, about_fields)
    status = _nearest(STATUSES, refusal, 400)
    if status in (401, 403) and _asks_who(exchange):
        return Spoken(status)
    return _problem(exchange, status, detail=_nearest(DETAILS, refusal, ""))


def _nearest(table: Mapping[type[core.Refusal], T], refusal: core.Refusal, otherwise: T) -> T:
    kinds = (kind for kind in type(refusal).__mro__ if kind in table)
    kind = next(kinds, None)
    return otherwise if kind is None else table[kind]


def _asks_who(exchange: Exchange) -> bool:
    """Whether the operation is protected: ASP.NET Core challenges without a body (§2.1)."""
    return exchange.operation is not None and not exchange.operation.access.is_open


def _about_field(exchange: Exchange, refusal: core.Refusal) -> Iterator[tuple[str, Sequence[str]]]:
    """The field that a refusal is about, and what is wrong with it, if it is about any."""
    operation = exchange.operation.name if exchange.operation else ""
    match refusal:
        case core.PasswordRefused():
            yield PASSWORDS.get(operation, ""), [reason.text for reason in refusal.reasons]
        case core.PasswordTooLong():
            yield PASSWORDS.get(operation, ""), [f"Use at most {refusal.limit} bytes"]
        case core.NameRefused():
            yield "Username", [f"The name {refusal.why}"]


def malformed(exchange: Exchange, problem: Malformed) -> Spoken:
    """A body that cannot be read: by the parser, as a field without a name, or by its type or length."""
    if problem.status == 400:
        return _not_valid(exchange, {"": [problem.why]})
    return _problem(exchange, problem.status)


def invalid(exchange: Exchange, shape: type[BaseModel], problem: ValidationError) -> Spoken:
    """All that is wrong with every field, by its name on the wire; the body itself has none (contract §1.1)."""
    said: dict[str, list[str]] = {}
    fields = {info.alias or name: info for name, info in shape.model_fields.items()}
    standing = {name: place for place, name in places(shape).values()}
    for error in problem.errors(include_url=False, include_input=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        rule = (
            next((m for m in fields[name].metadata if isinstance(m, Text)), None) if name in fields else None
        )
        complaint = rule.complaint if error["type"] == "missing" and rule is not None else error["msg"]
        said.setdefault("" if standing.get(name) is WholeBody else name, []).append(complaint)
    return _not_valid(exchange, said)


def not_found(exchange: Exchange) -> Spoken:
    return _problem(exchange, 404)


def wrong_method(exchange: Exchange, allowed: Sequence[str]) -> Spoken:
    return _problem(exchange, 405, ("allow", ", ".join(allowed)))


def crashed(exchange: Exchange) -> Spoken:
    return _problem(exchange, 500)


def _problem(exchange: Exchange, status: int, *headers: tuple[str, str], detail: str = "") -> Spoken:
    title, kind = PROBLEMS[status]
    told = {"detail": detail} if detail else {}
    body = {"type": kind, "title": title, "status": status, **told, "traceId": trace_id(exchange)}
    return spoken_json(status, body, *headers, media=media(exchange))


def _not_valid(exchange: Exchange, errors: Mapping[str, Sequence[str]]) -> Spoken:
    _, kind = PROBLEMS[400]
    plain = {"type": kind, "title": INVALID, "status": 400, "traceId": trace_id(exchange)}
    return spoken_json(400, {**plain, "errors": errors}, media=media(exchange))


def media(exchange: Exchange) -> str:
    """`application/json`, and nothing behind it, where the request names that: the product's own SDK reads no other."""
    accepted = ",".join(exchange.headers.getlist("accept")).split(",")
    named = {item.partition(";")[0].strip().lower() for item in accepted}
    return JSON_ALONE if JSON_ALONE in named else PROBLEM


def trace_id(exchange: Exchange) -> str:
    """A trace parent (W3C Trace Context) that is the same for the same request id."""
    hexadecimal = sha256(exchange.request_id.encode()).hexdigest()
    return f"00-{hexadecimal[:32]}-{hexadecimal[32:48]}-00"
