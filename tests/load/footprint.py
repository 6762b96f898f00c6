"""What a server takes before it does much: the time to its first answer, and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.load import machine, served
from tests.load.bench_run import WARM
from tests.load.figures import Figure
from tests.load.generator import Load

if TYPE_CHECKING:
    from tests.load.bench_run import Run

CHECKING = 16

FIGURES = (
    Figure("start", "start of the process to its first answer", "s", 2, goal=0.8, limit=1.2, less=True),
    Figure("start_cpu", "  processor time", "s", 2, less=True),
    Figure("first_start", "  the very first, which makes the schema", "s", 2, less=True),
    Figure("memory", "resident memory after the first answer", "MiB", goal=85, limit=100, less=True),
    Figure("memory_checks", "  after session checks, before any hash", "MiB", goal=85, limit=100, less=True),
)


def measure(run: Run) -> None:
    """A first start, starts, and the memory that session checks leave."""
    (run.folder / "empty").mkdir()
    with machine.watching() as watch:
        url = f"sqlite:///{run.folder}/empty/dragoman.db"
        with served.serving(url, run.log, first="/readyz") as server:
            pass
    run.figures.note(watch, first_start=server.seconds)
    for _ in range(run.rounds):
        with machine.watching() as watch, run.serving() as server:
            memory, cpu = machine.resident(server.process), machine.spent(server.process)
        run.figures.note(watch, start=server.seconds, start_cpu=cpu, memory=memory)
    with run.serving() as server:
        requests = [served.me(server.port, token) for token in run.prepared.tokens]
        run.loaded(server, Load(server.port, requests, CHECKING, run.seconds, WARM))
        run.figures.note(machine.Watch(), memory_checks=machine.resident(server.process))
