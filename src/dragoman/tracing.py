"""OpenTelemetry: a span for each request to a dialect, and in it one for each unit of work.

Needs `dragoman[otel]`, which is imported where `traces.endpoint` is set. What a span says is what the log says,
and less: the dialect, the operation, the status, the request's id; no path, no address, no name, no exception's text.
Whose trace a request belongs to is believed of trusted proxies alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dragoman import __version__
from dragoman.network import is_trusted

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

    from dragoman.core.work import Core
    from dragoman.exchange import Exchange
    from dragoman.network import Network
    from dragoman.serving import DialectApp

# Others are any text that a client likes to send.
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Tracing:
    """Makes spans, and has them sent in batches by a thread of its own, from the first one on."""

    def __init__(self, endpoint: str, share: float, trusted: Sequence[Network], core: Core) -> None:
        resource = Resource.create({"service.name": "dragoman", "service.version": __version__})
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)), resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
        self._tracer = self._provider.get_tracer("dragoman", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._trusted = trusted
        core.around_unit = self.unit

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()

    async def serve(self, served: DialectApp, exchange: Exchange, receive: Receive, send: Send) -> None:
        """Have a request answered, in a span of its own."""
        dialect, method = exchange.origin.dialect, exchange.method
        with self._tracer.start_as_current_span(
            dialect, self._parent(exchange), SpanKind.SERVER, record_exception=False
        ) as span:

            async def sent(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _answered(span, message["status"])
                await send(message)

            await served(exchange, receive, sent)
            operation = exchange.operation
            span.update_name(f"{dialect} {operation.name if operation else 'none'}")
            span.set_attributes(
                {
                    "http.request.method": method if method in METHODS else "_OTHER",
                    "dragoman.dialect": dialect,
                    "dragoman.operation": operation.name if operation else "none",
                    "dragoman.request_id": exchange.request_id,
                }
            )

    @contextmanager
    def unit(self, kind: str, database: str) -> Iterator[None]:
        """A span around a unit of work: a "read" or "write", with what it waited for before it began."""
        with self._tracer.start_as_current_span(
            f"unit {kind}",
            attributes={"dragoman.unit": kind, "db.system.name": database},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise

    def _parent(self, exchange: Exchange) -> Context:
        """The span that a proxy says a request belongs to (W3C Trace Context); of others nobody's."""
        client = exchange.scope.get("client")
        believed = client is not None and is_trusted(client[0], self._trusted)
        return self._propagator.extract(exchange.headers, Context()) if believed else Context()


def _answered(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
