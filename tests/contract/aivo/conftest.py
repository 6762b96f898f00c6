"""Servers that speak Aivo: shared by a module where accounts keep its tests apart, or a test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.conftest import ENGINES, MASTER_KEY
from tests.contract.aivo.speech import House, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.postgres import fresh_postgres
from tests.running import Running, configured, running

# Tests that share a server share its address, so that only guesses at one account are slowed down there.
ROOMY = {"throttle": {"address_free_attempts": 1_000_000}, "master_key": MASTER_KEY}


@pytest.fixture(scope="module", params=ENGINES)
def house(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A server on each engine, shared by the tests of a module."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = stack.enter_context(fresh_postgres())
        else:
            file = tmp_path_factory.mktemp("house") / "dragoman.db"
            shutil.copy(sqlite_template, file)
            url = f"sqlite:///{file}"
        served = stack.enter_context(running(configured(url, **ROOMY), cheap_hasher(), FakeClock()))
        yield stack.enter_context(visiting(served))


@pytest.fixture
def own(sqlite_server: Running) -> Iterator[House]:
    """A server on SQLite of the test's own."""
    with visiting(sqlite_server) as house:
        yield house
