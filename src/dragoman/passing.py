"""What a gateway is told when it may let a request pass: whose it is, in headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Message

    from dragoman.core.passes import Pass
    from dragoman.exchange import Header
    from dragoman.known import Identity

PLAIN = re.compile(r"[A-Za-z0-9_.~@+-]*")
MOST_BYTES = 4096  # of all that is told of an identity, names included

# All are always sent, empty ones too, so that none of a client's own shows through a gateway that copies them.
NAMES = tuple(
    f"x-dragoman-{name}".encode()
    for name in ("account", "number", "admin", "actor", "name", "email", "groups")
)
NO_BODY: Message = {"type": "http.response.body", "body": b""}


def start_of_pass(identity: Identity, always: Sequence[Header]) -> Message:
    """The message by which an answer starts that lets pass. `NO_BODY` is all that follows it."""
    headers = [*zip(NAMES, identity.split(b"\n"), strict=True), *always]
    return {"type": "http.response.start", "status": 204, "headers": headers}


def identity_of(found: Pass) -> Identity:
    """The values of `NAMES`, a line each. What would make it too long is left empty: half a name is another's."""
    holder, actor = found.holder, found.actor
    values = [
        str(holder.id).encode(),
        str(holder.number).encode(),
        b"true" if holder.is_admin else b"false",
        b"" if actor is None else str(actor.id).encode(),
    ]
    left = MOST_BYTES - sum(map(len, (*NAMES, *values)))
    for told in (
        encoded(holder.username),
        encoded(holder.email or ""),
        b",".join(map(encoded, holder.groups)),
    ):
        values.append(told if len(told) <= left else b"")
        left -= len(values[-1])
    return b"\n".join(values)


def encoded(text: str) -> bytes:
    """Percent-encoded UTF-8 (RFC 3986 §2.1), but for what e-mail addresses are made of."""
    return (text if PLAIN.fullmatch(text) else quote(text, safe="@+")).encode()
