"""The gateways' check as a part of the benchmark: `checks.py` measures it, here are its goals."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load import checks, machine
from tests.load.figures import Figure

if TYPE_CHECKING:
    from tests.load.bench_run import Run

FIGURES = (
    Figure("check_ratio", "check of a known session, of a bare server's", digits=2, goal=0.65),
    Figure("check", f"  checks, {checks.CONNECTIONS} connections", "/s", digits=0),
    Figure("check_bare", "  bare server", "/s", digits=0),
    Figure("check_p99_ratio", "  p99, of the bare server's", "x", digits=2, goal=2.0, less=True),
    Figure("check_any", "check, each request another of all sessions, SQLite", "/s", digits=0, goal=5000),
    Figure("check_any_postgresql", "  PostgreSQL", "/s", digits=0, goal=2000),
)


def measure(run: Run) -> None:
    """Both engines, each with as many sessions as were asked for."""
    for engine, named in (("sqlite", "{}"), ("postgresql", "{}_postgresql")):
        with tempfile.TemporaryDirectory(dir=run.folder) as folder:
            found = checks.measure(
                Path(folder), engine=engine, rows=run.sessions, seconds=run.seconds, rounds=run.rounds
            )
        values = {named.format(name): value for name, value in found.items()}
        known = {figure.name: values[figure.name] for figure in FIGURES if figure.name in values}
        run.figures.note(machine.Watch(), **known)
