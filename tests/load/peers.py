"""Other servers on the same machine in the same run, as far as they are installed in $BENCH_HOME.

`../shared/bench/setup` installs them there (~/.cache/dragoman-bench). Each is a folder with `start`, which runs it in the foreground, and `peer.py`, which names what it can be asked.
They are loaded as ours is, by the same generator, and take turns with it.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.load import checks, dialects, generator, machine, served
from tests.load.bench_run import WARM, require_good
from tests.load.figures import Figure
from tests.load.generator import TOKEN, Load

if TYPE_CHECKING:
    from tests.load.bench_run import Run
    from tests.load.served import Served

PEERS = ("better-auth", "oidc-provider", "django-allauth", "fastapi-users", "glewlwyd")
ASKED = {"login": "sign-ins", "session": "session checks", "refresh": "refreshes"}
CONNECTIONS = {"login": 8, "session": 32, "refresh": 16}
PATIENCE = 30.0

FIGURES = (
    *(
        figure
        for asked, label in ASKED.items()
        for figure in (
            Figure(f"ours_{asked}", f"{label}, {CONNECTIONS[asked]} connections: Dragoman", "/s", digits=0),
            *(Figure(f"{peer}_{asked}", f"  {peer}", "/s", digits=0) for peer in PEERS),
        )
    ),
    Figure("ours_check", "  Dragoman's check for gateways", "/s", digits=0),
    Figure("check_of_best", "checks for gateways, of the best peer's session checks", "x", 1, goal=4.0),
    Figure("login_of_better_auth", "sign-ins, of better-auth's", "x", digits=2, goal=1.15),
    Figure("refresh_of_oidc_provider", "refreshes, of oidc-provider's (which syncs less)", "x", 2, goal=1.0),
)


RATIOS = {
    "login_of_better_auth": ("ours_login", "better-auth_login"),
    "refresh_of_oidc_provider": ("ours_refresh", "oidc-provider_refresh"),
}
# The load of a round, by its number: what rotates begins each round with tokens that were never shown.
Loads = Mapping[str, Callable[[int], Load]]


def measure(run: Run) -> None:
    """Rounds in which ours and every peer that is there take turns."""
    with ExitStack() as stack:
        loads = dict(_ours(run, run.server))
        for name in PEERS:
            try:
                loads |= stack.enter_context(_peer(run, name))
            except (OSError, RuntimeError) as error:
                run.absent[name] = f"not measured: {error}"
        for number in range(run.rounds):
            values = {name: _rate(run, name, load(number)) for name, load in loads.items()}
            sessions = [values[f"{peer}_session"] for peer in PEERS if f"{peer}_session" in values]
            if sessions:
                best = values["ours_check"] / max(sessions)
                run.figures.note(machine.Watch(), check_of_best=best)
            found = {ratio: pair for ratio, pair in RATIOS.items() if pair[1] in values}
            for ratio, (mine, theirs) in found.items():
                run.figures.note(machine.Watch(), **{ratio: values[mine] / values[theirs]})


def _rate(run: Run, name: str, load: Load) -> float:
    with machine.watching() as watch:
        tally = generator.run(load)
    require_good(tally)
    run.figures.note(watch, **{name: tally.per_second})
    return tally.per_second


def _ours(run: Run, server: Served) -> Loads:
    """The same of ours. Session checks are `users/me`, by the full path."""
    port, people = server.port, run.prepared.emails
    logins = [served.login(port, email) for email in people]
    sessions = [served.me(port, token) for token in run.prepared.tokens]
    shown = [checks.check(port, token) for token in run.prepared.tokens]
    return {
        "ours_login": lambda _: _load(run, port, "login", logins),
        "ours_session": lambda _: _load(run, port, "session", sessions),
        "ours_check": lambda _: _load(run, port, "session", shown),
        "ours_refresh": lambda _: dialects.rotating(port, dialects.families(server, people), run.seconds),
    }


def _load(run: Run, port: int, asked: str, requests: Sequence[str]) -> Load:
    return Load(port, requests, CONNECTIONS[asked], run.seconds, WARM)


@contextmanager
def _peer(run: Run, name: str) -> Iterator[Loads]:
    """A peer that runs while the body does. `RuntimeError` when it is not there, or does not start."""
    home = Path(os.environ.get("BENCH_HOME", Path.home() / ".cache" / "dragoman-bench"))
    place = home / "peers" / name
    if not place.is_dir():
        raise RuntimeError("it is not installed in BENCH_HOME")
    port, data, log = served.free_port(), run.folder / name, run.folder / f"{name}.log"
    data.mkdir()
    environment = {**os.environ, "PORT": str(port), "DATA": str(data), "BENCH_HOME": str(home)}
    with log.open("ab") as said:
        process = subprocess.Popen(
            [str(place / "start")], stdout=said, stderr=said, env=environment, start_new_session=True
        )
    try:
        peer, base = _module(place), f"http://127.0.0.1:{port}"
        _await(process, base + peer.READY, log)
        operations = peer.ops(base)
        yield {
            f"{name}_{asked}": _asking(run, port, asked, operations[asked])
            for asked in ASKED
            if asked in operations
        }
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)


def _module(place: Path) -> Any:
    """A peer's own description of what it can be asked."""
    library = str(place.parents[1] / "lib")
    if library not in sys.path:
        sys.path.insert(0, library)
    spec = importlib.util.spec_from_file_location(place.name.replace("-", "_"), place / "peer.py")
    if spec is None or spec.loader is None:
        raise RuntimeError("it does not say what it can be asked")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.05)
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it says nothing"]
    raise RuntimeError(f"it does not start ({last[0][:200]})")


def _asking(run: Run, port: int, asked: str, operation: Any) -> Callable[[int], Load]:
    """An operation of a peer's as a load. What it rotates is dealt out to the rounds."""
    if asked != "refresh":
        requests = [_message(port, *each) for each in operation.reqs]
        return lambda _: _load(run, port, asked, requests)
    many = CONNECTIONS[asked]
    body = operation.f % operation.t[0]
    template = _message(port, "POST", operation.path, operation.h, body).replace(operation.t[0], TOKEN)
    found = operation.pat
    return lambda number: Load(
        port,
        [template],
        many,
        run.seconds,
        WARM,
        tokens=(operation.t * run.rounds)[number * many :][:many],
        next_token=found,
    )


def _message(port: int, method: str, path: str, headers: Mapping[str, str], body: str | None) -> str:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *(f"{n}: {v}" for n, v in headers.items()),
    ]
    return "\r\n".join([*lines, f"Content-Length: {len(body or '')}", "", body or ""])
