"""Outgoing HTTP: where it may go, whom it really asks, and how long and how much it puts up with."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.certificates import self_signed
from tests.speaking import Canned, Stub, stub

from dragoman.core.web import NoAnswer, WebAnswer, WebRequest
from dragoman.network import is_public, parse_address
from dragoman.outgoing import OutgoingHttp, Resolve

LOOPBACK = (ip_network("127.0.0.0/8"),)


def resolving(*addresses: str) -> Resolve:
    """Every name is at these addresses."""
    return lambda _host, _port: addresses


def asking(url: str, web: OutgoingHttp | None = None, method: str = "GET", body: bytes = b"") -> WebAnswer:
    """One request, to loopback too unless told otherwise."""
    web = web or OutgoingHttp(private=LOOPBACK)
    return web(WebRequest(method, url, {"x-more": "yes"}, body))


@pytest.fixture
def server() -> Iterator[Stub]:
    """A server that says yes."""
    with stub(Canned(200, b'{"ok":true}')) as served:
        yield served


def test_a_request_is_sent_as_it_is_and_answered(server: Stub) -> None:
    """Method, headers and body arrive; status, media type and body come back."""
    answer = asking(f"{server.url}/path?a=b", method="POST", body=b"abc")
    assert answer == WebAnswer(200, "application/json", b'{"ok":true}')
    (heard,) = server.heard
    assert (heard.method, heard.path, heard.body) == ("POST", "/path?a=b", b"abc")
    assert heard.headers["x-more"] == "yes"
    assert heard.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "2001::1", "::7f00:1", "fec0::1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_not_asked(address: str) -> None:
    """Loopback, private, link-local, shared, reserved and disguised addresses are refused unasked."""
    parsed = parse_address(address)
    assert parsed is not None
    assert not is_public(parsed)
    with pytest.raises(NoAnswer, match="not public"):
        asking("https://provider.test/", OutgoingHttp(resolve=resolving(address)))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_what_is_public_is_public(address: str) -> None:
    """Hosts of the internet are."""
    parsed = parse_address(address)
    assert parsed is not None
    assert is_public(parsed)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1:{port}/"]
)
def test_no_spelling_of_this_machine_is_asked(server: Stub, url: str) -> None:
    """Unless settings allow it, no name and no address of this machine is reached."""
    with pytest.raises(NoAnswer):
        asking(url.format(port=server.url.rpartition(":")[2]), OutgoingHttp())
    assert server.heard == []


@pytest.mark.parametrize("addresses", [("93.184.215.14", "10.0.0.1"), ("10.0.0.1", "93.184.215.14")])
def test_one_private_address_among_many_is_one_too_many(addresses: Sequence[str]) -> None:
    """A name that is public and private at once is refused, whichever comes first."""
    with pytest.raises(NoAnswer, match=r"10\.0\.0\.1, which is not public"):
        asking("https://provider.test/", OutgoingHttp(resolve=resolving(*addresses)))


def test_a_name_is_resolved_once_and_that_address_is_asked(server: Stub) -> None:
    """A name that moves after it was judged moves in vain: it is not looked up again, and named all the same."""
    asked: list[str] = []

    def moving(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.168.1.1"]

    port = server.url.rpartition(":")[2]
    answer = asking(f"http://provider.test:{port}/", OutgoingHttp(private=LOOPBACK, resolve=moving))
    assert answer.status == 200
    assert asked == ["provider.test"]
    assert server.heard[0].headers["host"] == f"provider.test:{port}"


def test_plain_http_is_spoken_in_allowed_networks_alone() -> None:
    """A code or a secret is not sent through the internet for all to read."""
    with pytest.raises(NoAnswer, match="without TLS"):
        asking("http://provider.test/", OutgoingHttp(resolve=resolving("93.184.215.14")))


@pytest.mark.parametrize(
    "url", ["ftp://provider.test/", "file:///etc/passwd", "provider.test", "https://", "https://u:p@x.test/", "http://[::1"]
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    """Only http and https, with a host and without a password."""
    with pytest.raises(NoAnswer):
        asking(url)


def failing(_host: str, _port: int) -> Sequence[str]:
    """Nobody has that name."""
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize(
    "resolve",
    [failing, resolving(), resolving("not an address")],
    ids=["unknown", "nowhere", "no address"],
)
def test_a_name_without_an_address_has_no_answer(resolve: Resolve) -> None:
    """It cannot be resolved, or to nothing that is an address."""
    with pytest.raises(NoAnswer, match="has no address"):
        asking("https://provider.test/", OutgoingHttp(resolve=resolve))


def test_redirections_are_not_followed(server: Stub) -> None:
    """A redirection is an answer like any other; where it leads is not asked."""
    with stub(Canned(302, headers=[("location", f"{server.url}/in")])) as redirecting:
        assert asking(f"{redirecting.url}/").status == 302
    assert server.heard == []


def test_the_environment_sends_requests_nowhere_else(server: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment is not used: it would resolve names itself."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert asking(f"{server.url}/").status == 200


def test_a_long_answer_is_cut_off() -> None:
    """More bytes than allowed are no answer; as many as allowed are."""
    with stub(Canned(200, b"x" * 2000)) as served:
        assert len(asking(served.url, OutgoingHttp(LOOPBACK, largest=2000)).body) == 2000
        with pytest.raises(NoAnswer, match="more than 1999 bytes"):
            asking(served.url, OutgoingHttp(LOOPBACK, largest=1999))


def test_a_compressed_answer_is_not_unpacked() -> None:
    """A small answer that would become a large one is refused as it is."""
    bomb = gzip.compress(b"x" * 1_000_000)
    canned = Canned(200, bomb, headers=[("content-encoding", "gzip")])
    with stub(canned) as served, pytest.raises(NoAnswer, match="compressed"):
        asking(served.url)


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where each connection is handed to a function."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        try:
            while True:
                connection, _ = listening.accept()
                with connection:
                    serve(connection)
        except OSError:
            return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def drip(body: bytes) -> Callable[[socket.socket], None]:
    """An answer that is always about to be finished: its headers, or its body."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n" + body)
        try:
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            return

    return serve


@pytest.mark.parametrize("body", [b"", b"\r\n"], ids=["headers", "body"])
def test_patience_is_for_the_whole_answer(body: bytes) -> None:
    """A server that sends a byte now and then is not listened to for ever."""
    begun = time.monotonic()
    with raw_server(drip(body)) as port, pytest.raises(NoAnswer, match=r"within 0\.3 seconds"):
        asking(f"http://127.0.0.1:{port}/", OutgoingHttp(LOOPBACK, patience=0.3))
    assert time.monotonic() - begun < 3


def test_patience_is_for_the_look_up_too() -> None:
    """A resolver that takes its time is not waited for."""
    released = threading.Event()

    def slow(_host: str, _port: int) -> Sequence[str]:
        released.wait(20)
        return []

    begun = time.monotonic()
    try:
        with pytest.raises(NoAnswer, match=r"within 0\.1 seconds"):
            asking("https://provider.test/", OutgoingHttp(resolve=slow, patience=0.1))
        assert time.monotonic() - begun < 3
    finally:
        released.set()


def hang_up(connection: socket.socket) -> None:
    """No answer at all."""
    connection.recv(65536)


def test_a_server_that_hangs_up_gives_no_answer() -> None:
    """A connection that ends, or that nobody takes, is no answer."""
    with raw_server(hang_up) as port, pytest.raises(NoAnswer):
        asking(f"http://127.0.0.1:{port}/")
    with pytest.raises(NoAnswer):
        asking(f"http://127.0.0.1:{port}/")


def over_tls(context: ssl.SSLContext) -> Callable[[socket.socket], None]:
    """A server that says yes over TLS, to whoever wants to hear it."""

    def serve(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        except OSError:
            return

    return serve


def test_the_certificate_of_the_name_is_asked_for_and_verified(tmp_path: Path) -> None:
    """To the address that was judged the host's own name is told (SNI), and its certificate must be good for it."""
    context, certificate = self_signed("provider.test", tmp_path)
    named: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: named.append(name)
    here = resolving("127.0.0.1")
    unknown = OutgoingHttp(LOOPBACK, resolve=here)
    known = OutgoingHttp(LOOPBACK, resolve=here, ca_file=certificate)
    with raw_server(over_tls(context)) as port:
        with pytest.raises(NoAnswer, match="certificate verify failed"):
            asking(f"https://provider.test:{port}/", unknown)
        assert asking(f"https://provider.test:{port}/", known).body == b"ok"
        with pytest.raises(NoAnswer, match="certificate verify failed"):
            asking(f"https://another.test:{port}/", known)
    assert named == ["provider.test", "provider.test", "another.test"]


def test_an_unheard_request_shows_no_secret() -> None:
    """What a request carries is in no message and no print-out of it."""
    request = WebRequest("POST", "https://provider.test/", {"authorization": "hunter2"}, b"hunter2")
    assert "hunter2" not in repr(request)
    with pytest.raises(NoAnswer) as refused:
        OutgoingHttp(resolve=resolving("10.0.0.1"))(request)
    assert "hunter2" not in str(refused.value)
