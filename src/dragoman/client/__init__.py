"""The two ways to send an `Operation`: at once (`SyncClient`) or awaited (`AsyncClient`).

A dialect's client is its contract and one of the two, told the product's manners:

    class Client(ImmichApi, SyncClient):
        manners = MANNERS

    with Client("https://photos.example.org") as client:
        client.login(email="me@example.org", password=getpass())
        print(client.get_auth_status().is_elevated)

Only sending and receiving differ between them; what is said, and what is made of the answer, is in
`Conversation`, once. What may go wrong:

    ClientError
    ├── Refused           the server said no: status, message, messages, body, retry_after, request_id
    │   ├── Unauthorized  401: it does not know who is calling, or that was not the password
    │   ├── Forbidden     403: it knows, and they may not
    │   └── TryLater      429, 503, or any that says when: not now; `retry_after` is when, if the server did
    ├── NotInRelease      the release spoken to has no such operation; nothing was sent
    ├── Unreachable       no answer came: no connection, a bad certificate, a connection that broke
    │   └── TimedOut      … none in time
    └── Unintelligible    what came is no answer of this contract: status, excerpt

What is acceptable is the server's to judge; only a name that an operation does not take, or a required one
that is missing, is a `TypeError` before anything is sent. Secrets of the request are in no message.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel

from dragoman.client.conversation import Conversation, Manners, Person, Renewal, bearer_or_key
from dragoman.client.errors import (
    ClientError,
    Forbidden,
    NotInRelease,
    Refused,
    TimedOut,
    TryLater,
    Unauthorized,
    Unintelligible,
    Unreachable,
)
from dragoman.wire import Answer, Operation

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "AsyncClient",
    "ClientError",
    "Forbidden",
    "Manners",
    "NotInRelease",
    "Person",
    "Refused",
    "Renewal",
    "SyncClient",
    "TimedOut",
    "TryLater",
    "Unauthorized",
    "Unintelligible",
    "Unreachable",
    "bearer_or_key",
]

PATIENCE = 10.0  # seconds
LARGEST_ANSWER = 16 * 2**20  # bytes


class SyncClient(Conversation):
    """Sends an operation and waits for its answer.

    Threads may share a client: it is one caller with one token, so who signs in signs in for all.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        api_key: str | None = None,
        refresh_token: str | None = None,
        release: str | None = None,
        timeout: float | httpx2.Timeout = PATIENCE,
        headers: Mapping[str, str] | None = None,
        http: httpx2.Client | None = None,
    ) -> None:
        """A client of the product at `base_url`, with a `token` kept from a sign-in, an `api_key`, or neither.

        `refresh_token` renews the token, where the product has one: a call that is refused with 401 is then made
        once more, with a new token. Of many at the same time one renews it.
        `release` is the one spoken to, where a product's releases differ: an operation that it lacks is
        `NotInRelease`, and a field that it lacks is not sent. None: everything is sent as it is given.
        `timeout`, in seconds, limits each wait for the network, not their sum. `headers` are sent with every
        request. `http` is an httpx2 client of your own (for a proxy, a certificate, a transport); it stays
        open when this one is closed. Raises ValueError for what can be no address, no credential or no release.
        """
        import httpx2  # noqa: PLC0415

        super().__init__(
            base_url, token, api_key, timeout, headers or {}, release=release, refresh_token=refresh_token
        )
        self._closes = http is None
        self._http = httpx2.Client() if http is None else http
        self._one_renews = threading.Lock()

    def send(self, operation: Operation[Any, Answer], ask: BaseModel) -> Answer:
        """The answer to one operation. Every method of the contract comes down to this."""
        token = self._token
        try:
            return self._sent(operation, ask, token)
        except Unauthorized:
            if not self._may_renew(operation, token):
                raise
        self._renew(token)
        return self._sent(operation, ask, self._token)

    def _renew(self, refused: str | None) -> None:
        with self._one_renews:
            renewing = self._renewing(refused)
            if renewing is None:
                return
            try:
                self._sent(*renewing, refused)
            except Unauthorized:
                self._give_up(refused)
                raise

    def _sent(self, operation: Operation[Any, Answer], ask: BaseModel, token: str | None) -> Answer:
        request = self._request(self._http, operation, ask, token)
        body = bytearray()
        with reaching(self._root):
            response = self._http.send(request, stream=True, follow_redirects=False)
            try:
                for chunk in response.iter_bytes():
                    add(chunk, body)
            finally:
                response.close()
        return self._answer(operation, ask, token, response, bytes(body))

    def close(self) -> None:
        """Let go of the connections. The session stays open at the server: that is what signing out is for."""
        if self._closes:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(Conversation):
    """Sends an operation and awaits its answer. A client belongs to one event loop, whose tasks may share it."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        api_key: str | None = None,
        refresh_token: str | None = None,
        release: str | None = None,
        timeout: float | httpx2.Timeout = PATIENCE,
        headers: Mapping[str, str] | None = None,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        """As for `SyncClient`; `http` is an `httpx2.AsyncClient`."""
        import anyio  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        super().__init__(
            base_url, token, api_key, timeout, headers or {}, release=release, refresh_token=refresh_token
        )
        self._closes = http is None
        self._http = httpx2.AsyncClient() if http is None else http
        self._one_renews = anyio.Lock()

    async def send(self, operation: Operation[Any, Answer], ask: BaseModel) -> Answer:
        """The answer to one operation. Every method of the contract comes down to this."""
        token = self._token
        try:
            return await self._sent(operation, ask, token)
        except Unauthorized:
            if not self._may_renew(operation, token):
                raise
        await self._renew(token)
        return await self._sent(operation, ask, self._token)

    async def _renew(self, refused: str | None) -> None:
        async with self._one_renews:
            renewing = self._renewing(refused)
            if renewing is None:
                return
            try:
                await self._sent(*renewing, refused)
            except Unauthorized:
                self._give_up(refused)
                raise

    async def _sent(self, operation: Operation[Any, Answer], ask: BaseModel, token: str | None) -> Answer:
        request = self._request(self._http, operation, ask, token)
        body = bytearray()
        with reaching(self._root):
            response = await self._http.send(request, stream=True, follow_redirects=False)
            try:
                async for chunk in response.aiter_bytes():
                    add(chunk, body)
            finally:
                await response.aclose()
        return self._answer(operation, ask, token, response, bytes(body))

    async def aclose(self) -> None:
        """Let go of the connections. The session stays open at the server: that is what signing out is for."""
        if self._closes:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@contextmanager
def reaching(root: str) -> Generator[None]:
    """Call what goes wrong on the way by our own names."""
    import httpx2  # noqa: PLC0415

    try:
        yield
    except httpx2.TimeoutException as error:
        raise TimedOut(f"no answer from {root} in time ({type(error).__name__})") from error
    except httpx2.TransportError as error:
        raise Unreachable(f"no answer from {root}: {str(error) or type(error).__name__}") from error
    except httpx2.DecodingError as error:
        raise Unintelligible(f"the answer from {root} cannot be decompressed: {error}") from error


def add(chunk: bytes, body: bytearray) -> None:
    body += chunk
    if len(body) > LARGEST_ANSWER:
        raise Unintelligible(f"an answer of more than {LARGEST_ANSWER} bytes")
