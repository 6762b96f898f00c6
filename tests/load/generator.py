"""HTTP load from a process of its own: so many connections, for so long, so often; then a tally.

It speaks just enough HTTP/1.1 to cost little beside the server: prepared requests over connections that are
kept, and of an answer it reads the status, the length and Retry-After; the body only where a token in it is to
be shown next. It ends by itself.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, cast

LONGEST_WAIT = 1.0  # seconds an honest client waits at most when told to retry later
RECONNECT_AFTER = 0.05
TOKEN = "@token@"  # what stands for the token in a request
LAST_ANSWERS = 5.0  # seconds within which the answers that are owed at the end must come


@dataclass(frozen=True)
class Load:
    """What to do. `requests` are whole HTTP messages, taken in turn, each connection beginning at its own.

    The first `warm` seconds are not counted, the next `seconds` are; then every answer that is still owed is
    waited for. `every`: seconds from one request of a connection to its next, 0 for at once. `honest` clients
    heed Retry-After, up to a second. `tokens`, all of one length, are for requests that say `TOKEN`, the first of
    each connection; `next_token` is a regular expression whose group finds the next one in an answer.
    """

    port: int
    requests: Sequence[str]
    connections: int
    seconds: float
    warm: float = 0.3
    every: float = 0.0
    honest: bool = True
    tokens: Sequence[str] = ()
    next_token: str = ""


@dataclass
class Tally:
    """What came of it. `statuses` are of the answers that came in the counted time.

    The percentiles, in milliseconds, are of what was asked or answered in that time and succeeded; what is
    never answered counts for as long as it was waited for.
    `answers` is every answer since the beginning, `lost` the connections that broke, `cpu` the seconds of
    processor time that the generator itself took.
    """

    seconds: float
    statuses: dict[str, int]
    answers: int
    lost: int
    cpu: float
    p50: float
    p95: float
    p99: float
    worst: float

    @property
    def good(self) -> int:
        """How many succeeded."""
        return sum(count for status, count in self.statuses.items() if status.startswith("2"))

    @property
    def refused(self) -> int:
        """How many were told to come later."""
        return self.statuses.get("503", 0)

    @property
    def per_second(self) -> float:
        """Successes per second."""
        return self.good / self.seconds


@dataclass
class Running:
    """A generator under way."""

    process: subprocess.Popen[str]
    patience: float

    def tally(self) -> Tally:
        """Its tally, when it has ended. `RuntimeError` if it failed, `TimeoutExpired` if it hangs."""
        out, err = self.process.communicate(timeout=self.patience)
        if self.process.returncode:
            raise RuntimeError(f"the load generator failed: {err.strip()}")
        return Tally(**json.loads(out))


@contextmanager
def started(load: Load) -> Iterator[Running]:
    """A generator that runs while the body does; it does not outlive it."""
    with tempfile.TemporaryFile("w+") as told:
        json.dump(asdict(load), told)
        told.seek(0)
        # -I: apart from the developer's environment. All it imports is the standard library and uvloop.
        process = subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    with process:
        try:
            yield Running(process, patience=load.warm + load.seconds + 20)
        finally:
            process.kill()


def run(load: Load) -> Tally:
    """Start one, and wait for its tally."""
    with started(load) as running:
        return running.tally()


@dataclass
class _Book:
    """What is noted while it runs."""

    counting: bool = False
    answers: int = 0
    lost: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)

    def note(self, status: int) -> None:
        self.answers += 1
        if self.counting:
            self.statuses[status] += 1


class _Connection(asyncio.Protocol):
    """One client: asks, reads the answer, waits for its time, asks again."""

    def __init__(self, load: Load, requests: Sequence[bytes], number: int, book: _Book) -> None:
        self._load, self._requests, self._turn, self._book = load, requests, number, book
        self._loop = asyncio.get_running_loop()
        self._due = time.monotonic() + load.every * number / load.connections
        self._begun = 0.0
        self._counts = False
        self._seen = b""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._over = False
        self._token = load.tokens[number % len(load.tokens)].encode() if load.tokens else b""
        self._next_token = re.compile(load.next_token.encode())
        self.waits = False

    async def connect(self) -> None:
        await self._loop.create_connection(lambda: self, "127.0.0.1", self._load.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are, in all but name
        self._at(self._due, self._ask)

    def connection_lost(self, exc: Exception | None) -> None:
        self.waits, self._seen = False, b""
        if not self._over:
            self._book.lost += 1
            self._at(time.monotonic() + RECONNECT_AFTER, self._reconnect)

    def ask_no_more(self) -> None:
        self._over = True

    def close(self) -> None:
        if self.waits:
            self._book.took.append(time.monotonic() - self._begun)  # at least
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head = self._seen.find(b"\r\n\r\n")
        if head < 0:
            return
        names = self._seen[:head].lower()
        if b"\r\ntransfer-encoding: chunked" in names:
            if not self._seen.endswith(b"\r\n0\r\n\r\n"):
                return
        elif len(self._seen) < head + 4 + _number(names, b"content-length", 0):
            return
        if self._token and (found := self._next_token.search(self._seen, head)):
            self._token = found[1]
        self.waits, self._seen = False, b""
        now = time.monotonic()
        status = int(names[9:12])
        self._book.note(status)
        if (self._counts or self._book.counting) and status < 400:
            self._book.took.append(now - self._begun)
        self._next(now, min(LONGEST_WAIT, _number(names, b"retry-after", 1)) if status in {429, 503} else 0.0)

    def _next(self, now: float, told: float) -> None:
        self._due += self._load.every
        if told and self._load.honest:
            self._due = now + told
        if self._load.every and now > self._due:
            self._ask(since=self._due)  # late because the last answer was: its caller would have waited
        else:
            self._at(self._due, self._ask)

    def _ask(self, since: float | None = None) -> None:
        if self._over or self._transport is None or self._transport.is_closing():
            return
        self.waits, self._counts = True, self._book.counting
        self._begun = time.monotonic() if since is None else since
        request = self._requests[self._turn % len(self._requests)]
        self._transport.write(request.replace(TOKEN.encode(), self._token) if self._token else request)
        self._turn += self._load.connections

    def _at(self, moment: float, do: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # By the real clock: uvloop's own tells milliseconds only.
        wait = moment - time.monotonic()
        if wait <= 0:
            do()
        else:
            self._timer = self._loop.call_later(wait, do)

    def _reconnect(self) -> None:
        if not self._over:
            self._connecting = self._loop.create_task(self.connect())


def _number(head: bytes, name: bytes, default: int) -> int:
    at = head.find(b"\r\n" + name + b":")
    if at < 0:
        return default
    text = head[at + len(name) + 3 :].split(b"\r\n", 1)[0].strip()
    return int(text) if text.isdigit() else default


async def _work(load: Load) -> Tally:
    book = _Book()
    requests = [request.encode("latin-1") for request in load.requests]
    connections = [_Connection(load, requests, number, book) for number in range(load.connections)]
    for connection in connections:
        await connection.connect()
    await asyncio.sleep(load.warm)
    begun, book.counting = time.perf_counter(), True
    await asyncio.sleep(load.seconds)
    book.counting, seconds = False, time.perf_counter() - begun
    for connection in connections:
        connection.ask_no_more()
    latest = time.perf_counter() + LAST_ANSWERS
    for connection in connections:
        while connection.waits and time.perf_counter() < latest:  # noqa: ASYNC110 - an event for each costs more
            await asyncio.sleep(0.005)
    for connection in connections:
        connection.close()
    await asyncio.sleep(0)
    took = sorted(book.took)
    return Tally(
        seconds=seconds,
        statuses={str(status): count for status, count in sorted(book.statuses.items())},
        answers=book.answers,
        lost=book.lost,
        cpu=time.process_time(),
        p50=_percentile(took, 0.50),
        p95=_percentile(took, 0.95),
        p99=_percentile(took, 0.99),
        worst=_percentile(took, 1.0),
    )


def _percentile(took: Sequence[float], share: float) -> float:
    """Milliseconds within which that share of the sorted `took` lies (nearest rank); 0 without any."""
    if not took:
        return 0.0
    return took[max(0, math.ceil(share * len(took)) - 1)] * 1000


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # no uvloop for this system
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def main() -> None:
    """Read a `Load` as JSON, print its `Tally` as JSON."""
    told: dict[str, Any] = json.loads(sys.stdin.read())
    gc.disable()  # it lives for seconds
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        print(json.dumps(asdict(runner.run(_work(Load(**told))))))


if __name__ == "__main__":
    main()
