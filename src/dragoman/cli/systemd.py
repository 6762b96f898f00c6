"""What systemd is told, and the sockets that it opens for us: sd_notify(3) and sd_listen_fds(3), without its library."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from dragoman.cli.failures import CannotStart

FIRST_DESCRIPTOR = 3  # SD_LISTEN_FDS_START


class Systemd:
    """The service manager, if one started us: which it is found out by variables of the environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._address = environ.get("NOTIFY_SOCKET", "")
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._every = (
            int(environ.get("WATCHDOG_USEC", "0")) / 2e6 if ours else 0.0
        )  # seconds; half of what it waits
        self._alive_at = 0.0

    def ready(self) -> None:
        """All that is served is served from now on."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Nothing new is begun from now on."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """Whoever would notice that we hang is told that we do not, as often as it wants to hear that."""
        if self._every and time.monotonic() - self._alive_at >= self._every:
            self._alive_at = time.monotonic()
            self._tell("WATCHDOG=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        # "@" stands for the zero byte of Linux's abstract names. A manager that is gone is nobody's trouble.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(state.encode(), address)

    def sockets(self) -> list[socket.socket]:
        """The sockets that were opened for us, which may be none. `CannotStart` for one that nobody can connect to by TCP."""
        if self._environ.get("LISTEN_PID") != str(os.getpid()):
            return []
        count = int(self._environ.get("LISTEN_FDS", "0"))
        opened = [socket.socket(fileno=FIRST_DESCRIPTOR + number) for number in range(count)]
        for each in opened:
            each.set_inheritable(False)
            if each.family not in (socket.AF_INET, socket.AF_INET6) or each.type != socket.SOCK_STREAM:
                raise CannotStart(
                    "systemd has opened a socket that is not of TCP: see ListenStream= of its unit"
                )
        return opened
