"""`make bench`: what a sign-in costs beside its hash, who else waits meanwhile, memory, and the start.

Every figure is the median of several rounds. The bare hash and the sign-ins take turns, so that a machine
which others use slows both; a round in which others used more than a tenth of a core is left out while there
are better ones. The server, each load generator and the bare hash are processes of their own.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

# Run as a file, as make does, Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from tests.load import generator, hashing, machine, served
from tests.load.figures import Figure, Figures
from tests.load.generator import Load, Tally
from tests.load.served import Prepared, Served

ACCOUNTS = 64
SIGNING_IN = 8
CROWD = 200
CHECKING = 16
# What asks now and then while the crowd signs in: eight connections, each 12 times a second.
PROBING = 8
PROBED_EVERY = 0.08
WARM = 0.3
WIDTH = 120
CROWD_WARM = 1.0

FIGURES = (
    Figure("login_ratio", "sign-ins, of what the bare hash allows", digits=2, goal=0.90),
    Figure("logins", f"  sign-ins, {SIGNING_IN} connections", "/s"),
    Figure("hashes", "  bare hash, the same number of threads", "/s"),
    Figure("login_cpu", "  processor time beside the hash", "ms", less=True),
    Figure("me_p95", f"users/me while {CROWD} sign in, p95", "ms", goal=30, limit=30, less=True),
    Figure("me_p50", "  p50", "ms", less=True),
    Figure("me_p99", "  p99", "ms", less=True),
    Figure("health_p95", "  /healthz, p95", "ms", less=True),
    Figure("crowd", "  sign-ins", "/s"),
    Figure("refused", "  told to come later (503)", "/s"),
    Figure("rude_me_p95", f"users/me while {CROWD} ignore Retry-After, p95", "ms", less=True),
    Figure("rude_me_p50", "  p50", "ms", less=True),
    Figure("rude_me_p99", "  p99", "ms", less=True),
    Figure("rude_health_p95", "  /healthz, p95", "ms", less=True),
    Figure("rude_crowd", "  sign-ins", "/s"),
    Figure("rude_refused", "  told to come later (503)", "/s"),
    Figure("me", f"users/me, {CHECKING} connections", "/s", digits=0),
    Figure("me_cpu", "  processor time", "ms", digits=2, less=True),
    Figure("validate", f"validateToken, {CHECKING} connections", "/s", digits=0),
    Figure("validate_cpu", "  processor time", "ms", digits=2, less=True),
    Figure("start", "start of the process to its first answer", "s", 2, goal=0.8, limit=1.2, less=True),
    Figure("start_cpu", "  processor time", "s", 2, less=True),
    Figure("first_start", "  the very first, which makes the schema", "s", 2, less=True),
    Figure("memory", "resident memory after the first answer", "MiB", goal=85, limit=100, less=True),
    Figure(
        "memory_checks", "  after the session checks, before any hash", "MiB", goal=85, limit=100, less=True
    ),
    Figure("memory_logins", "  after all sign-ins", "MiB", less=True),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program. `arguments` are the process's own unless given."""
    told = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)  # so that the server is stopped and the folder removed
    figures = Figures(FIGURES)
    with tempfile.TemporaryDirectory(prefix="dragoman-bench-", dir=told.folder) as folder:
        measure(Path(folder), figures, seconds=told.seconds, rounds=told.rounds)
    repeat, facts = _command(told), machine.facts()
    if told.json:
        print(json.dumps({"repeat": repeat, "machine": facts, "figures": figures.as_json()}, indent=2))
        return
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    console.print(figures.table())
    for name, fact in facts.items():
        console.print(f"{name}: {fact}", highlight=False)
    console.print(f"Again: {repeat}", highlight=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measure Dragoman, here, over loopback.")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a round is (3)")
    parser.add_argument("--rounds", type=int, default=3, help="how many of each there are (3)")
    parser.add_argument("--folder", type=Path, help="where the database is made, and removed again")
    parser.add_argument("--json", action="store_true", help="print JSON, sample by sample")
    return parser


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def _command(told: argparse.Namespace) -> str:
    said = ["--seconds", f"{told.seconds:g}", "--rounds", str(told.rounds)]
    said += ["--folder", str(told.folder)] if told.folder else []
    return f"make bench ARGS={shlex.quote(' '.join(said))}"


def measure(folder: Path, figures: Figures, *, seconds: float, rounds: int) -> None:
    """All there is to measure, with everything it needs in `folder`. `seconds` is the length of a round."""
    log = folder / "server.log"
    (folder / "empty").mkdir()
    with machine.watching() as watch:
        url = f"sqlite:///{folder}/empty/dragoman.db"
        with served.serving(url, log, first="/readyz") as server:
            pass
    figures.note(watch, first_start=server.seconds)
    prepared = served.prepare(f"sqlite:///{folder}/dragoman.db", ACCOUNTS)
    for _ in range(rounds):
        with machine.watching() as watch, _serving(prepared, log) as server:
            memory, cpu = machine.resident(server.process), machine.spent(server.process)
        figures.note(watch, start=server.seconds, start_cpu=cpu, memory=memory)
    with _serving(prepared, log) as server:
        for _ in range(rounds):
            check(server, prepared, figures, seconds)
        figures.note(machine.Watch(), memory_checks=machine.resident(server.process))
        sign_in(server, prepared, figures, seconds, rounds)
        for _ in range(rounds):
            crowd(server, prepared, figures, seconds, "", honest=True)
            crowd(server, prepared, figures, seconds, "rude_", honest=False)
        figures.note(machine.Watch(), memory_logins=machine.resident(server.process))


def _serving(prepared: Prepared, log: Path) -> AbstractContextManager[Served]:
    return served.serving(prepared.url, log, first="/immich/api/users/me", token=prepared.tokens[0])


def check(server: Served, prepared: Prepared, figures: Figures, seconds: float) -> None:
    """One round of session checks: who am I, and is this token good."""
    for name, message in (("me", served.me), ("validate", served.validate)):
        requests = [message(server.port, token) for token in prepared.tokens]
        with machine.watching(server.process) as watch:
            tally = generator.run(Load(server.port, requests, CHECKING, seconds, WARM))
        _require_good(tally)
        cpu = watch.served / tally.answers
        figures.note(watch, **{name: tally.per_second, f"{name}_cpu": cpu * 1000})


def sign_in(server: Served, prepared: Prepared, figures: Figures, seconds: float, rounds: int) -> None:
    """Rounds of sign-ins, with the bare hash before, between and after them."""
    requests = [served.login(server.port, email) for email in prepared.emails]
    before = _hash(prepared, figures, seconds / 2)
    for _ in range(rounds):
        with machine.watching(server.process) as watch:
            tally = generator.run(Load(server.port, requests, SIGNING_IN, seconds, WARM))
        _require_good(tally)
        after = _hash(prepared, figures, seconds / 2)
        ratio = tally.per_second / ((before.per_second + after.per_second) / 2)
        beside = watch.served / tally.answers - (before.cpu + after.cpu) / 2
        figures.note(watch, logins=tally.per_second, login_ratio=ratio, login_cpu=beside * 1000)
        before = after


def _hash(prepared: Prepared, figures: Figures, seconds: float) -> hashing.Hashing:
    with machine.watching() as watch:
        done = hashing.run(prepared.stored, served.PASSWORD, threads=prepared.hash_threads, seconds=seconds)
    figures.note(watch, hashes=done.per_second)
    return done


def crowd(
    server: Served, prepared: Prepared, figures: Figures, seconds: float, prefix: str, *, honest: bool
) -> None:
    """One round of two hundred that sign in as often as they are let, while a few others ask something."""
    port = server.port
    logins = [served.login(port, email) for email in prepared.emails]
    checks = [served.me(port, token) for token in prepared.tokens]
    with (
        machine.watching(server.process) as watch,
        generator.started(Load(port, logins, CROWD, seconds, CROWD_WARM, honest=honest)) as crowded,
        generator.started(Load(port, checks, PROBING, seconds, CROWD_WARM, PROBED_EVERY)) as checking,
        generator.started(
            Load(port, [served.health(port)], PROBING, seconds, CROWD_WARM, PROBED_EVERY)
        ) as healthy,
    ):
        signed_in, me, health = crowded.tally(), checking.tally(), healthy.tally()
    for probe in (me, health):
        _require_good(probe)
    values = {
        "me_p50": me.p50,
        "me_p95": me.p95,
        "me_p99": me.p99,
        "health_p95": health.p95,
        "crowd": signed_in.per_second,
        "refused": signed_in.refused / signed_in.seconds,
    }
    figures.note(watch, **{prefix + name: value for name, value in values.items()})


def _require_good(tally: Tally) -> None:
    """A server that refuses or breaks off is quick, and its figures say nothing."""
    if tally.lost or not tally.answers or set(tally.statuses) - {"200", "201"}:
        raise SystemExit(f"not the answers that were expected: {tally.statuses}, {tally.lost} lost")


if __name__ == "__main__":
    main()
