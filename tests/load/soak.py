"""`make soak`: a load that lasts. Does memory grow, do answers get slower, does what expires go away?

    python tests/load/soak.py [--engine sqlite|postgresql] [--minutes 10] [--kills 0]

People sign in, ask who they are and refresh, all the while, and leave their families of refresh tokens behind. After
every few seconds memory, delays and rows that should have been swept are noted. In the end come the slope of the
memory and the drift of the 99th percentile between the first and the last third; then kill -9 so many times
(`tests/load/kills.py`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import linear_regression, median

# Run as a file, Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import func, select
from tests.load import dialects, engines, generator, kills, machine, served
from tests.load.bench_run import WARM, require_good
from tests.load.engines import ENGINES
from tests.load.generator import Load
from tests.load.served import Prepared, Served

from dragoman.core.database import Database
from dragoman.core.refresh import refresh_tokens

PEOPLE = 64
SIGNING_IN, ASKING, ASKED_EVERY = 4, 8, 0.02
LATE = timedelta(seconds=30)  # after which what has expired should have been swept
MOST_MIB = 150.0
MOST_SLOPE = 20.0  # MiB an hour, once it is warm
MOST_DRIFT = 1.5
MOST_SECONDS = 7200.0  # of kills
# What expires within a run are refresh tokens whose families were left: their grace is a second here.
TOLD = {
    **engines.TOLD,
    "DRAGOMAN_SWEEP__EVERY_SECONDS": "5",
    "DRAGOMAN_DIALECTS__AIVO__REFRESH_GRACE_SECONDS": "1",
}


@dataclass(frozen=True)
class Sample:
    """A stretch of the run: when it began in seconds, memory after it, p99 of who asked, rows that may be swept."""

    at: float
    memory: float
    p99: float
    overdue: int


@dataclass(frozen=True)
class Verdict:
    """What came of it: MiB an hour, how p99 of the last third is to the first's, and the most rows overdue."""

    memory: float
    slope: float
    drift: float
    overdue: int

    @property
    def is_good(self) -> bool:
        """Whether it may go on like this."""
        is_small = self.memory <= MOST_MIB and self.slope <= MOST_SLOPE
        return is_small and self.drift <= MOST_DRIFT and self.overdue == 0


def stretch(server: Served, prepared: Prepared, database: Database, begun: float, seconds: float) -> Sample:
    """Load for so long: sign-ins, refreshes, and those whose delays are noted."""
    at, port = time.monotonic() - begun, server.port
    families = dialects.families(server, prepared.emails)
    signing_in = Load(port, [served.login(port, each) for each in prepared.emails], SIGNING_IN, seconds, WARM)
    asking = Load(
        port, [served.me(port, each) for each in prepared.tokens], ASKING, seconds, WARM, ASKED_EVERY
    )
    with (
        generator.started(signing_in) as sign_ins,
        generator.started(asking) as questions,
        generator.started(dialects.rotating(port, families, seconds)) as refreshes,
    ):
        signed_in, asked, refreshed = sign_ins.tally(), questions.tally(), refreshes.tally()
    for tally in (signed_in, asked, refreshed):
        require_good(tally)
    return Sample(at, machine.resident(server.process), asked.p99, overdue(database))


def overdue(database: Database) -> int:
    """Refresh tokens whose grace has been over for longer than it takes to sweep."""
    over = refresh_tokens.c.grace_until < datetime.now(UTC) - LATE
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(refresh_tokens).where(over)) or 0


def judged(samples: Sequence[Sample]) -> Verdict:
    """What the samples say, the first third of them being for warming up where memory is concerned."""
    third = max(1, len(samples) // 3)
    warm = samples[third:] if len(samples) > third + 1 else samples
    hours, memory = [each.at / 3600 for each in warm], [each.memory for each in warm]
    slope = linear_regression(hours, memory).slope if len(warm) > 1 else 0.0
    first, last = (median(each.p99 for each in part) for part in (samples[:third], samples[-third:]))
    return Verdict(
        memory=max(each.memory for each in samples),
        slope=slope,
        drift=last / first,
        overdue=max(each.overdue for each in samples),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Soak, print, and end with 0 if all is well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=10.0, help="seconds of a stretch")
    parser.add_argument("--kills", type=int, default=0, help="then kill -9 so many times")
    parser.add_argument("--folder", type=Path, help="where the database is made, and removed again")
    told = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="dragoman-soak-", dir=told.folder) as made,
        engines.started(told.engine, Path(made)) as engine,
    ):
        folder, samples = Path(made), list[Sample]()
        prepared = served.prepare(engine.new("soaked"), PEOPLE, TOLD)
        database = Database(prepared.url, connections=1)
        with served.serving(prepared.url, folder / "server.log", first="/readyz", told=TOLD) as server:
            begun = time.monotonic()
            while time.monotonic() - begun < told.minutes * 60 or not samples:
                samples.append(stretch(server, prepared, database, begun, told.every))
                last = samples[-1]
                print(
                    f"{last.at:>7.0f} s {last.memory:>7.1f} MiB {last.p99:>7.1f} ms {last.overdue:>6} overdue",
                    flush=True,
                )
        database.dispose()
        if told.kills:
            (folder / "kills").mkdir()
            survived = kills.kill_again_and_again(
                folder / "kills",
                engine.new("killed"),
                kills=told.kills,
                seconds=MOST_SECONDS,
                told=kills.shown,
            )
            print(f"{survived.kills} kills: everything that was acknowledged is there")
    verdict = judged(samples)
    print(f"memory {verdict.memory:.1f} MiB at most (150), {verdict.slope:+.1f} MiB an hour once warm (20)")
    print(f"p99 of the last third {verdict.drift:.2f} x the first's (1.5)")
    print(f"{verdict.overdue} refresh tokens overdue at most")
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
