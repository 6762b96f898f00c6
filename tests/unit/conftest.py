"""The command line's verbs in an installation of the test's own, and a core on SQLite alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.command import Command
from tests.fakes import FakeClock, rules

from dragoman.core.database import Database
from dragoman.core.passwords import Hasher
from dragoman.core.work import Core, Tools


@pytest.fixture
def command(tmp_path: Path, sqlite_template: Path) -> Command:
    """Verbs in a folder with an empty database of the current schema."""
    (tmp_path / "data").mkdir()
    shutil.copy(sqlite_template, tmp_path / "data" / "dragoman.db")
    return Command(tmp_path)


@pytest.fixture
def sqlite_core(sqlite_url: str, clock: FakeClock, hasher: Hasher) -> Iterator[Core]:
    """A core on SQLite, for what no engine can change."""
    database = Database(sqlite_url, connections=24)
    yield Core(database, Tools(hasher, clock=clock), rules())
    database.dispose()
