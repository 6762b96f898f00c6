"""How a request holds up a key, and how it says its body. Contract §0, §2.1."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dragoman.core.principals import Presented
from dragoman.core.secrets import Secret
from dragoman.dialects.shoko.fields import BLANKS
from dragoman.envelope import Envelope
from dragoman.exchange import NO_BODY, Exchange, Malformed, parse_json
from dragoman.wire import WholeBody, places

if TYPE_CHECKING:
    from pydantic import BaseModel

    from dragoman.core.secrets import Dice

MOST_KEYS = 8  # of one request, that are tried
DEEPEST = 10  # as Json.NET is told to go
JSON_TYPES = re.compile(r"application/json|text/json|application/[\w.!#$&^-]+\+json", re.ASCII)


def guid(dice: Dice) -> Secret:
    """A new key: a lower-case GUID, 122 bits of it random (RFC 9562 §5.4)."""
    return Secret(str(uuid.UUID(bytes=dice(16), version=4)))


def present(exchange: Envelope) -> Presented | None:
    """Every key of header and query, of which the first good one counts; an empty one is none (§2.1, §7)."""
    shown = (*exchange.headers.getlist("apikey"), *queried(exchange))
    keys = dict.fromkeys(key for key in map(normal, shown) if key)
    presented: Presented | None = None
    for key in reversed(list(keys)[:MOST_KEYS]):
        presented = Presented("session", Secret(key), presented)
    return presented


def queried(exchange: Envelope) -> list[str]:
    """The values of the query parameter `apikey`, in whatever case."""
    return [value for name, value in exchange.query.multi_items() if name.lower() == "apikey"]


def normal(key: str) -> str:
    """A key as it is looked up."""
    return key.strip(BLANKS).lower()


def decode(exchange: Exchange, raw: bytes) -> Any:
    """JSON under any of its types (§0), where an operation takes a body. `Malformed` with 415 for other types."""
    shape: type[BaseModel] | None = exchange.operation.takes if exchange.operation else None
    standing = [] if shape is None else list(places(shape).values())
    fields = [name for place, name in standing if place is None]
    is_optional = exchange.method == "DELETE"  # 4.2 looks at its query alone
    if not fields and not any(place is WholeBody for place, _ in standing):
        return NO_BODY
    if is_optional and (not raw or queried(exchange)):
        return NO_BODY
    value = parse_body(exchange, raw) if raw else None
    if not fields:
        return value
    if value is None:
        raise Malformed("A non-empty request body is required.")
    if not isinstance(value, Mapping):
        raise Malformed("The body is not an object.")
    return cased(value, fields)


def parse_body(exchange: Exchange, raw: bytes) -> Any:
    """The value in a body."""
    media = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if JSON_TYPES.fullmatch(media) is None:
        raise Malformed("only JSON is accepted", 415)
    if exchange.headers.get("content-encoding", "identity").lower() != "identity":
        raise Malformed("unsupported content encoding", 415)
    value = parse_json(raw)
    if depth(value) > DEEPEST:
        raise Malformed("The body is nested too deep.")
    return value


def depth(value: Any) -> int:
    """How deep objects and arrays stand within each other. Without recursion: it is a stranger's."""
    level, deepest = [value], 0
    while level := [each for each in level if isinstance(each, dict | list) and each]:
        deepest += 1
        if deepest > DEEPEST:
            break
        level = [part for each in level for part in (each.values() if isinstance(each, dict) else each)]
    return deepest


def cased(value: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """The fields by their own names, whatever case they were sent in; of two the later counts, as for Json.NET."""
    known = {name.lower(): name for name in names}
    return {known[sent.lower()]: field for sent, field in value.items() if sent.lower() in known}
