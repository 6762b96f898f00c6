"""The composition root: from settings to an ASGI application. The one place that knows everything.

`build` opens the database and puts the parts together; the `App` it makes finds out for each request whose
it is (by host name, then by path prefix) and hands it to that dialect.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from dragoman import check, documents, health, log, metrics, traffic
from dragoman.building import AT_ONCE, PAGES, make_core
from dragoman.check import Checking
from dragoman.core.work import Origin
from dragoman.courier import Courier
from dragoman.dialects import discover
from dragoman.doorkeeper import Door, Doorkeeper
from dragoman.envelope import Envelope
from dragoman.exchange import Exchange, carried, carrying, send_spoken, spoken_json
from dragoman.known import Known, Strangers
from dragoman.lanes import Lanes
from dragoman.metrics.page import PATH as METRICS
from dragoman.metrics.page import MetricsPage
from dragoman.network import address_bucket, client_address, host_name, is_secure, is_trusted
from dragoman.passing import NO_BODY
from dragoman.setup_window import SetupWindow
from dragoman.sweeper import Sweeper
from dragoman.switchboard import Mounted, Served, Switchboard
from dragoman.warming import Warming
from dragoman.web import is_ours, make_site, reset

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from dragoman.core.work import Core, Tools
    from dragoman.metrics.places import Alone, Place
    from dragoman.serving import Dialect
    from dragoman.settings import Settings
    from dragoman.tracing import Tracing
    from dragoman.web.site import Site


def make_tracing(settings: Settings, core: Core) -> Tracing | None:
    """What tells OpenTelemetry of requests and units of work, if it is to be told."""
    if settings.traces.endpoint is None:
        return None
    from dragoman.tracing import Tracing  # noqa: PLC0415 - packages that are an extra

    return Tracing(settings.traces.endpoint, settings.traces.share, settings.server.trusted_proxies, core)


def build(
    settings: Settings,
    tools: Tools | None = None,
    *,
    started: datetime | None = None,
    patience: timedelta = AT_ONCE,
    tallies: Path | None = None,
) -> App:
    """The application. `tools` are the real ones unless a test brings its own.

    `started` is when the server was; `tallies` the folder in which its processes tell each other what they count.
    """
    log.configure(settings.log.level, settings.log.format)
    core = make_core(settings, tools, patience=patience)
    return App(settings, core, discover(), started, metrics.placed(core, tallies))


class App:
    """The ASGI application of one process."""

    def __init__(
        self,
        settings: Settings,
        core: Core,
        dialects: Sequence[Dialect],
        started: datetime | None,
        place: Alone | Place,
    ) -> None:
        self.core = core
        self._settings = settings
        self._trusted = settings.server.trusted_proxies
        self._lanes = Lanes.of(settings, hashes=core.tools.hasher.at_once, tally=core.tally)
        self._window = SetupWindow.of(settings, started or core.tools.clock())
        self._sweeper = Sweeper(
            core, every=timedelta(seconds=settings.sweep.every_seconds), batch=settings.sweep.batch
        )
        self._courier = Courier(core)
        self._health = health.Health(core, self._lanes.plain)
        self._place = place
        self._tracing = make_tracing(settings, core)
        self._metrics = MetricsPage(settings.metrics, metrics.FIGURES, place)
        self._reset_page = reset.ResetPage(core, self._lanes)
        self._checking = Checking(
            core,
            Known(core.changes, core.tools.monotonic),
            Strangers(settings.check.unknown_per_second, core.tools.monotonic),
            self._lanes.checking,
            self._trusted,
            settings.check.original_uri or "",
        )
        self._board = Switchboard(settings, core, dialects, self._lanes, self._checking)
        self._doorkeeper = Doorkeeper(self._board, self._checking)
        self._warming = Warming([each.app.dialect.warm_up for each in self._board.mounted.by_path.values()])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            passed = None if self._health.leaving else self._doorkeeper.recognise(scope)
            if passed is None:
                await self._serve(scope, receive, send)
                return
            await send(passed)
            await send(NO_BODY)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._sweeper.start()
                self._courier.start()
                self._warming.start()
                self._place.start()
                self._board.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def leave(self) -> None:
        """Let whoever asks know that this process stops soon: by `/readyz`, and by keeping no connection."""
        self._health.leaving = True

    def close(self) -> None:
        """Finish what is under way, write what was seen, and let go of the database."""
        self._lanes.close()
        self._board.stop()
        self._warming.stop()
        self._courier.stop()
        self._sweeper.stop()
        self._place.stop()
        if self._tracing is not None:
            self._tracing.close()
        self.core.database.dispose()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        envelope = Envelope(scope)
        known_door = self._doorkeeper.find(scope)
        if known_door is not None:
            await self._check(envelope, known_door, send)
            return
        headers = envelope.headers
        request_id = log.request_id(headers.get("x-request-id"))
        secure = self._is_secure(envelope)
        always = carried(request_id, secure=secure, last=self._health.leaving)
        bare, send = send, carrying(send, always)
        if path in health.PATHS:
            await send_spoken(send, await self._health.answer(path))
            return
        host = host_name([value for name, value in scope["headers"] if name == b"host"])
        if path == METRICS:
            await send_spoken(send, await self._metrics.answer(envelope.peer, host, headers))
            return
        if host is None:
            await send_spoken(send, spoken_json(400, {"error": "exactly one valid Host header is needed"}))
            return
        mounted = self._board.mounted
        found = mounted.find(host, path) or self._asked_by_gateway(mounted, envelope, path)
        if found is None and is_ours(path) and mounted.is_ours(host):
            page = Exchange(
                scope,
                path=path,
                mount="",
                host=host,
                origin=self._origin(envelope, PAGES, request_id),
                secure=secure,
                read=envelope,
            )
            begun = time.perf_counter()
            spoken = await (self._reset_page if path == reset.PATH else self._site).answer(page, receive)
            await send_spoken(send, spoken)
            part = path.split("/")[1] or "home"
            traffic.count(self.core.tally, PAGES, part, spoken.status, time.perf_counter() - begun)
            return
        if found is None:
            status = 404 if mounted.is_ours(host) else 421
            reason = (
                "nothing is served here" if status == 404 else "this server does not answer to that host name"
            )
            await send_spoken(send, spoken_json(status, {"error": reason}))
            return
        mount, served = found
        name = served.app.dialect.name
        if path == f"{mount}{check.PATH}":
            door = self._doorkeeper.learn(scope, host, mount, served, mounted)
            await self._check(envelope, door, bare)
            return
        log.bind_request(request_id=request_id, dialect=name)
        exchange = Exchange(
            scope,
            path=path if mount and path in mounted.at_origin else path.removeprefix(mount) or "/",
            mount=mount,
            host=host,
            origin=self._origin(envelope, name, request_id),
            secure=secure,
            read=envelope,
        )
        exchange.setup_open = self._window.admits(headers, host, self.core.tools.clock())
        document = documents.find(served.app, exchange, self._settings.server.base_url)
        if document is not None:
            await send_spoken(send, document)
            return
        if self._tracing is None:
            await served.app(exchange, receive, send)
        else:
            await self._tracing.serve(served.app, exchange, receive, send)

    async def _check(self, envelope: Envelope, door: Door, send: Send) -> None:
        """Answer a gateway's question at a door."""
        request_id = log.request_id(envelope.headers.get("x-request-id"))
        secure = self._is_secure(envelope)
        name = door.served.app.dialect.name

        def opened() -> Exchange:
            log.bind_request(request_id=request_id, dialect=name)
            return Exchange(
                envelope.scope,
                path=check.PATH,
                mount=door.mount,
                host=door.host,
                origin=self._origin(envelope, name, request_id),
                secure=secure,
                read=envelope,
            )

        always = carried(request_id, secure=secure, last=self._health.leaving)
        await door.served.check(envelope, opened, send, always)

    @cached_property
    def _site(self) -> Site:
        return make_site(self.core, self._lanes, self._settings, lambda: self._board.mounted.products)

    def _asked_by_gateway(self, mounted: Mounted, envelope: Envelope, path: str) -> tuple[str, Served] | None:
        """Whose check one of our own proxies asks for: by an address that is only known in there, as often as not."""
        if not path.endswith(check.PATH) or not is_trusted(envelope.peer, self._trusted):
            return None
        mount = path.removesuffix(check.PATH)
        return (mount, mounted.by_path[mount]) if mount in mounted.by_path else None

    def _origin(self, envelope: Envelope, dialect: str, request_id: str) -> Origin:
        forwarded_for = envelope.headers.getlist("x-forwarded-for")
        address = client_address(envelope.peer, forwarded_for, self._trusted)
        return Origin(
            dialect=dialect,
            address=address,
            network=address_bucket(address),
            agent=envelope.headers.get("user-agent", ""),
            request_id=request_id,
        )

    def _is_secure(self, envelope: Envelope) -> bool:
        scheme = envelope.scope.get("scheme", "http")
        forwarded_proto = envelope.headers.getlist("x-forwarded-proto")
        return is_secure(scheme, envelope.peer, forwarded_proto, self._trusted)
