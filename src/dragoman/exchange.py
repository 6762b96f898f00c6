"""One request as its dialect sees it, and one answer as it leaves."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from dragoman.envelope import Envelope

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

    from dragoman.core.work import Origin
    from dragoman.wire import Operation

Header: TypeAlias = tuple[bytes, bytes]

JSON = "application/json; charset=utf-8"
CHARSET = re.compile(r';.*?charset\s*=\s*"?([\w.:-]+)', re.IGNORECASE)
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


# What a body is read as where there is none.
NO_BODY: Any = object()


class Malformed(Exception):
    """A body that cannot be read: `status` 400 (not what it says it is), 413 or 415, and why."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.why = why
        self.status = status


@dataclass
class Exchange(Envelope):
    """What a request says. `path` is below the mount; `mount` is "" on a host of its own.

    `body` is b"" until it has been read, and where it cannot be. `origin` is what we believe of where it came from;
    `secure` whether the client's own connection is TLS. `reached` says whether the operation's handler was called:
    what goes wrong before is not the operation's.
    """

    path: str
    mount: str
    host: str
    origin: Origin
    secure: bool
    setup_open: bool = False
    body: bytes = b""
    operation: Operation[Any, Any] | None = None
    why: str | None = None  # why it cannot be answered, for the log
    reached: bool = False

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def request_id(self) -> str:
        return self.origin.request_id


Parts: TypeAlias = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class Spoken:
    """An answer, rendered: status, body (b"" for none), media type (None for none) and further headers.

    What is too long to be made at once has `parts`, which gives the next part of the body each time, and b"" at last.
    """

    status: int
    body: bytes = b""
    media: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    parts: Parts | None = None


@dataclass(frozen=True)
class Passed:
    """A request may go on; these headers go on whatever it is answered with, or on successes alone."""

    always: Sequence[tuple[str, str]] = ()
    on_success: Sequence[tuple[str, str]] = ()

    def noted_on(self, spoken: Spoken) -> Spoken:
        """An answer with these headers."""
        added = (*self.always, *(self.on_success if 200 <= spoken.status < 300 else ()))
        return replace(spoken, headers=(*spoken.headers, *added)) if added else spoken


Words = TypeVar("Words")


def words_for(
    exchange: Exchange,
    refusal: type[Exception],
    spoken: Mapping[type[Any], Words],
    of_operation: Mapping[tuple[str, type[Any]], Words],
) -> Words:
    """What a dialect's tables say to a kind of refusal, or to what it is a kind of: the operation's own words first.

    `TypeError` where no table has any.
    """
    operation = exchange.operation.name if exchange.operation else ""
    for kind in refusal.__mro__:
        words = of_operation.get((operation, kind)) or spoken.get(kind)
        if words is not None:
            return words
    raise TypeError(f"{refusal} is no refusal")


def seconds(wait: timedelta) -> int:
    """How long to wait, as Retry-After says it (RFC 9110 §10.2.3): in whole seconds, and one at least."""
    return max(1, math.ceil(wait.total_seconds()))


def spoken_json(status: int, body: object, *headers: tuple[str, str], media: str = JSON) -> Spoken:
    """An answer of compact JSON."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Spoken(status, text.encode("utf-8", "replace"), media, headers)


async def read_body(exchange: Exchange, receive: Receive, limit: int) -> bytes:
    """The whole body. `Malformed` with 413 as soon as it is, or says it is, longer than `limit` bytes."""
    declared = exchange.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > limit:
        raise Malformed("the body is too large", 413)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("the client went away")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise Malformed("the body is too large", 413)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def require_utf8(exchange: Exchange) -> None:
    """Refuse a body that would have to be unpacked or transcribed before it is read: `Malformed` with 415."""
    if exchange.headers.get("content-encoding", "identity").lower() != "identity":
        raise Malformed("unsupported content encoding", 415)
    charset = CHARSET.search(exchange.headers.get("content-type", ""))
    if charset and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise Malformed(f'unsupported charset "{charset[1].upper()}"', 415)


def carried(request_id: str, *, secure: bool, last: bool = False) -> list[Header]:
    """The headers that every answer carries, whoever gives it. The `last` of a connection ends that."""
    return [
        (b"x-request-id", request_id.encode("latin-1")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        *([(b"strict-transport-security", b"max-age=31536000")] if secure else []),
        *([(b"connection", b"close")] if last else []),
    ]


def carrying(send: Send, always: Sequence[Header]) -> Send:
    """Sends with these headers, as far as an answer does not say them otherwise itself."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            message["headers"] += [header for header in always if header[0] not in present]
        await send(message)

    return sent


async def send_spoken(send: Send, spoken: Spoken) -> None:
    """Send an answer. Everything an API says is nobody's to keep."""
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in spoken.headers]
    if spoken.media is not None:
        headers.append((b"content-type", spoken.media.encode("latin-1")))
    if spoken.status != 204 and spoken.parts is None:
        headers.append((b"content-length", str(len(spoken.body)).encode()))
    await send({"type": "http.response.start", "status": spoken.status, "headers": headers})
    while spoken.parts is not None and (part := await spoken.parts()):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": spoken.body})


def parse_json(raw: bytes) -> Any:
    """The value in a JSON text (RFC 8259), which is UTF-8. `Malformed` for anything else, and absurd depth.

    Lone surrogates, which JSON can spell and UTF-8 cannot, become U+FFFD.
    """
    return _parsed(raw, _JSON.decode)


def parse_first_json(raw: bytes) -> Any:
    """The first value of a text that begins with JSON, as `parse_json`; what stands behind it is not looked at."""
    return _parsed(raw, lambda text: _JSON.raw_decode(text.lstrip(" \t\r\n"))[0])


def _parsed(raw: bytes, decode: Callable[[str], Any]) -> Any:
    try:
        # Decoded here: given bytes, `json` would guess at UTF-16 and UTF-32, too.
        value = decode(raw.decode("utf-8-sig"))
        return _without_surrogates(value) if SURROGATE.search(raw) else value
    except RecursionError:
        raise Malformed("the body is nested too deep") from None
    except ValueError as error:
        raise Malformed(f"the body is not JSON: {error}") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def parse_form(raw: bytes) -> dict[str, str | list[str]]:
    """The fields of a URL-encoded form; a name given more than once has a list. `Malformed` past 1 000."""
    try:
        pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise Malformed("the form has too many fields", 413) from None
    fields: dict[str, str | list[str]] = {}
    for name, value in pairs:
        before = fields.get(name)
        fields[name] = (
            value if before is None else [*before, value] if isinstance(before, list) else [before, value]
        )
    return fields
