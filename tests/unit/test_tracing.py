"""What OpenTelemetry is told: by its own exporter, to a collector that keeps what it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.fakes import PASSWORD, FakeClock
from tests.people import ALICE, somebody
from tests.running import Running, configured, running

from dragoman.core.passwords import Hasher
from dragoman.settings import SettingsError

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
ServerOf = Callable[..., Any]


class Collector(ThreadingHTTPServer):
    """Takes spans by OTLP, and keeps them."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def endpoint(self) -> str:
        """Where it takes them."""
        return f"http://127.0.0.1:{self.server_port}/v1/traces"

    @property
    def spans(self) -> Mapping[str, list[Span]]:
        """What it was sent, by the spans' names."""
        found: dict[str, list[Span]] = {}
        for body in self.said:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        found.setdefault(span.name, []).append(span)
        return found


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Keep the body."""
        collector = self.server
        assert isinstance(collector, Collector)
        collector.said.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that runs."""
    with Collector() as made:
        thread = Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def traced(collector: Collector, sqlite_url: str, hasher: Hasher, clock: FakeClock) -> ServerOf:
    """A server that tells the collector of every request; at its end all has been told."""

    @contextmanager
    def serve(**told: Any) -> Iterator[Running]:
        settings = configured(sqlite_url, **{"traces": {"endpoint": collector.endpoint}, **told})
        with running(settings, hasher, clock) as server:
            somebody(server.core, ALICE)
            yield server

    return serve


def attributes(span: Span) -> Mapping[str, Any]:
    """What a span says."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def sign_in(server: Running, **headers: str) -> httpx2.Response:
    """A sign-in at Immich."""
    body = {"email": ALICE, "password": PASSWORD}
    url = f"{server.immich}/auth/login"
    return httpx2.post(url, json=body, headers=headers, trust_env=False)


def test_a_request_is_a_span_and_so_is_each_of_its_units(collector: Collector, traced: ServerOf) -> None:
    """A span says dialect, operation, method, status and request id; the units of work are spans in it."""
    with traced() as server:
        assert sign_in(server, **{"X-Request-ID": "of-mine"}).status_code == 201
    [span] = collector.spans["immich login"]
    assert attributes(span) == {
        "dragoman.dialect": "immich",
        "dragoman.operation": "login",
        "dragoman.request_id": "of-mine",
        "http.request.method": "POST",
        "http.response.status_code": 201,
    }
    units = [unit for unit in collector.spans["unit write"] if unit.trace_id == span.trace_id]
    assert [unit.parent_span_id for unit in units] == [span.span_id] * 2
    assert attributes(units[0]) == {"dragoman.unit": "write", "db.system.name": "sqlite"}
    assert span.start_time_unix_nano < units[0].start_time_unix_nano < span.end_time_unix_nano


def test_what_fails_and_what_leads_nowhere_is_told_too(collector: Collector, traced: ServerOf) -> None:
    """An answer of 5xx is an error; a path without an operation, by whatever method, is a span like all such."""
    with traced() as server:
        httpx2.request("PROPFIND", f"{server.immich}/nowhere", trust_env=False)
        server.core.database.dispose()
        server.core.database.file.rename(server.core.database.file.with_suffix(".away"))
        server.core.database.file.mkdir()
        assert httpx2.get(f"{server.immich}/users/me?apiKey=some", trust_env=False).status_code >= 500
    [nowhere] = collector.spans["immich none"]
    assert attributes(nowhere)["http.request.method"] == "_OTHER"
    [failed] = collector.spans["immich get_my_user"]
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert "error.type" in attributes(collector.spans["unit read"][-1])


@pytest.mark.parametrize("trusted", [[], ["127.0.0.0/8"]], ids=["a stranger", "a proxy"])
def test_a_trace_is_continued_for_trusted_proxies_alone(
    collector: Collector, traced: ServerOf, trusted: list[str]
) -> None:
    """A `traceparent` of one of our proxies is believed, anybody else's begins no trace of ours."""
    with traced(server={"trusted_proxies": trusted}) as server:
        sign_in(server, traceparent=TRACEPARENT)
    [span] = collector.spans["immich login"]
    assert (span.trace_id.hex() == TRACE, span.parent_span_id.hex() == PARENT) == (bool(trusted),) * 2


def test_no_secret_is_in_a_span(collector: Collector, traced: ServerOf) -> None:
    """Whatever a request holds, and whatever goes wrong with it, is not told: neither names nor secrets."""
    with traced() as server:
        token = sign_in(server).json()["accessToken"]
        httpx2.get(f"{server.immich}/users/me?apiKey=a-secret-key", trust_env=False)
        httpx2.get(f"{server.url}/elements/auth/fast-lane/a-secret-token", trust_env=False)
        httpx2.get(
            f"{server.immich}/a-secret-path", headers={"User-Agent": "a-secret-agent"}, trust_env=False
        )
    told = b"".join(collector.said)
    assert b"get_my_user" in told
    assert [
        each for each in (b"a-secret", PASSWORD.encode(), token.encode(), ALICE.encode()) if each in told
    ] == []


def test_a_share_of_requests_may_be_traced(collector: Collector, traced: ServerOf) -> None:
    """With a share of nothing, nothing is told but what a trusted proxy has decided to trace."""
    own = {"endpoint": collector.endpoint, "share": 0}
    with traced(traces=own, server={"trusted_proxies": ["127.0.0.0/8"]}) as server:
        sign_in(server)
        sign_in(server, traceparent=TRACEPARENT)
    assert [span.trace_id.hex() for span in collector.spans["immich login"]] == [TRACE]


def test_without_its_packages_the_start_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """To set an endpoint where the extra is not installed, or what is no URL, stops the start and says why."""
    url = f"sqlite:///{tmp_path}/d.db"
    with pytest.raises(SettingsError, match="must be an http or https URL"):
        configured(url, traces={"endpoint": "collector:4318"})
    monkeypatch.setattr("dragoman.settings.values.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'dragoman\[otel\]'"):
        configured(url, traces={"endpoint": "http://127.0.0.1:4318/v1/traces"})
