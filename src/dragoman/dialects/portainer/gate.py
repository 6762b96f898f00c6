"""What Portainer turns away before it looks where a request goes: forged ones, and two credentials (§1.1, §2.4)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dragoman import csrf
from dragoman.dialects.portainer.credentials import COOKIE, KEY_HEADER
from dragoman.dialects.portainer.errors import spoken
from dragoman.exchange import Exchange, Malformed, Passed, Spoken, parse_form

if TYPE_CHECKING:
    from dragoman.core.work import Tools
    from dragoman.dialects.portainer.configuration import PortainerSettings

CSRF_COOKIE = "_gorilla_csrf"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "gorilla.csrf.Token"
FORM = "application/x-www-form-urlencoded"
FORM_METHODS = frozenset({"POST", "PUT", "PATCH"})  # the others' bodies Go does not take for forms
PLAIN = "text/plain; charset=utf-8"
TWO_CREDENTIALS = "api key and auth header are not allowed at the same time"


def gate(exchange: Exchange, settings: PortainerSettings, tools: Tools) -> Passed | Spoken:
    """Requests with the session's cookie are a browser's, and may be forged; all others need no token for that."""
    session = exchange.cookies.get(COOKIE)
    if session:
        return _of_browser(exchange, settings, tools, session)
    if exchange.headers.get(KEY_HEADER) and exchange.headers.get("authorization"):
        return spoken(403, TWO_CREDENTIALS)
    return Passed(on_success=((CSRF_HEADER, ""),))


def _of_browser(
    exchange: Exchange, settings: PortainerSettings, tools: Tools, session: str
) -> Passed | Spoken:
    key, now = csrf.key_for(session), tools.clock()
    known = csrf.opened(exchange.cookies.get(CSRF_COOKIE, ""), key, CSRF_COOKIE, now)
    token = known or tools.dice(csrf.TOKEN)
    made = () if known else (_cookie(csrf.signed(token, key, CSRF_COOKIE, now), now),)
    if exchange.method not in csrf.SAFE_METHODS:
        why = _foreign(exchange, settings) or _unproved(exchange, token)
        if why is not None:
            return Spoken(403, f"Forbidden - {why}\n".encode(), PLAIN, made)
    return Passed((*made, ("vary", "Cookie")), ((CSRF_HEADER, csrf.masked(token, tools.dice)),))


def _foreign(exchange: Exchange, settings: PortainerSettings) -> csrf.Mistrust | None:
    headers = exchange.headers
    return csrf.mistrusted(
        headers.get("origin"),
        headers.get("referer"),
        secure=exchange.secure,
        host=headers["host"],
        trusted=settings.trusted_origins,
    )


def _unproved(exchange: Exchange, token: bytes) -> str | None:
    told = exchange.headers.get(CSRF_HEADER) or _in_form(exchange)
    if not told:
        return "CSRF token not found in request"
    return None if csrf.matches(told, token) else "CSRF token invalid"


def _in_form(exchange: Exchange) -> str:
    """The token in the field of a form, which counts where the header has none; "" for none."""
    media = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != FORM or exchange.method not in FORM_METHODS:
        return ""
    try:
        told = parse_form(exchange.body).get(CSRF_FIELD, "")
    except Malformed:
        return ""
    return told if isinstance(told, str) else told[0]


def _cookie(value: str, now: datetime) -> tuple[str, str]:
    lasting = f"Expires={now + csrf.LIFETIME:%a, %d %b %Y %H:%M:%S} GMT; Max-Age=43200"
    return "set-cookie", f"{CSRF_COOKIE}={value}; Path=/; {lasting}; HttpOnly; SameSite=Lax"
