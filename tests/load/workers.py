"""What a second worker brings, and what it brings to a bare hash: the load comes from the same processors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.load import checks, generator, hashing, machine, served
from tests.load.bench_run import WARM, require_good
from tests.load.figures import Figure
from tests.load.generator import Load

if TYPE_CHECKING:
    from tests.load.bench_run import Run
    from tests.load.served import Served

TWO = {"DRAGOMAN_SERVER__WORKERS": "2"}
CHECKING = 32
SIGNING_IN = 8

FIGURES = (
    Figure("second_check", "checks with two workers, of one", "x", digits=2),
    Figure("second_bare", "  bare servers, two of one", "x", digits=2),
    Figure("second_check_ratio", "  checks' gain, of the bare server's", digits=2, goal=0.90),
    Figure("second_login", "sign-ins with two workers, of one", "x", digits=2),
    Figure("second_hash", "  bare hashes of two processes, of one", "x", digits=2),
    Figure("second_login_ratio", "  sign-ins' gain, of the bare hash's", digits=2, goal=0.90),
)


def measure(run: Run) -> None:
    """Rounds in which one worker, two workers and the bare hashes take turns."""
    one, tokens = run.server, list(run.prepared.tokens)
    with (
        run.serving(TWO) as two,
        checks.bare_server(tokens, run.log) as bare,
        checks.bare_server(tokens, run.log) as another,
    ):
        for _ in range(run.rounds):
            with machine.watching() as watch:
                check = _checks(run, two) / _checks(run, one)
                bares = _checks(run, bare, another) / _checks(run, bare)
                login = _logins(run, two) / _logins(run, one)
                hashes = _hashes(run, 2) / _hashes(run, 1)
            run.figures.note(
                watch,
                second_check=check,
                second_bare=bares,
                second_check_ratio=check / bares,
                second_login=login,
                second_hash=hashes,
                second_login_ratio=login / hashes,
            )


def _checks(run: Run, *servers: Served) -> float:
    """Checks a second of one server, or of several at once that share the connections."""
    with ExitStack() as stack:
        loads = [
            Load(
                server.port,
                [checks.check(server.port, token) for token in run.prepared.tokens],
                CHECKING // len(servers),
                run.seconds,
                WARM,
            )
            for server in servers
        ]
        tallies = [each.tally() for each in [stack.enter_context(generator.started(load)) for load in loads]]
    for tally in tallies:
        require_good(tally)
    return sum(tally.per_second for tally in tallies)


def _logins(run: Run, server: Served) -> float:
    requests = [served.login(server.port, email) for email in run.prepared.emails]
    tally = generator.run(Load(server.port, requests, SIGNING_IN, run.seconds, WARM))
    require_good(tally)
    return tally.per_second


def _hashes(run: Run, processes: int) -> float:
    """Hashes a second of so many processes, each with as many threads as a worker hashes in."""
    threads, seconds = run.prepared.hash_threads, run.seconds / 2

    def hash_bare(_: int) -> float:
        stored = run.prepared.stored
        return hashing.run(stored, served.PASSWORD, threads=threads, seconds=seconds).per_second

    with ThreadPoolExecutor(processes) as pool:
        return sum(pool.map(hash_bare, range(processes)))
