"""What Prometheus reads at `/metrics`: the numbers of `core/tally.py`, of every process that serves.

`FIGURES` is all there is: a number that is not of one of these is counted, and told nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman import check, lanes, sweeper, traffic
from dragoman.core import login, outbox, sizes, sweep
from dragoman.core.tally import Figure
from dragoman.metrics.places import Alone, Place

if TYPE_CHECKING:
    from pathlib import Path

    from dragoman.core.work import Core

HASHES_RUNNING = Figure("hashes_running", "gauge", "Passwords that are hashed now")
HASHES_WAITING = Figure("hashes_waiting", "gauge", "Passwords that wait to be hashed")
CONNECTIONS = Figure("database_connections", "gauge", "Connections to the database that may be open at once")
CONNECTIONS_IN_USE = Figure(
    "database_connections_in_use", "gauge", "Connections to the database that are lent"
)

FIGURES = (
    traffic.REQUESTS,
    traffic.SECONDS,
    check.CHECKS,
    login.LOGINS,
    lanes.RUNNING,
    lanes.WAITING,
    lanes.REFUSED,
    HASHES_RUNNING,
    HASHES_WAITING,
    CONNECTIONS,
    CONNECTIONS_IN_USE,
    sizes.ROWS,
    sizes.MAILS_WAITING,
    outbox.MAILS,
    sweep.SWEPT,
    sweeper.SWEEP,
)
# What a process that has ended stands at is nothing.
PASSING = frozenset(figure.name for figure in FIGURES if figure.kind == "gauge")


def placed(core: Core, folder: Path | None) -> Alone | Place:
    """This process's place among those that serve, in the folder that they share; None: it serves alone.

    What the core's hasher and database do is told from now on with what it counts.
    """
    turnstile, database = core.tools.hasher.turnstile, core.database
    core.tally.watch(HASHES_RUNNING, read=lambda: turnstile.inside)
    core.tally.watch(HASHES_WAITING, read=lambda: turnstile.waiting)
    core.tally.watch(CONNECTIONS, read=lambda: database.connections)
    core.tally.watch(CONNECTIONS_IN_USE, read=lambda: database.connections_in_use)
    return Alone(core.tally) if folder is None else Place(core.tally, folder, passing=PASSING)
