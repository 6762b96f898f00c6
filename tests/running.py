"""A real server on a real socket, in a thread of the test's own process, so that its clock can be set."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import uvicorn
from tests.fakes import FakeClock

from dragoman import app, building, settings
from dragoman.app import App
from dragoman.core.passwords import Hasher
from dragoman.core.work import Core, Tools


@dataclass(frozen=True)
class Running:
    """A server at `url`, its application, and the clock it goes by."""

    url: str
    app: App
    clock: FakeClock

    @property
    def core(self) -> Core:
        """The served application's core."""
        return self.app.core

    @property
    def immich(self) -> str:
        """Immich's base URL there."""
        return f"{self.url}/immich/api"


def configured(url: str, **overrides: Any) -> settings.Settings:
    """Settings for a database, with set-up open to every caller unless told otherwise."""
    told = {"database": {"url": url}, "setup": {"open": "always"}, "log": {"level": "warning"}, **overrides}
    return settings.load(None, {}, overrides=told, dialect_models=building.dialect_models())


@contextmanager
def running(configuration: settings.Settings, hasher: Hasher, clock: FakeClock) -> Iterator[Running]:
    """Serve until the body is done."""
    built = app.build(
        configuration,
        Tools(
            hasher,
            clock=clock,
            monotonic=clock.monotonic,
            web=building.make_web(configuration),
            mailer=building.make_mailer(configuration),
        ),
    )
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        built,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="on",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.005)
    try:
        yield Running(f"http://127.0.0.1:{listening.getsockname()[1]}", built, clock)
    finally:
        server.should_exit = True
        thread.join(timeout=15)
        listening.close()


def ask(running_server: Running, method: str, path: str, **named: Any) -> httpx2.Response:
    """One request below Immich's base, without a cookie jar: only what is given is sent."""
    with httpx2.Client(timeout=30, trust_env=False) as client:
        return client.request(method, f"{running_server.immich}{path}", **named)
