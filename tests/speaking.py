"""The two clients behind one voice, and servers that answer what they are told to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any, Protocol


class Speaker(Protocol):
    """A client of either kind; `do("login", email=…)` is `client.login(email=…)`, awaited if need be."""

    client: Any

    def do(self, operation: str, **named: Any) -> Any:
        """Call a method and wait for its answer."""
        ...

    def close(self) -> None:
        """Close the client."""
        ...


Opener = Callable[..., Speaker]


class AtOnce:
    """The synchronous client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def do(self, operation: str, **named: Any) -> Any:
        """Call a method."""
        return getattr(self.client, operation)(**named)

    def close(self) -> None:
        """Close the client."""
        self.client.close()


class Awaited:
    """The asynchronous client, on an event loop of its own."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._loop = asyncio.Runner()

    def do(self, operation: str, **named: Any) -> Any:
        """Call a method and wait for it."""
        return self._loop.run(getattr(self.client, operation)(**named))

    def close(self) -> None:
        """Close the client and the loop."""
        self._loop.run(self.client.aclose())
        self._loop.close()


KINDS: dict[str, tuple[str, Callable[[Any], Speaker]]] = {
    "at once": ("Client", AtOnce),
    "awaited": ("AsyncClient", Awaited),
}


@contextmanager
def opening(dialect: ModuleType, kind: str) -> Iterator[Opener]:
    """Makes a dialect's clients of one kind, with the arguments of their constructor, and closes them."""
    name, speaks = KINDS[kind]
    with ExitStack() as stack:

        def open_client(base_url: str, **named: Any) -> Speaker:
            speaker = speaks(getattr(dialect, name)(base_url, **named))
            stack.callback(speaker.close)
            return speaker

        yield open_client


@dataclass(frozen=True)
class Heard:
    """A request as a stub server received it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Canned:
    """What a stub server answers. `length` is what it claims to send, if not the truth."""

    status: int = 200
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = (("content-type", "application/json"),)
    length: int | None = None


@dataclass
class Stub:
    """A server that answers as told, and what it heard so far."""

    url: str
    answer: Callable[[Heard], Canned]
    heard: list[Heard] = field(default_factory=list)


@contextmanager
def stub(answer: Canned | Callable[[Heard], Canned]) -> Iterator[Stub]:
    """A server on a free port that gives one answer to all, or the one that a function finds."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            names = {name.lower(): value for name, value in self.headers.items()}
            request = Heard(self.command, self.path, names, body)
            server.heard.append(request)
            canned = server.answer(request)
            self.send_response_only(canned.status)
            for name, value in canned.headers:
                self.send_header(name, value)
            self.send_header(
                "content-length", str(len(canned.body) if canned.length is None else canned.length)
            )
            self.end_headers()
            self.wfile.write(canned.body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = Stub(
        f"http://127.0.0.1:{listening.server_port}", answer if callable(answer) else lambda _: answer
    )
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
