"""Databases for servers that the tests of a module share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import ENGINES
from tests.postgres import fresh_postgres


@pytest.fixture(scope="module", params=ENGINES)
def shared_url(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database on each engine, for the tests of a module."""
    if request.param == "postgresql":
        with fresh_postgres() as url:
            yield url
    else:
        file = tmp_path_factory.mktemp("shared") / "dragoman.db"
        shutil.copy(sqlite_template, file)
        yield f"sqlite:///{file}"
