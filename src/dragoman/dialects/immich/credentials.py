"""How a request holds up a credential and says its body, and the cookies that a sign-in leaves (contract §0)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from dragoman.core.principals import Presented
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.dialects.immich import devices, errors
from dragoman.dialects.immich.behaviour import DEVICES_KEPT, SHARE_SLUGS, name_of
from dragoman.dialects.immich.refusals import SlugRefused
from dragoman.dialects.immich.zod import UNDEFINED
from dragoman.envelope import Envelope
from dragoman.exchange import Exchange, Malformed, parse_form, parse_json, require_utf8

COOKIE_SECONDS = 400 * 24 * 3600
TOKEN_COOKIE = "immich_access_token"
COOKIES = (TOKEN_COOKIE, "immich_auth_type", "immich_is_authenticated")


def present(exchange: Envelope) -> Presented | None:
    """The first credential that is not empty; the ones after it are not looked at (contract §0.5).

    Refuses `SlugRefused`.
    """
    headers, query = exchange.headers, exchange.query
    if link := headers.get("x-immich-share-key") or query.get("key"):
        return Presented("shared_link", Secret(link))
    slug = headers.get("x-immich-share-slug") or query.get("slug")
    if slug and SHARE_SLUGS.of(name_of(exchange.release)):
        raise SlugRefused
    session = (
        headers.get("x-immich-user-token")
        or headers.get("x-immich-session-token")
        or query.get("sessionKey")
        or exchange.bearer
        or exchange.cookies.get(TOKEN_COOKIE)
    )
    if session:
        return Presented("session", Secret(session))
    key = headers.get("x-api-key") or query.get("apiKey")
    return Presented("api_key", Secret(key)) if key else None


def decode(exchange: Exchange, raw: bytes) -> Any:
    """JSON objects and forms; an array, or a body of another type, has no fields (§0.4; §5.2 since 3.0)."""
    media, _, _ = exchange.headers.get("content-type", "").partition(";")
    read = READERS.get(media.strip().lower())
    if read is None:
        return errors.not_an_object(exchange, UNDEFINED)
    require_utf8(exchange)
    value = read(raw) if raw else {}
    return value if isinstance(value, dict) else errors.not_an_object(exchange, value)


def read_json(raw: bytes) -> Any:
    """A JSON object or array. `Malformed` for anything else."""
    value = parse_json(raw)
    if not isinstance(value, dict | list):
        raise Malformed("only an object or an array is accepted")
    return value


READERS: Mapping[str, Callable[[bytes], Any]] = {
    "application/json": read_json,
    "application/x-www-form-urlencoded": parse_form,
}


def device_of(exchange: Exchange) -> Device:
    """What the app says it runs on."""
    return devices.device_of(exchange.headers.get("user-agent", ""), exchange.headers)


def device_now(exchange: Exchange) -> Device | None:
    """The same for every request, where the release keeps a session's device up to date with its caller's."""
    return device_of(exchange) if DEVICES_KEPT.of(name_of(exchange.release)) else None


def cookies(exchange: Exchange, token: Secret, now: datetime) -> list[tuple[str, str]]:
    """The three cookies of a sign-in, attribute for attribute (§0.6)."""
    expires = (now + timedelta(seconds=COOKIE_SECONDS)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    secure = "; Secure" if exchange.secure else ""
    lasting = f"; Max-Age={COOKIE_SECONDS}; Path=/; Expires={expires}"
    values = (quote(token.reveal(), safe=""), "password", "true")
    return [
        (
            "set-cookie",
            f"{name}={value}{lasting}{'' if value == 'true' else '; HttpOnly'}{secure}; SameSite=Lax",
        )
        for name, value in zip(COOKIES, values, strict=True)
    ]


CLEARED = tuple(("set-cookie", f"{name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT") for name in COOKIES)


def secret(value: str | None) -> Secret | None:
    return None if value is None else Secret(value)
