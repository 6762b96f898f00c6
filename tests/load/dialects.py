"""What every dialect does a second by the full path: who am I, and Aivo's refresh with rotation."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load import served, speaking
from tests.load.bench_run import WARM
from tests.load.figures import Figure
from tests.load.generator import Load

if TYPE_CHECKING:
    from tests.load.bench_run import Run
    from tests.load.served import Served

CONNECTIONS = 16
PEOPLE = 4  # who ask who they are
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it

WHO_AM_I = tuple(
    figure
    for name in speaking.DIALECTS
    for figure in (
        Figure(f"me_{name}", f"who am I, {name}, {CONNECTIONS} connections", "/s", digits=0, goal=2000),
        Figure(f"me_{name}_cpu", "  processor time", "ms", digits=2, less=True),
    )
)
REFRESH = (
    Figure("refresh", f"refresh with rotation, durable, {CONNECTIONS} connections", "/s", 0, goal=1250),
    Figure("refresh_cpu", "  processor time", "ms", digits=2, less=True),
    Figure("refresh_unsynced", "  where a sync costs nothing (in memory)", "/s", digits=0),
    Figure("refresh_unsynced_cpu", "  processor time there", "ms", digits=2, less=True),
)


def who_am_i(run: Run) -> None:
    """Rounds in which the dialects take turns."""
    asked = {name: _asking(run, run.server, name) for name in speaking.DIALECTS}
    for _ in range(run.rounds):
        for name, requests in asked.items():
            load = Load(run.server.port, requests, CONNECTIONS, run.seconds, WARM)
            run.note(run.server, f"me_{name}", load)


def _asking(run: Run, server: Served, dialect: str) -> list[str]:
    shown = [speaking.signed_in(server.port, dialect, name) for name in run.prepared.emails[:PEOPLE]]
    return [speaking.me(server.port, dialect, each) for each in shown]


def refresh(run: Run) -> None:
    """Rounds on the disk of the folder; and where there is memory to keep a database in, rounds there."""
    for _ in range(run.rounds):
        rotate(run, run.server, "refresh")
    if not SHARED_MEMORY.is_dir():
        return
    with tempfile.TemporaryDirectory(prefix="dragoman-bench-", dir=SHARED_MEMORY) as folder:
        prepared = served.prepare(f"sqlite:///{folder}/dragoman.db", CONNECTIONS)
        with served.serving(prepared.url, run.log, first="/readyz") as server:
            for _ in range(run.rounds):
                rotate(run, server, "refresh_unsynced")


def rotate(run: Run, server: Served, name: str) -> None:
    """A round of refreshes: each connection has a family of its own, and shows what it was given last."""
    tokens = families(server, run.prepared.emails)
    run.note(server, name, rotating(server.port, tokens, run.seconds))


def families(server: Served, people: Sequence[str]) -> list[str]:
    """The first refresh tokens of a family for each connection."""
    return [speaking.signed_in(server.port, "aivo", each, speaking.ROTATED) for each in people[:CONNECTIONS]]


def rotating(port: int, tokens: Sequence[str], seconds: float) -> Load:
    """Refreshes that each show what the one before was given."""
    requests = [speaking.refreshing(port, tokens[0])]
    return Load(port, requests, CONNECTIONS, seconds, WARM, tokens=tokens, next_token=speaking.ROTATED)
