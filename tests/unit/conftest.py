"""The command line's verbs in an installation of the test's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.command import Command


@pytest.fixture
def command(tmp_path: Path, sqlite_template: Path) -> Command:
    """Verbs in a folder with an empty database of the current schema."""
    (tmp_path / "data").mkdir()
    shutil.copy(sqlite_template, tmp_path / "data" / "dragoman.db")
    return Command(tmp_path)
