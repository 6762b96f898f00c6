"""What is not known of a credential, is read: at once where that waits for nobody, else in a thread."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.core import passes
from dragoman.core.api_keys import ALL
from dragoman.core.changes import BELIEVED
from dragoman.core.errors import CredentialRefused, PermissionMissing, Unavailable
from dragoman.core.work import Origin
from dragoman.known import Answer
from dragoman.passing import identity_of

if TYPE_CHECKING:
    from dragoman.check import Checking
    from dragoman.core.errors import Refusal
    from dragoman.core.passes import Pass
    from dragoman.core.principals import Presented
    from dragoman.core.work import UnitOfWork
    from dragoman.known import Identity, Key
    from dragoman.serving import DialectApp

PATIENCE = timedelta(milliseconds=250)


@dataclass(frozen=True)
class Reading:
    """One read of a credential that is under way in a thread, and the epoch in which it began."""

    epoch: int
    answer: asyncio.Task[Answer]


class Readings:
    """Reads the credentials of one dialect, and keeps what it finds. A limited one is good for the `permission`."""

    def __init__(self, served: DialectApp, checking: Checking, permission: str | None) -> None:
        self._served = served
        self._core = checking.core
        self._checking = checking
        self._permission = permission
        # Of nobody in particular: what is read for a check leaves nothing on record.
        self._origin = Origin(served.dialect.name)
        self._under_way: dict[Key, Reading] = {}

    async def read(self, presented: Presented, key: Key, network: str) -> Identity | Refusal:
        """What there is to be told of a credential, which somebody in a network has shown."""
        # A signature takes its time to verify, and everybody else would wait for it here.
        if self._core.database.is_sqlite and presented.kind != "signed":
            try:
                return self._glance(presented, key, network).told
            except Unavailable:
                pass  # somebody is in the way: a thread can wait until they are not
        return (await self._in_thread(presented, key, network)).told

    def _glance(self, presented: Presented, key: Key, network: str) -> Answer:
        epoch, begun = self._core.changes.epoch, self._core.tools.monotonic()
        with self._core.glance(self._origin) as uow:
            answer = self._judged(uow, presented, epoch, begun)
        return self._kept(key, answer, network)

    async def _in_thread(self, presented: Presented, key: Key, network: str) -> Answer:
        """One read of a credential at a time; whoever asks for it meanwhile waits for the same."""
        epoch = self._core.changes.epoch
        reading = self._under_way.get(key)
        if reading is None or reading.epoch != epoch:
            reading = Reading(epoch, asyncio.create_task(self._read(presented, key, network, epoch)))
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

    async def _read(self, presented: Presented, key: Key, network: str, epoch: int) -> Answer:
        def read() -> Answer:
            begun = self._core.tools.monotonic()
            with self._waiting() as uow:
                return self._judged(uow, presented, epoch, begun)

        return self._kept(key, await self._checking.lane.run(read), network)

    def _waiting(self) -> AbstractContextManager[UnitOfWork]:
        """What reads in a thread."""
        is_sqlite = self._core.database.is_sqlite
        return self._core.begin(self._origin, writes=False) if is_sqlite else self._core.glance(self._origin)

    def _kept(self, key: Key, answer: Answer, network: str) -> Answer:
        self._checking.known.keep(key, answer)
        if isinstance(answer.told, CredentialRefused):
            self._checking.strangers.note(network)
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
