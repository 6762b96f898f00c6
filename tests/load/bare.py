"""The least that a server can do to validate a token: a header, SHA-256, a dict, JSON; raw ASGI on our uvicorn.

    python tests/load/bare.py PORT < TOKENS       (a token a line)

What our check costs is measured beside it: the machine is noisy, their ratio is not.
"""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class Bare:
    """Says whose a bearer token is."""

    def __init__(self, tokens: list[str]) -> None:
        self._known = {
            hashlib.sha256(token.encode()).digest(): {"id": number} for number, token in enumerate(tokens)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        shown = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        found = self._known.get(hashlib.sha256(shown[7:]).digest())
        body = json.dumps(found or {"message": "Unauthorized"}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200 if found else 401, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until stopped, as `dragoman serve` configures uvicorn."""
    app = Bare(sys.stdin.read().split())
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        interface="asgi3",
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
    )


if __name__ == "__main__":
    main()
