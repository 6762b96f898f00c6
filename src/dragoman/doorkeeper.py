"""Gateways' checks are known by the ways on which they came before, and answered before all else if they may pass.

Nothing is decided here. Whose check is asked follows from path, host name and peer, and which credential is held up
from a few headers (`Dialect.credential_headers`): so what came of them once comes of them again. Whether that
credential is good, known.py says each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from dragoman.check import METHODS, PATH
from dragoman.exchange import carried
from dragoman.known import put_last
from dragoman.log import request_id
from dragoman.network import is_secure, is_trusted
from dragoman.passing import start_of_pass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Scope

    from dragoman.check import Checking
    from dragoman.network import Network
    from dragoman.switchboard import Mounted, Served, Switchboard

MOST_DOORS = 1000

# The path, the Host header and the other end of the connection.
Way = tuple[str, bytes | None, str | None]


class Door(NamedTuple):
    """Where a way leads to while dialects are `mounted` so, and whether whoever comes by it is a proxy of ours."""

    served: Served
    mount: str
    host: str
    mounted: Mounted
    is_trusted: bool


class Doorkeeper:
    """Recognises checks. For the event loop's thread alone."""

    def __init__(self, board: Switchboard, checking: Checking) -> None:
        self._board = board
        self._trusted: Sequence[Network] = checking.trusted
        self._original_uri = checking.original_uri.encode()
        self._doors: dict[Way, Door] = {}

    def recognise(self, scope: Scope) -> Message | None:
        """How the answer starts to a request that may pass; None: that takes a closer look."""
        if not scope["path"].endswith(PATH) or scope["method"] not in METHODS:
            return None
        headers: dict[bytes, bytes] = dict(scope["headers"])
        door = self._find(scope, headers)
        # Of several headers with one name, it depends on who looks for it which one counts.
        if door is None or len(headers) != len(scope["headers"]):
            return None
        if door.is_trusted and b"?" in headers.get(self._original_uri, b""):
            return None
        identity = door.served.check.recognise(headers)
        if identity is None:
            return None
        named, told = headers.get(b"x-request-id"), headers.get(b"x-forwarded-proto")
        forwarded_proto = () if told is None else (told.decode("latin-1"),)
        secure = is_secure(scope.get("scheme", "http"), _peer(scope), forwarded_proto, self._trusted)
        this = request_id(None if named is None else named.decode("latin-1"))
        return start_of_pass(identity, carried(this, secure=secure))

    def find(self, scope: Scope) -> Door | None:
        """Where a request for a check comes to, if that way is known."""
        return self._find(scope, dict(scope["headers"])) if scope["path"].endswith(PATH) else None

    def learn(self, scope: Scope, host: str, mount: str, served: Served, mounted: Mounted) -> Door:
        """Where a request for a check comes to, as it was found out."""
        peer = _peer(scope)
        door = Door(served, mount, host, mounted, is_trusted(peer, self._trusted))
        put_last(self._doors, (scope["path"], dict(scope["headers"]).get(b"host"), peer), door, MOST_DOORS)
        return door

    def _find(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Door | None:
        door = self._doors.get((scope["path"], headers.get(b"host"), _peer(scope)))
        return door if door is not None and door.mounted is self._board.mounted else None


def _peer(scope: Scope) -> str | None:
    return scope["client"][0] if scope.get("client") else None
