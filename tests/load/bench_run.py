"""One run of the benchmark: where its files are, what it notes, and what every part of it needs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.load import generator, machine, served
from tests.load.figures import Figures
from tests.load.generator import Load, Tally
from tests.load.machine import Watch
from tests.load.served import NOTHING, Prepared, Served

WARM = 0.3


@dataclass
class Run:
    """Everything a part needs: a `folder`, the `figures`, a database, how long and often to measure, among how much.

    `absent` says of what could not be measured why not.
    """

    folder: Path
    figures: Figures
    prepared: Prepared
    seconds: float
    rounds: int
    sessions: int
    absent: dict[str, str] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def log(self) -> Path:
        """Where servers log."""
        return self.folder / "server.log"

    @cached_property
    def server(self) -> Served:
        """The server on the prepared database that most parts share, up to the end of the `stack`."""
        return self.stack.enter_context(self.serving())

    def serving(self, told: Mapping[str, str] = NOTHING) -> AbstractContextManager[Served]:
        """The server on the prepared database."""
        first, token = "/immich/api/users/me", self.prepared.tokens[0]
        return served.serving(self.prepared.url, self.log, first=first, token=token, told=told)

    def loaded(self, server: Served, load: Load) -> tuple[Tally, Watch]:
        """What a load comes to, every answer of which must be a success, and what it cost."""
        with machine.watching(server.process) as watch:
            tally = generator.run(load)
        require_good(tally)
        return tally, watch

    def note(self, server: Served, name: str, load: Load) -> None:
        """A round: successes a second as `name`, milliseconds of processor time as `name`_cpu."""
        tally, watch = self.loaded(server, load)
        cpu = watch.served / tally.answers * 1000
        self.figures.note(watch, **{name: tally.per_second, f"{name}_cpu": cpu})


def require_good(tally: Tally) -> None:
    """A server that refuses or breaks off is quick, and its figures say nothing."""
    if tally.lost or not tally.answers or set(tally.statuses) - {"200", "201", "204"}:
        raise SystemExit(f"not the answers that were expected: {tally.statuses}, {tally.lost} lost")
