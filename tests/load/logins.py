"""What a sign-in costs beside its hash, and who else waits meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.load import generator, hashing, machine, served
from tests.load.bench_run import WARM, require_good
from tests.load.figures import Figure
from tests.load.generator import Load

if TYPE_CHECKING:
    from tests.load.bench_run import Run
    from tests.load.hashing import Hashing
    from tests.load.served import Served

SIGNING_IN = 8
CROWD = 200
CROWD_WARM = 1.0
# What asks now and then while the crowd signs in: eight connections, each 12 times a second.
PROBING = 8
PROBED_EVERY = 0.08

FIGURES = (
    Figure("login_ratio", "sign-ins, of what the bare hash allows", digits=2, goal=0.90),
    Figure("logins", f"  sign-ins, {SIGNING_IN} connections", "/s"),
    Figure("hashes", "  bare hash, the same number of threads", "/s"),
    Figure("login_cpu", "  processor time beside the hash", "ms", less=True),
    Figure("health_p95", f"/healthz while {CROWD} sign in, p95", "ms", goal=30, limit=30, less=True),
    Figure("me_p95", "  users/me, p95", "ms", goal=30, limit=30, less=True),
    Figure("me_p50", "  users/me, p50", "ms", less=True),
    Figure("me_p99", "  users/me, p99", "ms", less=True),
    Figure("crowd", "  sign-ins", "/s"),
    Figure("refused", "  told to come later (503)", "/s"),
    Figure("rude_health_p95", f"/healthz while {CROWD} ignore Retry-After, p95", "ms", less=True),
    Figure("rude_me_p95", "  users/me, p95", "ms", less=True),
    Figure("rude_me_p50", "  users/me, p50", "ms", less=True),
    Figure("rude_me_p99", "  users/me, p99", "ms", less=True),
    Figure("rude_crowd", "  sign-ins", "/s"),
    Figure("rude_refused", "  told to come later (503)", "/s"),
    Figure("memory_logins", "resident memory after all sign-ins", "MiB", goal=150, less=True),
)


def measure(run: Run) -> None:
    """Sign-ins between rounds of the bare hash, then crowds."""
    sign_in(run, run.server)
    for _ in range(run.rounds):
        crowd(run, run.server, "", honest=True)
        crowd(run, run.server, "rude_", honest=False)
    run.figures.note(machine.Watch(), memory_logins=machine.resident(run.server.process))


def sign_in(run: Run, server: Served) -> None:
    """Rounds of sign-ins, with the bare hash before, between and after them."""
    requests = [served.login(server.port, email) for email in run.prepared.emails]
    before = _hash(run)
    for _ in range(run.rounds):
        tally, watch = run.loaded(server, Load(server.port, requests, SIGNING_IN, run.seconds, WARM))
        after = _hash(run)
        ratio = tally.per_second / ((before.per_second + after.per_second) / 2)
        beside = watch.served / tally.answers - (before.cpu + after.cpu) / 2
        run.figures.note(watch, logins=tally.per_second, login_ratio=ratio, login_cpu=beside * 1000)
        before = after


def _hash(run: Run) -> Hashing:
    threads, seconds = run.prepared.hash_threads, run.seconds / 2
    with machine.watching() as watch:
        done = hashing.run(run.prepared.stored, served.PASSWORD, threads=threads, seconds=seconds)
    run.figures.note(watch, hashes=done.per_second)
    return done


def crowd(run: Run, server: Served, prefix: str, *, honest: bool) -> None:
    """One round of two hundred that sign in as often as they are let, while a few others ask something."""
    port, seconds = server.port, run.seconds
    signing_in = [served.login(port, email) for email in run.prepared.emails]
    checks = [served.me(port, token) for token in run.prepared.tokens]
    with (
        machine.watching(server.process) as watch,
        generator.started(Load(port, signing_in, CROWD, seconds, CROWD_WARM, honest=honest)) as crowded,
        generator.started(Load(port, checks, PROBING, seconds, CROWD_WARM, PROBED_EVERY)) as checking,
        generator.started(
            Load(port, [served.health(port)], PROBING, seconds, CROWD_WARM, PROBED_EVERY)
        ) as healthy,
    ):
        signed_in, me, health = crowded.tally(), checking.tally(), healthy.tally()
    for probe in (me, health):
        require_good(probe)
    values = {
        "me_p50": me.p50,
        "me_p95": me.p95,
        "me_p99": me.p99,
        "health_p95": health.p95,
        "crowd": signed_in.per_second,
        "refused": signed_in.refused / signed_in.seconds,
    }
    run.figures.note(watch, **{prefix + name: value for name, value in values.items()})
