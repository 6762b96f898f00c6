"""`GET <mount>/check`: is this credential good, and whose is it? For gateways, which ask before each request.

Answered from memory where that was read within the last second (known.py), else by one statement
(readings.py): with 204 and the identity in headers, or with the dialect's own no. Decision 37 says why a
revocation holds at once here and within a second everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dragoman.core.errors import NotSignedIn, Refusal, Throttled
from dragoman.core.tally import Figure
from dragoman.envelope import NO_QUERY, Envelope, Query
from dragoman.exchange import carrying
from dragoman.log import get_logger
from dragoman.network import address_bucket, client_address, is_trusted
from dragoman.passing import NO_BODY, start_of_pass
from dragoman.readings import Readings

if TYPE_CHECKING:
    from starlette.types import Send

    from dragoman.core.principals import Presented
    from dragoman.core.work import Core
    from dragoman.exchange import Exchange, Header, Spoken
    from dragoman.known import Identity, Key, Known, Strangers
    from dragoman.lanes import Lane
    from dragoman.network import Network
    from dragoman.serving import DialectApp

log = get_logger("dragoman.check")
CHECKS = Figure(
    "checks",
    "counter",
    "What gateways asked: whose credential was known, or read, or refused",
    ("dialect", "found"),
)

PATH = "/check"
METHODS = ("GET", "HEAD")
ABSENT = b"\r"  # which, like a line feed, no header has in it (RFC 9110 §5.5)


@dataclass(frozen=True)
class Checking:
    """What the checks of all dialects share. `original_uri` is the header, or "", by which `trusted` peers say
    what was asked of them."""

    core: Core
    known: Known
    strangers: Strangers
    lane: Lane
    trusted: Sequence[Network]
    original_uri: str

    def original_query(self, envelope: Envelope) -> Query:
        """The query of what was asked of the gateway: of the one header, from a peer of ours. It is never logged."""
        if self.original_uri not in envelope.headers or not is_trusted(envelope.peer, self.trusted):
            return NO_QUERY
        uris = envelope.headers.getlist(self.original_uri)
        query = uris[0].partition("#")[0].partition("?")[2] if len(uris) == 1 else ""
        return Query(query) if query else NO_QUERY

    def network_of(self, envelope: Envelope) -> str:
        """Who is held up together with whoever asks."""
        forwarded_for = envelope.headers.getlist("x-forwarded-for")
        return address_bucket(client_address(envelope.peer, forwarded_for, self.trusted))


class Check:
    """The check of one dialect. A limited credential passes by the `permission`, where there is one."""

    def __init__(self, served: DialectApp, checking: Checking, permission: str | None) -> None:
        self._served = served
        self._dialect = served.dialect
        self._checking = checking
        self._known = checking.known
        self._readings = Readings(served, checking, permission)
        self._looked_at = tuple(name.encode() for name in self._dialect.credential_headers)
        self._tally = checking.core.tally
        self._passed_known = self._tally.number(CHECKS, self._dialect.name, "known")

    def recognise(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Whose credential is held up by headers that held it up before, if it is known to be good."""
        identity = self._known.recognise(self._look_of(headers))
        if identity is not None:
            self._passed_known[0] += 1
        return identity

    async def __call__(
        self, envelope: Envelope, opened: Callable[[], Exchange], send: Send, always: Sequence[Header]
    ) -> None:
        """Answer. `opened` makes of the envelope what a no is said to, for which there is seldom need."""
        begun = time.perf_counter()
        envelope.release = self._served.release
        envelope.query = self._checking.original_query(envelope)
        try:
            told = await self._ask(envelope)
        except Exception:
            exchange = opened()
            log.exception("crashed", method=exchange.method, path=PATH)
            spoken = self._dialect.errors.crashed(exchange)
        else:
            if not isinstance(told, Refusal):
                await send(start_of_pass(told, always))
                await send(NO_BODY)
                return
            exchange = opened()
            spoken = self._no(exchange, told)
        self._tally.count(CHECKS, self._dialect.name, "refused")
        await self._served.say(carrying(send, always), exchange, spoken, begun)

    async def _ask(self, envelope: Envelope) -> Identity | Refusal:
        """Whose credential a request holds up, or why that is not told."""
        refusal: Refusal = NotSignedIn()
        if envelope.scope["method"] not in METHODS:
            return refusal
        try:
            presented = shown = self._dialect.present(envelope)
            while presented is not None:
                key = self._known.key(self._dialect.name, presented.kind, presented.secret)
                told = self._known.find(key)
                if told is None:
                    told = await self._read(envelope, presented, key)
                elif not isinstance(told, Refusal):
                    self._passed_known[0] += 1
                    if presented is shown:
                        self._remember(envelope, key)
                if not isinstance(told, Refusal):
                    return told
                refusal, presented = told, presented.instead
        except Refusal as refused:
            return refused
        return refusal

    async def _read(self, envelope: Envelope, presented: Presented, key: Key) -> Identity | Refusal:
        """What is not known, is read."""
        network = self._checking.network_of(envelope)
        # Only strangers wait: who was good a moment ago is no flood, whoever else comes from that address.
        if not self._known.was_good(key):
            self._checking.strangers.require_patience(network)
        told = await self._readings.read(presented, key, network)
        if not isinstance(told, Refusal):
            self._tally.count(CHECKS, self._dialect.name, "read")
        return told

    def _no(self, exchange: Exchange, refusal: Refusal) -> Spoken:
        exchange.release = self._served.release
        if exchange.method not in METHODS:
            return self._dialect.errors.wrong_method(exchange, METHODS)
        spoken = self._served.refused(exchange, refusal)
        # Whatever the product's own limiter says: here it must not be taken for a no.
        return replace(spoken, status=429) if isinstance(refusal, Throttled) else spoken

    def _remember(self, envelope: Envelope, key: Key) -> None:
        """Recognise these headers from now on, unless more than they say whose the credential is."""
        listed = envelope.scope["headers"]
        headers = dict(listed)
        if self._looked_at and envelope.query is NO_QUERY and len(headers) == len(listed):
            self._known.remember(self._look_of(headers), key)

    def _look_of(self, headers: Mapping[bytes, bytes]) -> Key:
        """What stands for the values of all headers that may hold up a credential, also of those that are absent."""
        values = [headers.get(name, ABSENT) for name in self._looked_at]
        return self._known.key_of(self._dialect.name, "headers", b"\n".join(values))
