"""How a request holds up a credential and says its body, and the cookie that a sign-in leaves (contract §0, §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from dragoman.core.principals import Presented
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.envelope import Envelope
from dragoman.exchange import Exchange, Malformed, parse_first_json
from dragoman.releases import inner_shapes
from dragoman.wire import places

if TYPE_CHECKING:
    from dragoman.dialects.portainer.configuration import PortainerSettings

COOKIE = "portainer_api_key"
KEY_HEADER = "x-api-key"
GONE = f"{COOKIE}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly"


def present(exchange: Envelope) -> Presented | None:
    """The first credential that is there decides, even if it is empty and a later one good (§2.2)."""
    headers, query = exchange.headers, exchange.query
    key = headers.get(KEY_HEADER) or next(
        (value for name, value in query.multi_items() if name.lower() == KEY_HEADER), None
    )
    if key is not None:
        return Presented("api_key", Secret(key))
    token = exchange.cookies.get(COOKIE)
    if token is None:
        token = (
            next(iter(query.getlist("token")), "")
            or headers.get("authorization", "").removeprefix("Bearer ")
            or None
        )
    return None if token is None else Presented("signed", Secret(token))


def decode(exchange: Exchange, raw: bytes) -> Any:
    """The first JSON value, whatever the Content-Type; its keys count in any case, null is an object (§0).

    `Malformed` says why in Go's words, as far as they are the same for every JSON library.
    """
    shape: type[BaseModel] | None = exchange.operation.takes if exchange.operation else None
    if shape is None or all(place is not None for place, _ in places(shape).values()):
        return {}
    if not raw.strip():
        raise Malformed("EOF")
    try:
        value = parse_first_json(raw)
    except Malformed as problem:
        raise Malformed(f"Json: {problem.why}") from None
    if value is not None and not isinstance(value, Mapping):
        raise Malformed("Json: the body is not an object")
    return folded(shape, value or {})


def folded(shape: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object is a field of the shape, by the field's own name; the last of several spellings counts."""
    names = {wire_name.lower(): (field, wire_name) for field, (_, wire_name) in places(shape).items()}
    known: dict[str, Any] = {}
    for key, value in given.items():
        if key.lower() not in names:
            continue
        field, wire_name = names[key.lower()]
        inner = next((below for below, _ in inner_shapes(shape.model_fields[field].annotation)), None)
        known[wire_name] = folded(inner, value) if inner and isinstance(value, Mapping) else value
    return known


def device_of(exchange: Exchange) -> Device:
    """Portainer is told nothing of what a client runs on but its User-Agent."""
    return Device(exchange.headers.get("user-agent", ""))


def cookie(
    exchange: Exchange, settings: PortainerSettings, token: Secret, signed_in: datetime
) -> tuple[str, str]:
    """The cookie of a sign-in, attribute for attribute (§1.1)."""
    expires = signed_in + timedelta(hours=settings.session_hours)
    dated = f"; Path=/; Expires={expires:%a, %d %b %Y %H:%M:%S} GMT; HttpOnly"
    return "set-cookie", f"{COOKIE}={token.reveal()}{dated}{_ending(exchange, settings)}"


def cleared(exchange: Exchange, settings: PortainerSettings) -> tuple[str, str]:
    """What takes that cookie away (§1.2)."""
    return "set-cookie", f"{GONE}{_ending(exchange, settings)}"


def _ending(exchange: Exchange, settings: PortainerSettings) -> str:
    secure = "; Secure" if exchange.secure or settings.force_secure_cookies else ""
    return f"{secure}; SameSite=Strict"
