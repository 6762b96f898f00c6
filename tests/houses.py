"""A running server as a dialect's tests visit it: over kept connections that send only what they are given."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar

import httpx2
from tests.conftest import MASTER_KEY
from tests.fakes import FakeClock
from tests.running import Running

from dragoman.core.work import Core

# Tests that share a server share its address, so that only guesses at one account are slowed down there.
ROOMY = {"throttle": {"address_free_attempts": 1_000_000}, "master_key": MASTER_KEY}


class Visited:
    """A running server and kept connections to it, without a cookie jar. Threads may share it."""

    def __init__(self, served: Running, line: httpx2.Client) -> None:
        self.served = served
        self._line = line
        self._names = itertools.count(1)

    @property
    def core(self) -> Core:
        """The server's core, to arrange what no request can."""
        return self.served.core

    @property
    def clock(self) -> FakeClock:
        """What the server takes for the time."""
        return self.served.clock


House = TypeVar("House", bound=Visited)


def connected() -> httpx2.Client:
    """A connection that keeps no cookies: only what is given is sent."""
    jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx2.Client(timeout=30, trust_env=False, cookies=jar)


@contextmanager
def visiting_as(kind: type[House], served: Running) -> Iterator[House]:
    """A running server as a dialect's own kind of house, its connections closed afterwards."""
    with connected() as line:
        yield kind(served, line)
