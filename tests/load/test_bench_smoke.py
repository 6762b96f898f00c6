"""The benchmark itself: that it runs, and leaves nothing out. What it measures is judged by people."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.load import generator
from tests.load.bench import FIGURES
from tests.load.figures import Figure, Figures
from tests.load.machine import Watch

BENCH = Path(__file__).parent / "bench.py"


@pytest.mark.slow
def test_one_short_round_measures_every_figure_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """A run, however short, gives every figure a positive value, says how to repeat it, and cleans up."""
    said = ["--seconds", "0.4", "--rounds", "1", "--folder", str(tmp_path)]
    ended = subprocess.run(
        [sys.executable, BENCH, "--json", *said], capture_output=True, text=True, timeout=90, check=False
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert list(told["figures"]) == [figure.name for figure in FIGURES]
    # Refusals there may be none of, and what a sign-in costs beside its hash drowns in so short a round. Nor
    # need anybody get through in it to a server that is flooded, on two cores that run other tests meanwhile.
    flooded = {"refused", *(name for name in told["figures"] if name.startswith("rude_"))}
    always = set(told["figures"]) - {*flooded, "login_cpu"}
    assert [name for name in always if told["figures"][name]["median"] <= 0] == []
    assert told["repeat"] == f"make bench ARGS='--seconds 0.4 --rounds 1 --folder {tmp_path}'"
    assert list(tmp_path.iterdir()) == []


def test_disturbed_rounds_count_only_where_there_are_no_others() -> None:
    """A round in which others used more than a tenth of a core is left out, unless all were like that."""
    figures = Figures([Figure("both", ""), Figure("disturbed", "")])
    figures.note(Watch(others=0.1), both=1.0)
    figures.note(Watch(others=0.11), both=9.0, disturbed=9.0)
    shown = figures.as_json()
    assert {name: figure["median"] for name, figure in shown.items()} == {"both": 1.0, "disturbed": 9.0}


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.8, "reached"), (0.81, "within the limit"), (1.2, "within the limit"), (1.21, "missed")],
)
def test_a_verdict_tells_the_goal_from_the_limit(value: float, verdict: str) -> None:
    """What reaches its goal, what only keeps its limit, and what misses both are told apart."""
    assert verdict in Figure("start", "", goal=0.8, limit=1.2, less=True).verdict(value)


def test_a_generator_that_cannot_connect_fails_instead_of_reporting_nothing(unused_port: int) -> None:
    """Without a server there is no tally, but an error."""
    with pytest.raises(RuntimeError, match="load generator failed"):
        generator.run(generator.Load(unused_port, ["GET / HTTP/1.1\r\n\r\n"], 1, 0.1, 0.0))


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    from tests.load.served import free_port

    return free_port()
