"""Outgoing HTTP, which goes only where it is meant to go.

An address that settings or a provider name may lead into the operator's own network, and a name may lead
elsewhere the second time it is looked up. So a name is resolved once, every address it has is judged, and
the connection is made to that address (server-side request forgery, CWE-918). Nothing is redirected, no
proxy or password is taken from the environment, and what is awaited and read has limits.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from dragoman.core.web import NoAnswer, WebAnswer, WebRequest
from dragoman.network import Address, Network, is_public, parse_address

if TYPE_CHECKING:
    import ssl

    import httpx2

# A host name and a port in, addresses out; raises OSError.
Resolve = Callable[[str, int], Sequence[str]]
PORTS = {"http": 80, "https": 443}


def look_up(host: str, port: int) -> Sequence[str]:
    """Every address of a host name, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@dataclass(frozen=True)
class OutgoingHttp:
    """Asks the web. `private` are the networks that may be reached although they are not public.

    Only there is plain HTTP spoken. `patience` in seconds is for a whole answer of at most `largest` bytes.
    `ca_file` has certificates (PEM) of authorities that are believed besides the usual ones.
    """

    private: Sequence[Network] = ()
    patience: float = 10.0
    largest: int = 2**20
    ca_file: str | None = None
    resolve: Resolve = look_up

    def __call__(self, request: WebRequest) -> WebAnswer:
        """The answer, whatever its status. Raises `NoAnswer`."""
        import anyio  # noqa: PLC0415 - with httpx2 a tenth of the server's start, for what most never do
        import httpx2  # noqa: PLC0415

        try:
            url = httpx2.URL(request.url)
        except httpx2.InvalidURL:
            raise NoAnswer("the address is no URL") from None  # its text may hold a password
        if url.scheme not in PORTS or not url.host or url.userinfo:
            raise NoAnswer("the address is not one of the web: http or https, a host, and no password")
        try:
            # An event loop for one request: there alone a limit of time holds for all of it, the look-up included.
            return anyio.run(self._ask, request, url)
        except TimeoutError as error:
            raise NoAnswer(f"{url.host} gives no whole answer within {self.patience:g} seconds") from error
        except httpx2.HTTPError as error:
            raise NoAnswer(f"{url.host}: {str(error) or type(error).__name__}") from error

    async def _ask(self, request: WebRequest, url: httpx2.URL) -> WebAnswer:
        import anyio  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        with anyio.fail_after(self.patience):
            address = await self._address(url)
            async with httpx2.AsyncClient(
                verify=_authorities(self.ca_file), timeout=None, trust_env=False
            ) as client:
                return await self._read(client, _pinned(client, request, url, address))

    async def _address(self, url: httpx2.URL) -> Address:
        """The one address to connect to. A name with any address that may not be reached has none."""
        from anyio import to_thread  # noqa: PLC0415

        host, port = url.raw_host.decode("ascii"), url.port or PORTS[url.scheme]
        try:
            names = await to_thread.run_sync(self.resolve, host, port, abandon_on_cancel=True)
        except (OSError, UnicodeError) as error:
            raise NoAnswer(f"{host} has no address: {error}") from error
        addresses = [address for address in map(parse_address, names) if address is not None]
        for address in addresses:
            allowed = any(address in network for network in self.private)
            if not allowed and not is_public(address):
                raise NoAnswer(f"{host} is {address}, which is not public: see outgoing.private_networks")
            if not allowed and url.scheme != "https":
                raise NoAnswer(f"{host} is asked without TLS: see outgoing.private_networks")
        if not addresses:
            raise NoAnswer(f"{host} has no address")
        return addresses[0]

    async def _read(self, client: httpx2.AsyncClient, request: httpx2.Request) -> WebAnswer:
        response = await client.send(request, stream=True, follow_redirects=False)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise NoAnswer("the answer is compressed, which nobody asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self.largest:
                raise NoAnswer(f"an answer of more than {self.largest} bytes")
        media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return WebAnswer(response.status_code, media, bytes(body))


@cache
def _authorities(ca_file: str | None) -> ssl.SSLContext:
    """Whose certificates are believed. Read once: it takes longer than a request."""
    import httpx2  # noqa: PLC0415

    context = httpx2.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


def _pinned(
    client: httpx2.AsyncClient, request: WebRequest, url: httpx2.URL, address: Address
) -> httpx2.Request:
    """The request to the address itself, which names its host as ever: to the server, and to its certificate."""
    headers = {**request.headers, "host": url.netloc.decode("ascii"), "accept-encoding": "identity"}
    return client.build_request(
        request.method,
        url.copy_with(host=str(address)),
        headers=headers,
        content=request.body,
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )
