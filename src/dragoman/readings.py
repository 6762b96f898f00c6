"""What is not known of credentials, is read: of all that are asked for at a time, in one unit of work.

On SQLite that is on the event loop, once all requests that have come in were looked at. Where it would have to wait,
and on PostgreSQL, it is in a thread, and what is asked for while a thread reads is read together after that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from dragoman.core import passes
from dragoman.core.api_keys import ALL
from dragoman.core.changes import BELIEVED
from dragoman.core.errors import CredentialRefused, PermissionMissing, Refusal, Unavailable
from dragoman.core.work import Origin
from dragoman.known import Answer, Identity
from dragoman.passing import identity_of

if TYPE_CHECKING:
    from dragoman.check import Checking
    from dragoman.core.passes import Pass
    from dragoman.core.principals import Named, Presented
    from dragoman.core.work import UnitOfWork
    from dragoman.known import Key
    from dragoman.serving import DialectApp

PATIENCE = timedelta(milliseconds=250)
MOST_TOGETHER = 64
MOST_WAITING = 1000
THREADS = (
    2  # that read for one dialect at a time: the more of them, the fewer credentials each reads together
)

Told: TypeAlias = Identity | Refusal


@dataclass(eq=False, slots=True)
class Reading:
    """A credential that is to be read, who waits for it, and the network of whoever asked first.

    `epoch`: when it was begun (core/changes.py).
    """

    key: Key
    presented: Presented
    network: str
    waiters: list[asyncio.Future[Told]]
    epoch: int = 0

    @property
    def waited_for(self) -> Sequence[asyncio.Future[Told]]:
        """Those who have not given up."""
        return [waiter for waiter in self.waiters if not waiter.done()]

    def tell(self, told: Told) -> None:
        """Answer everybody."""
        for waiter in self.waited_for:
            waiter.set_result(told)


class Readings:
    """Reads the credentials of one dialect, and keeps what it finds. A limited one is good for the `permission`.

    For the event loop's thread alone, but for what it has others do.
    """

    def __init__(self, served: DialectApp, checking: Checking, permission: str | None) -> None:
        self._served = served
        self._core = checking.core
        self._checking = checking
        self._permission = permission
        # Of nobody in particular: what is read for a check leaves nothing on record.
        self._origin = Origin(served.dialect.name)
        self._soon: dict[Key, Reading] = {}  # on this thread
        self._waiting: dict[Key, Reading] = {}  # for another
        self._begun: dict[Key, Reading] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def read(self, presented: Presented, key: Key, network: str) -> Told:
        """What there is to be told of a credential, which somebody in a network has shown. Refuses `Unavailable`."""
        waiter: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        reading = Reading(key, presented, network, [waiter])
        # A signature takes its time to verify, and everybody else would wait for it here.
        if not self._core.database.is_sqlite or presented.kind == "signed":
            self._in_thread(reading)
        else:
            self._look_soon(reading)
        told = await waiter
        if isinstance(told, Unavailable):
            raise told
        return told

    def _look_soon(self, reading: Reading) -> None:
        if not self._soon:
            asyncio.get_running_loop().call_soon(self._glance)
        if self._soon.setdefault(reading.key, reading) is not reading:
            self._soon[reading.key].waiters += reading.waiters

    def _glance(self) -> None:
        """Read what has been asked for, at once."""
        readings = [self._soon.pop(key) for key in list(islice(self._soon, MOST_TOGETHER))]
        if self._soon:
            asyncio.get_running_loop().call_soon(self._glance)
        begun = self._core.tools.monotonic()
        for each in readings:
            each.epoch = self._core.changes.epoch
        try:
            with self._core.glance(self._origin) as uow:
                answers = self._judged(uow, readings, begun)
        except Exception:  # noqa: BLE001 - somebody is in the way, or it is an accident: a thread finds out
            for each in readings:
                self._in_thread(each)
        else:
            self._tell(readings, answers)

    def _in_thread(self, reading: Reading) -> None:
        """Have a credential read once; whoever asks for it meanwhile waits for the same, for so long."""
        loop = asyncio.get_running_loop()
        for waiter in reading.waiters:
            loop.call_later(
                PATIENCE.total_seconds(), _give_up, waiter, "the database does not answer in time"
            )
        begun = self._begun.get(reading.key)
        if begun is not None and begun.epoch == self._core.changes.epoch:
            begun.waiters += reading.waiters
        elif reading.key in self._waiting:
            self._waiting[reading.key].waiters += reading.waiters
        elif len(self._waiting) >= MOST_WAITING:
            for waiter in reading.waiters:
                _give_up(waiter, "too many credentials wait to be read")
        else:
            self._waiting[reading.key] = reading
            self._begin()

    def _begin(self) -> None:
        while self._waiting and len(self._under_way) < THREADS:
            taken = [self._waiting.pop(key) for key in list(islice(self._waiting, MOST_TOGETHER))]
            wanted = [each for each in taken if each.waited_for]
            if wanted:
                task = asyncio.create_task(self._read(wanted))
                self._under_way.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._begin()

    async def _read(self, readings: Sequence[Reading]) -> None:
        for each in readings:
            each.epoch = self._core.changes.epoch
            self._begun[each.key] = each
        try:
            answers = await self._checking.lane.run(lambda: self._together(readings))
        except Unavailable as away:
            for each in readings:
                each.tell(away)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
            await self._read_each(readings, error)
        else:
            self._tell(readings, answers)
        finally:
            for each in readings:
                if self._begun.get(each.key) is each:
                    del self._begun[each.key]

    async def _read_each(self, readings: Sequence[Reading], error: Exception) -> None:
        """Read each alone after an accident: what is wrong with one must not be held against others."""
        if len(readings) > 1:
            for each in readings:
                await self._read([each])
        else:
            for waiter in readings[0].waited_for:
                waiter.set_exception(error)

    def _together(self, readings: Sequence[Reading]) -> Sequence[Answer]:
        begun = self._core.tools.monotonic()
        with self._unit() as uow:
            return self._judged(uow, readings, begun)

    def _unit(self) -> AbstractContextManager[UnitOfWork]:
        """What reads in a thread."""
        is_sqlite = self._core.database.is_sqlite
        return self._core.begin(self._origin, writes=False) if is_sqlite else self._core.glance(self._origin)

    def _tell(self, readings: Sequence[Reading], answers: Sequence[Answer]) -> None:
        for reading, answer in zip(readings, answers, strict=True):
            self._checking.known.keep(reading.key, answer)
            if isinstance(answer.told, CredentialRefused):
                self._checking.strangers.note(reading.network)
            reading.tell(answer.told)

    def _judged(self, uow: UnitOfWork, readings: Sequence[Reading], begun: float) -> Sequence[Answer]:
        """What is to be known of credentials, from a read that began then."""
        named = [self._named(uow, each.presented) for each in readings]
        found = iter(passes.look_up(uow, [each for each in named if not isinstance(each, Refusal)]))
        return [
            self._answer(uow, each if isinstance(each, Refusal) else next(found), reading.epoch, begun)
            for each, reading in zip(named, readings, strict=True)
        ]

    def _named(self, uow: UnitOfWork, presented: Presented) -> Presented | Named | CredentialRefused:
        try:
            return self._served.named(uow, presented)
        except CredentialRefused as refusal:
            return refusal

    def _answer(self, uow: UnitOfWork, found: Pass | CredentialRefused, epoch: int, begun: float) -> Answer:
        if isinstance(found, Refusal):
            return Answer(epoch, begun + BELIEVED, found.with_traceback(None))
        if not self._is_within(found):
            return Answer(epoch, begun + BELIEVED, PermissionMissing(self._permission or ALL))
        left = BELIEVED if found.ends_at is None else (found.ends_at - uow.now).total_seconds()
        return Answer(
            epoch,
            begun + min(BELIEVED, left),
            identity_of(found),
            found.holder.number,
            0 if found.actor is None else found.actor.number,
        )

    def _is_within(self, found: Pass) -> bool:
        """Whether a credential may do all that its holder may, or at least this."""
        if found.limits is None:
            return True
        # A key that is older than the choice of the release has other names for some of its permissions.
        return self._permission in {*found.limits, *self._served.release.spoken(found.limits)}


def _give_up(waiter: asyncio.Future[Told], why: str) -> None:
    if not waiter.done():
        waiter.set_result(Unavailable(retry_after=timedelta(seconds=1), why=why))
