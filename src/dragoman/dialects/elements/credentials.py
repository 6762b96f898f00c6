"""How a request holds up a credential and says its body, and the cookies that a sign-in leaves (contract §1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dragoman import csrf
from dragoman.core.principals import Presented
from dragoman.core.secrets import KeyForm, Secret
from dragoman.core.sessions import Device
from dragoman.dialects.elements.errors import NoObject
from dragoman.dialects.elements.wire.tokens import FAST_LANE
from dragoman.envelope import Envelope
from dragoman.exchange import Exchange, Malformed, parse_form, parse_json, require_utf8
from dragoman.web.mailed import FORM
from dragoman.wire import has_body

if TYPE_CHECKING:
    from datetime import datetime

    from dragoman.core.work import Tools
    from dragoman.dialects.elements.configuration import ElementsSettings

COOKIE = "sessionid"
CSRF_COOKIE = "csrftoken"
# What tells an API token from a session's key, which are held up alike.
TOKEN_FORM = KeyForm("elements_")
JSON_NAMES = {dict: "dict", list: "list", str: "str", int: "int", float: "float", bool: "bool"}


def present(exchange: Envelope) -> Presented | None:
    """The bearer token, be it an API token or a session's key; without one the session's cookie."""
    shown = exchange.bearer or exchange.cookies.get(COOKIE, "")
    if not shown:
        return None
    is_token = bool(exchange.bearer) and shown.startswith(TOKEN_FORM.prefix)
    return Presented("api_key" if is_token else "session", Secret(shown))


def decode(exchange: Exchange, raw: bytes) -> Any:
    """A JSON object, where the operation takes a body. An empty body is an empty object (§1).

    What the page of a link sends is a form (pages.py).
    """
    if exchange.operation is None or not has_body(exchange.operation.takes) or not raw.strip():
        return {}
    media = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == FORM and exchange.path.startswith(FAST_LANE):
        return parse_form(raw)
    if media != "application/json":
        raise Malformed("not JSON", 415)
    require_utf8(exchange)
    value = parse_json(raw)
    if not isinstance(value, Mapping):
        kind = JSON_NAMES.get(type(value), "NoneType")
        raise NoObject(f"Invalid data. Expected a dictionary, but got {kind}.")
    return value


def device_of(exchange: Exchange) -> Device:
    """ELEMENTS is told nothing of what a client runs on but its User-Agent."""
    return Device(exchange.headers.get("user-agent", ""))


def session_cookies(
    exchange: Exchange, settings: ElementsSettings, tools: Tools, secret: Secret, now: datetime
) -> list[tuple[str, str]]:
    """The cookies of a sign-in: the session's, and the one whose value pages send back with every write."""
    lasting = timedelta(days=settings.session_idle_days)
    value = f"{COOKIE}={secret.reveal()}{_dated(now + lasting, lasting)}; HttpOnly"
    session = ("set-cookie", f"{value}{_ending(exchange)}")
    return [session, csrf_cookie(exchange, tools, secret.reveal(), now)]


def csrf_cookie(exchange: Exchange, tools: Tools, session: str, now: datetime) -> tuple[str, str]:
    """A new token for the holder of a session's key. Scripts of our own origin read it, so it is not HttpOnly."""
    token = csrf.signed(tools.dice(csrf.TOKEN), csrf.key_for(session), CSRF_COOKIE, now)
    dated = _dated(now + csrf.LIFETIME, csrf.LIFETIME)
    return "set-cookie", f"{CSRF_COOKIE}={token}{dated}{_ending(exchange)}"


def cleared(exchange: Exchange) -> list[tuple[str, str]]:
    """What takes both cookies away."""
    gone = '=""; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0'
    return [("set-cookie", f"{name}{gone}{_ending(exchange)}") for name in (COOKIE, CSRF_COOKIE)]


def _dated(expires: datetime, lasting: timedelta) -> str:
    seconds = int(lasting.total_seconds())
    return f"; Path=/; Expires={expires:%a, %d %b %Y %H:%M:%S} GMT; Max-Age={seconds}"


def _ending(exchange: Exchange) -> str:
    return f"{'; Secure' if exchange.secure else ''}; SameSite=Lax"
