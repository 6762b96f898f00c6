"""The benchmark itself: that it runs, and leaves nothing out. What it measures is judged by people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.load import generator
from tests.load.bench import SECTIONS
from tests.load.figures import Figure, Figures
from tests.load.machine import Watch
from tests.load.peers import ASKED, PEERS, RATIOS
from tests.load.published import BEGIN, END, publish

BENCH = Path(__file__).parent / "bench.py"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_short_round_measures_every_figure_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """A run, however short, gives every figure a positive value, says how to repeat it, and cleans up."""
    # Checks and a second worker need more of a machine than a suite leaves.
    parts = ["start", "me", "login", "refresh", "peers"]
    said = ["--seconds", "0.2", "--rounds", "1", "--only", *parts, "--folder", str(tmp_path)]
    # The peers of this machine are no part of the suite.
    nobody = {**os.environ, "BENCH_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, BENCH, "--json", *said],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env=nobody,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    theirs = {f"{peer}_{asked}" for peer in PEERS for asked in ASKED} | {*RATIOS, "check_of_best"}
    expected = [figure.name for part in parts for figure in SECTIONS[part][0]]
    assert list(told["figures"]) == [name for name in expected if name not in theirs]
    assert {told["machine"][peer] for peer in PEERS} == {"not measured: it is not installed in BENCH_HOME"}
    # Refusals there may be none of, and what a sign-in costs beside its hash drowns in so short a round. Nor
    # need anybody get through in it to a server that is flooded, on two cores that run other tests meanwhile.
    flooded = {"refused", *(name for name in told["figures"] if name.startswith("rude_"))}
    always = set(told["figures"]) - {*flooded, "login_cpu"}
    assert [name for name in always if told["figures"][name]["median"] <= 0] == []
    assert (
        told["repeat"]
        == f"make bench ARGS='--seconds 0.2 --rounds 1 --only start me login refresh peers --folder {tmp_path}'"
    )
    assert list(tmp_path.iterdir()) == []


def test_disturbed_rounds_count_only_where_there_are_no_others() -> None:
    """A round in which others used more than a tenth of a core is left out, unless all were like that."""
    figures = Figures([Figure("both", ""), Figure("disturbed", "")])
    figures.note(Watch(others=0.1), both=1.0)
    figures.note(Watch(others=0.11), both=9.0, disturbed=9.0)
    shown = figures.as_json()
    assert {name: figure["median"] for name, figure in shown.items()} == {"both": 1.0, "disturbed": 9.0}


def test_a_run_is_published_between_the_marks_of_a_page(tmp_path: Path) -> None:
    """The table takes the place of the one before, the rest of the page stays, and a plot lies beside it."""
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    figures = Figures([Figure("start", "start & stop", "s", goal=0.8, less=True), Figure("absent", "")])
    figures.note(Watch(), start=1.6)
    publish(figures, {"processor": "one"}, "make bench", page)
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith(f"{END}\nbelow\n")
    assert "old" not in text
    assert "| start & stop | 1.6 s | ≤ 0.8 | missed |" in text
    drawn = ET.fromstring(page.with_suffix(".svg").read_text())  # noqa: S314 - our own
    assert [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")] == [
        "start & stop",
        "0.50",
        "goal",
    ]


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
