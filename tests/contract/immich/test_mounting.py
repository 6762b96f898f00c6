"""Which requests are Immich's: by path prefix and by host name, and none that ask for somebody else's host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.contract.immich.speech import House, assert_refused, assert_says, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.running import Running, configured, running

PONG = {"res": "pong"}
NOT_HERE = {"error": "nothing is served here"}
NOT_US = {"error": "this server does not answer to that host name"}
NO_HOST = {"error": "exactly one valid Host header is needed"}


@contextmanager
def mounted(folder: Path, **told: Any) -> Iterator[House]:
    """A server with these settings."""
    settings = configured(f"sqlite:///{folder}/dragoman.db", **told)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        yield house


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that others call id.example.org, with a host name for Immich alone."""
    told = {
        "server": {"base_url": "https://id.example.org"},
        "dialects": {"immich": {"host": "photos.example.org"}},
    }
    with mounted(tmp_path_factory.mktemp("named"), **told) as house:
        yield house


def get(house: House, path: str, host: str | None = None) -> httpx2.Response:
    """A path of the server, as asked of a host."""
    return house.ask_url("GET", f"{house.served.url}{path}", headers={"host": host} if host else {})


def raw(served: Running, *lines: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to these header lines as they are."""
    address = urlsplit(served.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as line:
        line.sendall(b"\r\n".join([*lines, b"connection: close", b"", b""]))
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize(
    "path", ["/api", "/api/server/ping", "/immichx/api/server/ping", "/IMMICH/api/server/ping", "/nope"]
)
def test_outside_the_prefix_is_nobody_s(house: House, path: str) -> None:
    """What is below no dialect's prefix, and no page, is 404 in the server's own words."""
    response = get(house, path)
    assert (response.status_code, response.json()) == (404, NOT_HERE)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/immich", "/"),
        ("/immich/", "/"),
        ("/immich/nope", "/nope"),
        ("/immich/immich/api/server/ping", "/immich/api/server/ping"),
    ],
)
def test_below_the_prefix_is_immich_s(house: House, path: str, shown: str) -> None:
    """Whatever is below the prefix is answered by Immich, which sees the path without it."""
    assert_refused(get(house, path), 404, f"Cannot GET {shown}")


def test_prefix_serves_any_host_while_none_is_configured(house: House) -> None:
    """Without a base URL the server answers to every name that it is called by."""
    for host in ("localhost", "192.0.2.1:2283", "[::1]", "photos.example.org", "Example.ORG.:80"):
        assert_says(get(house, "/immich/api/server/ping", host), 200, PONG)


@pytest.mark.parametrize(
    "host", ["photos.example.org", "PHOTOS.example.ORG", "photos.example.org.", "photos.example.org:8443"]
)
def test_host_of_its_own_serves_immich_alone(named: House, host: str) -> None:
    """On its own host name, however that is spelled, Immich is at the root, and nothing else is there."""
    assert_says(get(named, "/api/server/ping", host), 200, PONG)
    assert_refused(get(named, "/immich/api/server/ping", host), 404, "Cannot GET /immich/api/server/ping")
    assert_refused(get(named, "/", host), 404, "Cannot GET /")


def test_host_of_the_base_url_serves_by_prefix(named: House) -> None:
    """On the server's own name Immich is below its prefix, and found from the origin."""
    for host in ("id.example.org", "ID.example.org.:443"):
        assert_says(get(named, "/immich/api/server/ping", host), 200, PONG)
        assert_says(get(named, "/.well-known/immich", host), 200, {"api": {"endpoint": "/immich/api"}})
        assert get(named, "/api/server/ping", host).json() == NOT_HERE


@pytest.mark.parametrize(
    "path", ["/immich/api/server/ping", "/api/server/ping", "/.well-known/immich", "/immich/docs", "/"]
)
@pytest.mark.parametrize(
    "host", [None, "example.org", "evil.example", "id.example.org.evil.example", "[::1]"]
)
def test_unknown_host_is_421(named: House, path: str, host: str | None) -> None:
    """Once a base URL is configured, a request for any other host is misdirected (RFC 9110 §15.5.20)."""
    response = get(named, path, host)
    assert (response.status_code, response.json()) == (421, NOT_US)


def test_session_is_good_on_every_mount(named: House) -> None:
    """Prefix and host name lead to one Immich: a session is good on both, a bad one on neither."""
    person = named.person()
    for host, path in (("id.example.org", "/immich/api/users/me"), ("photos.example.org", "/api/users/me")):
        headers = {"host": host}
        url = f"{named.served.url}{path}"
        assert named.ask_url("GET", url, person.token, headers=headers).status_code == 200
        assert_refused(named.ask_url("GET", url, "bad", headers=headers), 401, "Invalid user token")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"host:"],
        [b"host: a", b"host: a"],
        [b"host: a", b"host: b"],
        [b"host: a b"],
        [b"host: a, b"],
        [b"host: http://a"],
        [b"host: a/b"],
        [b"host: a@b"],
        [b"host: a:b"],
        [b"host: a:99999"],
        [b"host: [::1"],
        [b"host: -a"],
        [b"host: a..b"],
        [b"host: caf\xe9"],
        [b"host: a?b"],
        [b"host: " + b"a" * 300],
    ],
)
def test_host_is_needed_once_and_well_formed(house: House, lines: list[bytes]) -> None:
    """A request without exactly one Host that can be one is 400 (RFC 9112 §3.2)."""
    status, body = raw(house.served, b"GET /immich/api/server/ping HTTP/1.1", *lines)
    assert (status, body.decode()) == (400, '{"error":"exactly one valid Host header is needed"}')


def test_disabled_dialect_is_not_served(tmp_path: Path) -> None:
    """A dialect that is turned off is nowhere: neither below its prefix nor at the origin."""
    with mounted(tmp_path, dialects={"immich": {"enabled": False}}) as house:
        for path in ("/immich/api/server/ping", "/immich/docs", "/.well-known/immich"):
            assert (get(house, path).status_code, get(house, path).json()) == (404, NOT_HERE)


@pytest.mark.parametrize("host", [None, "10.1.2.3:8080", "evil.example"])
def test_health_is_told_to_whoever_asks(named: House, host: str | None) -> None:
    """Probes ask by address, so that health and readiness are told by any host name."""
    assert_says(get(named, "/healthz", host), 200, {"status": "ok"})
    assert_says(get(named, "/readyz", host), 200, {"status": "ready"})


def test_every_answer_has_the_server_s_headers(named: House) -> None:
    """Whoever answers: not to be stored, not to be sniffed, no referrer, and an id for the log."""
    asked = [
        ("/immich/api/server/ping", "id.example.org"),
        ("/nope", "id.example.org"),
        ("/", "evil.example"),
    ]
    for path, host in [*asked, ("/healthz", None), ("/immich/docs", "id.example.org")]:
        headers = get(named, path, host).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-request-id"]
        assert "strict-transport-security" not in headers
        assert "server" not in headers
