"""What is checked of security is listed in docs/security-checks.md: each check with its tests, which bear its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dragoman

ROOT = Path(__file__).parents[2]
LIST = ROOT / "docs" / "security-checks.md"
CHECKS = ROOT.parent / "shared" / "checks" / "security.md"
ROW = re.compile(r"^\| ([A-Z]-\d\d) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
KINDS = "KPRSTWX"  # what is not of these is of other documents


def listed() -> dict[str, set[str]]:
    """The files of the tests of each check, as the document lists them."""
    rows = ROW.findall(LIST.read_text(encoding="utf-8"))
    assert len(rows) == len(dict(rows)), "a check is listed twice"
    return {check: set(re.findall(r"`([^`]+\.py)`", files)) for check, files in rows}


def named() -> dict[str, set[str]]:
    """The files of the tests that bear a check's name."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for kind, number in re.findall(rf"^def test_([{KINDS}])_(\d\d)_", file.read_text(), re.MULTILINE):
            found.setdefault(f"{kind}-{number}", set()).add(str(file.relative_to(ROOT / "tests")))
    return found


def test_each_check_is_listed_with_its_tests() -> None:
    """Every check that tests are named after is listed, and in each file that is listed a test bears its name."""
    files, tests = listed(), named()
    assert sorted(files) == sorted(tests)
    assert [check for check in files if not files[check] or files[check] - tests[check]] == []


@pytest.mark.skipif(
    not CHECKS.exists(), reason="the list of checks lies beside the repository, and is not there"
)
def test_no_check_is_forgotten() -> None:
    """Each check of passwords, time, sessions, recovery, keys, pages and passkeys has a test."""
    wanted = re.findall(rf"^\| ([{KINDS}]-\d\d) \|", CHECKS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed()) == sorted(wanted)


def compared(tree: ast.AST) -> Iterator[ast.Compare]:
    """The comparisons in which one side is the text of a secret."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(by, ast.Eq | ast.NotEq) for by in node.ops):
            sides = (node.left, *node.comparators)
            calls = (side.func for side in sides if isinstance(side, ast.Call))
            if any(isinstance(call, ast.Attribute) and call.attr == "reveal" for call in calls):
                yield node


def test_T_03_no_secret_is_compared_letter_by_letter() -> None:
    """Secrets are compared as `Secret`s, which takes the same time wherever they differ, or found by their digests."""
    found = [
        f"{file.name}:{node.lineno}"
        for file in Path(dragoman.__file__).parent.rglob("*.py")
        for node in compared(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert found == []
    assert list(compared(ast.parse("shown.reveal() == kept"))) != []
