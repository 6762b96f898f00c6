"""`GET <mount>/check`: is this credential good, and whose is it? For gateways, which ask before each request.

Answered from memory where that was read within the last second (known.py), else by one statement
(core/passes.py): with 204 and the identity in headers, or with the dialect's own no. Decision 37 says why a
revocation holds at once here and within a second everywhere.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.datastructures import QueryParams

from dragoman.core import passes
from dragoman.core.api_keys import ALL
from dragoman.core.changes import BELIEVED
from dragoman.core.errors import (
    CredentialRefused,
    NotSignedIn,
    PermissionMissing,
    Refusal,
    Throttled,
    Unavailable,
)
from dragoman.core.tally import Figure
from dragoman.envelope import NO_QUERY, Envelope
from dragoman.exchange import Spoken
from dragoman.known import Answer
from dragoman.log import get_logger
from dragoman.network import is_trusted

if TYPE_CHECKING:
    from starlette.types import Send

    from dragoman.core.passes import Pass
    from dragoman.core.principals import Presented
    from dragoman.core.work import Core, Origin, UnitOfWork
    from dragoman.exchange import Exchange
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
PATIENCE = timedelta(milliseconds=250)
PLAIN = re.compile(r"[A-Za-z0-9_.~@+-]*")
MOST_BYTES = 4096  # of all that is told of an identity, names included

# All are always sent, empty ones too, so that none of a client's own shows through a gateway that copies them.
NAMES = tuple(
    f"x-dragoman-{name}".encode()
    for name in ("account", "number", "admin", "actor", "name", "email", "groups")
)


@dataclass(frozen=True)
class Reading:
    """One read of a credential that is under way in a thread, and the epoch in which it began."""

    epoch: int
    answer: asyncio.Task[Answer]


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

    def original_query(self, envelope: Envelope) -> QueryParams:
        """The query of what was asked of the gateway: of the one header, from a peer of ours. It is never logged."""
        if self.original_uri not in envelope.headers or not is_trusted(envelope.peer, self.trusted):
            return NO_QUERY
        uris = envelope.headers.getlist(self.original_uri)
        return QueryParams(uris[0].partition("#")[0].partition("?")[2]) if len(uris) == 1 else NO_QUERY


class Check:
    """The check of one dialect. A limited credential passes by the `permission`, where there is one."""

    def __init__(self, served: DialectApp, checking: Checking, permission: str | None) -> None:
        self._served = served
        self._dialect = served.dialect
        self._core = checking.core
        self._known = checking.known
        self._checking = checking
        self._permission = permission
        self._under_way: dict[Key, Reading] = {}

    def known_identity(self, envelope: Envelope) -> Identity | None:
        """Whose credential a request holds up, if it is known to be good; None: that has to be found out."""
        envelope.release = self._served.release
        envelope.query = self._checking.original_query(envelope)
        if envelope.scope["method"] not in METHODS:
            return None
        try:
            presented = self._dialect.present(envelope)
        except Refusal:
            return None
        while presented is not None:
            told = self._known.find(self._key(presented))
            if told is None:
                return None
            if not isinstance(told, Refusal):
                self._core.tally.count(CHECKS, self._dialect.name, "known")
                return told
            presented = presented.instead
        return None

    async def __call__(self, exchange: Exchange, send: Send) -> None:
        """Answer what is not known, or not known to be good."""
        begun = time.perf_counter()
        exchange.release = self._served.release
        exchange.query = self._checking.original_query(exchange)
        try:
            found = await self._ask(exchange)
        except Exception:
            log.exception("crashed", method=exchange.method, path=PATH)
            found = self._dialect.errors.crashed(exchange)
        is_refused = isinstance(found, Spoken)
        self._core.tally.count(CHECKS, self._dialect.name, "refused" if is_refused else "read")
        if isinstance(found, Spoken):
            await self._served.say(send, exchange, found, begun)
        else:
            await send_pass(send, found)

    async def _ask(self, exchange: Exchange) -> Identity | Spoken:
        """Whose credential a request holds up, or the dialect's no."""
        if exchange.method not in METHODS:
            return self._dialect.errors.wrong_method(exchange, METHODS)
        refusal: Refusal = NotSignedIn()
        try:
            presented = self._dialect.present(exchange)
            while presented is not None:
                told = await self._find(exchange.origin, presented)
                if not isinstance(told, Refusal):
                    return told
                refusal, presented = told, presented.instead
        except Refusal as refused:
            refusal = refused
        spoken = self._served.refused(exchange, refusal)
        # Whatever the product's own limiter says: here it must not be taken for a no.
        return replace(spoken, status=429) if isinstance(refusal, Throttled) else spoken

    def _key(self, presented: Presented) -> Key:
        return self._known.key(self._dialect.name, presented.kind, presented.secret)

    async def _find(self, origin: Origin, presented: Presented) -> Identity | Refusal:
        key = self._key(presented)
        told = self._known.find(key)
        if told is not None:
            return told
        # Only strangers wait: who was good a moment ago is no flood, whoever else comes from that address.
        if not self._known.was_good(key):
            self._checking.strangers.require_patience(origin.network)
        # A signature takes its time to verify, and everybody else would wait for it here.
        if self._core.database.is_sqlite and presented.kind != "signed":
            try:
                return self._glance(origin, presented, key).told
            except Unavailable:
                pass  # somebody is in the way: a thread can wait until they are not
        return (await self._in_thread(origin, presented, key)).told

    def _glance(self, origin: Origin, presented: Presented, key: Key) -> Answer:
        epoch, begun = self._core.changes.epoch, self._core.tools.monotonic()
        with self._core.glance(origin) as uow:
            answer = self._judged(uow, presented, epoch, begun)
        return self._kept(origin, key, answer)

    async def _in_thread(self, origin: Origin, presented: Presented, key: Key) -> Answer:
        """One read of a credential at a time; whoever asks for it meanwhile waits for the same."""
        epoch = self._core.changes.epoch
        reading = self._under_way.get(key)
        if reading is None or reading.epoch != epoch:
            reading = Reading(epoch, asyncio.create_task(self._read(origin, presented, key, epoch)))
            self._under_way[key] = reading
            reading.answer.add_done_callback(lambda _: self._is_done(key, reading))
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                return await asyncio.shield(reading.answer)
        except TimeoutError:
            raise Unavailable(
                retry_after=timedelta(seconds=1), why="the database does not answer in time"
            ) from None

    def _is_done(self, key: Key, reading: Reading) -> None:
        if self._under_way.get(key) is reading:
            del self._under_way[key]
        if not reading.answer.cancelled():
            reading.answer.exception()  # looked at, also when nobody waits any more

    async def _read(self, origin: Origin, presented: Presented, key: Key, epoch: int) -> Answer:
        def read() -> Answer:
            begun = self._core.tools.monotonic()
            with self._waiting(origin) as uow:
                return self._judged(uow, presented, epoch, begun)

        return self._kept(origin, key, await self._checking.lane.run(read))

    def _waiting(self, origin: Origin) -> AbstractContextManager[UnitOfWork]:
        """What reads in a thread."""
        is_sqlite = self._core.database.is_sqlite
        return self._core.begin(origin, writes=False) if is_sqlite else self._core.glance(origin)

    def _kept(self, origin: Origin, key: Key, answer: Answer) -> Answer:
        self._known.keep(key, answer)
        if isinstance(answer.told, CredentialRefused):
            self._checking.strangers.note(origin.network)
        return answer

    def _judged(self, uow: UnitOfWork, presented: Presented, epoch: int, begun: float) -> Answer:
        """What is to be known of a credential, from a read that began then."""
        try:
            found = passes.look_up(uow, self._served.named(uow, presented))
            self._require_within(found)
        except (CredentialRefused, PermissionMissing) as refusal:
            return Answer(epoch, begun + BELIEVED, refusal.with_traceback(None))
        left = BELIEVED if found.ends_at is None else (found.ends_at - uow.now).total_seconds()
        return Answer(
            epoch,
            begun + min(BELIEVED, left),
            identity_of(found),
            found.holder.number,
            0 if found.actor is None else found.actor.number,
        )

    def _require_within(self, found: Pass) -> None:
        """Refuses `PermissionMissing` to a credential that may do less than its holder, unless it may do this."""
        if found.limits is None:
            return
        # A key that is older than the choice of the release has other names for some of its permissions.
        if self._permission not in {*found.limits, *self._served.release.spoken(found.limits)}:
            raise PermissionMissing(self._permission or ALL)


async def send_pass(send: Send, identity: Identity, always: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Let a request pass, and say whose it is."""
    headers = [*zip(NAMES, identity.split(b"\n"), strict=True), *always]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def identity_of(found: Pass) -> Identity:
    """The values of `NAMES`, a line each. What would make it too long is left empty: half a name is another's."""
    holder, actor = found.holder, found.actor
    values = [
        str(holder.id).encode(),
        str(holder.number).encode(),
        b"true" if holder.is_admin else b"false",
        b"" if actor is None else str(actor.id).encode(),
    ]
    left = MOST_BYTES - sum(map(len, (*NAMES, *values)))
    for told in (
        encoded(holder.username),
        encoded(holder.email or ""),
        b",".join(map(encoded, holder.groups)),
    ):
        values.append(told if len(told) <= left else b"")
        left -= len(values[-1])
    return b"\n".join(values)


def encoded(text: str) -> bytes:
    """Percent-encoded UTF-8 (RFC 3986 §2.1), but for what e-mail addresses are made of."""
    return (text if PLAIN.fullmatch(text) else quote(text, safe="@+")).encode()
