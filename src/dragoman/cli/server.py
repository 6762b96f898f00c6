"""uvicorn, of one process or of several, as we stop it: announced, in good order, and heard by systemd."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.supervisors import Multiprocess

from dragoman.cli.leaving import Leaving, end_at_once, is_urged

if TYPE_CHECKING:
    from socket import socket
    from types import FrameType

    from dragoman.cli.systemd import Systemd


class Server(uvicorn.Server):
    """The server of this process."""

    def __init__(
        self, config: uvicorn.Config, systemd: Systemd, notice: int, announce: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._systemd = systemd
        self._leaving = Leaving(notice, announce, super().handle_exit)
        self._told: float | None = None  # to stop, at this monotonic second

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop at the first signal, and end at once when SIGTERM says again that it is wanted."""
        if self._told is None:
            self._told = time.monotonic()
            self._leaving(sig, frame)
        elif is_urged(sig, self._told):
            end_at_once()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin, and say so."""
        await super().startup(sockets)
        self._systemd.ready()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop. Who gets here has a loop that turns."""
        self._systemd.alive()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Say that this is the end, and come to it."""
        self._systemd.stopping()
        await super().shutdown(sockets)


class Supervisor(Multiprocess):
    """The parent of processes that serve. It answers for all of them to systemd, and alone hears SIGINT."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket], systemd: Systemd) -> None:
        super().__init__(config, sockets)
        self._systemd = systemd
        self._ready = False
        # Python starts it with the first process otherwise, and lets SIGINT through again when it has.
        resource_tracker.ensure_running()

    def init_processes(self) -> None:
        """Start them."""
        with held_back(signal.SIGINT):
            super().init_processes()

    def handle_signals(self) -> None:
        """Do what the signals ask for, which may be to start others."""
        with held_back(signal.SIGINT):
            super().handle_signals()

    def keep_subprocess_alive(self) -> None:
        """Replace those that are gone, twice a second."""
        with held_back(signal.SIGINT):
            super().keep_subprocess_alive()
        if not self._ready and all(process.is_ready() for process in self.processes):
            self._ready = True
            self._systemd.ready()
        self._systemd.alive()

    def terminate_all(self) -> None:
        """Tell them to stop, and let nobody knock at a door behind which nobody answers any more."""
        self._systemd.stopping()
        for each in self.sockets:
            each.close()
        super().terminate_all()

    def join_all(self) -> None:
        """Wait for them, or end them and this at once when SIGTERM says again that it is wanted."""
        told = time.monotonic()

        def hear_again(number: int, _frame: FrameType | None) -> None:
            if is_urged(number, told):
                for process in self.processes:
                    process.kill()
                for process in self.processes:  # whoever starts another server wants the port
                    process.join()
                end_at_once()

        signal.signal(signal.SIGTERM, hear_again)
        super().join_all()


@contextmanager
def held_back(number: signal.Signals) -> Iterator[None]:
    """Take a signal only after the body, and have no process that is started in it take it ever.

    Ctrl+C reaches every process of the group. The workers stop when their parent says so, and not amid their start.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
