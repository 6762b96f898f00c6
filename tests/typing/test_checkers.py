"""The calls in this folder, judged by both type checkers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy"],
    "pyright": [str(Path(sys.executable).with_name("basedpyright"))],
}
# A call that type-checks under a mark that says it does not, and one that does not without a mark.
BROKEN = """
from dragoman.dialects import immich

def calls(client: immich.Client) -> None:
    client.logout()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.logout(now=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_the_calls_type_check_as_marked_and_a_mark_too_many_is_an_error(checker: str, tmp_path: Path) -> None:
    """Every call of this folder passes or fails as its mark says; a needless mark and a bad call are found."""
    broken = tmp_path / "broken.py"
    broken.write_text(BROKEN)
    calls = sorted(str(file) for file in Path(__file__).parent.glob("*_calls.py"))
    checked = subprocess.run(
        [*CHECKERS[checker], *calls, str(broken)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    errors = [
        line.strip() for line in checked.stdout.splitlines() if "error:" in line or " - error: " in line
    ]
    assert checked.returncode == 1
    assert len(errors) == 2, checked.stdout
    assert {line.split("broken.py:")[1].split(":")[0] for line in errors} == {"5", "6"}
