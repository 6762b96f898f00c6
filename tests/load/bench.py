"""`make bench`: what Dragoman does a second and what that costs, beside bare servers, bare hashes and its peers.

Every figure is the median of several rounds. What is compared takes turns, so that a machine which others use
slows both; a round in which others used more than a tenth of a core is left out while there are better ones.
The servers, each load generator and the bare hash are processes of their own.
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

# Run as a file, as make does, Python looks beside it and not in the project folder.
sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from tests.load import dialects, footprint, gateways, logins, machine, peers, published, served, workers
from tests.load.bench_run import Run
from tests.load.figures import Figure, Figures

ACCOUNTS = 64
WIDTH = 120

SECTIONS: Mapping[str, tuple[Sequence[Figure], Callable[[Run], None]]] = {
    "start": (footprint.FIGURES, footprint.measure),
    "check": (gateways.FIGURES, gateways.measure),
    "me": (dialects.WHO_AM_I, dialects.who_am_i),
    "login": (logins.FIGURES, logins.measure),
    "refresh": (dialects.REFRESH, dialects.refresh),
    "workers": (workers.FIGURES, workers.measure),
    "peers": (peers.FIGURES, peers.measure),
}
FIGURES = tuple(figure for figures, _ in SECTIONS.values() for figure in figures)


def main(arguments: Sequence[str] | None = None) -> None:
    """The program. `arguments` are the process's own unless given."""
    told = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)  # so that the servers are stopped and the folder removed
    figures = Figures(FIGURES)
    with tempfile.TemporaryDirectory(prefix="dragoman-bench-", dir=told.folder) as folder:
        prepared = served.prepare(f"sqlite:///{folder}/dragoman.db", ACCOUNTS)
        run = Run(Path(folder), figures, prepared, told.seconds, told.rounds, told.sessions)
        with run.stack:
            for name in told.only or SECTIONS:
                print(f"… {name}", file=sys.stderr)
                SECTIONS[name][1](run)
    repeat, facts = _command(told), {**machine.facts(), **run.absent}
    if told.json:
        print(json.dumps({"repeat": repeat, "machine": facts, "figures": figures.as_json()}, indent=2))
    elif told.markdown:
        print(published.markdown(figures, facts, repeat))
    else:
        _show(figures, facts, repeat)
    if told.publish:
        published.publish(figures, facts, repeat, told.publish)


def _show(figures: Figures, facts: Mapping[str, str], repeat: str) -> None:
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
    parser.add_argument(
        "--sessions", type=int, default=1_000_000, help="of how many sessions one is checked (1000000)"
    )
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), help="these parts alone")
    parser.add_argument("--folder", type=Path, help="where the database is made, and removed again")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print JSON, sample by sample")
    shown.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    parser.add_argument(
        "--publish",
        type=Path,
        metavar="PAGE",
        help="write the table into this page, between its marks, and a plot beside it",
    )
    return parser


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


def _command(told: argparse.Namespace) -> str:
    said = ["--seconds", f"{told.seconds:g}", "--rounds", str(told.rounds)]
    said += ["--sessions", str(told.sessions)] if told.sessions != 1_000_000 else []
    said += ["--only", *told.only] if told.only else []
    said += ["--folder", str(told.folder)] if told.folder else []
    return f"make bench ARGS={shlex.quote(' '.join(said))}"


if __name__ == "__main__":
    main()
