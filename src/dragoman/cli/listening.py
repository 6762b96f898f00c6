"""Taking the port, before anything else of a start: whoever has it serves, and nobody else touches the data."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from dragoman.cli.failures import CannotStart

BACKLOG = 2048


@contextmanager
def listening(
    host: str, port: int, given: Sequence[socket.socket] = ()
) -> Iterator[tuple[list[socket.socket], int]]:
    """Sockets that listen on every address of `host` (of "localhost" there are two), and their port; or those `given`.

    Whoever connects from now on waits for the first answer instead of being turned away. `CannotStart` when
    the port is taken, not allowed, or there is no such address.
    """
    with ExitStack() as stack:
        try:
            sockets = [stack.enter_context(each) for each in given or _listen(host, port)]
        except OSError as error:
            why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
            advice = "; --port or server.port names another" if error.errno == errno.EADDRINUSE else ""
            raise CannotStart(f"cannot listen on {host}, port {port}: {why}{advice}") from error
        yield sockets, sockets[0].getsockname()[1]


def _listen(host: str, port: int) -> Iterator[socket.socket]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    absent: OSError | None = None
    took = False
    for family, address in dict.fromkeys((each[0], each[4]) for each in found):
        try:
            listener = _listener(family, address, port)
        except OSError as error:
            # "localhost" names ::1 also where the machine has no IPv6.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
            absent = error
            continue
        took, port = True, listener.getsockname()[1]
        yield listener
    if absent is not None and not took:
        raise absent


def _listener(family: int, address: Sequence[Any], port: int) -> socket.socket:
    # "::" alone is both versions; a host that names both has a socket for each.
    dual = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(
        (address[0], port, *address[2:]), family=family, backlog=BACKLOG, dualstack_ipv6=dual
    )
