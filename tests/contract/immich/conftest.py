"""Servers that speak Immich: shared by a module where accounts keep its tests apart, or a test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.conftest import ENGINES, MASTER_KEY
from tests.contract.immich.speech import House, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.postgres import fresh_postgres
from tests.running import Running, configured, running

# Tests that share a server share its address, so that only guesses at one account are slowed down there.
ROOMY = {"throttle": {"address_free_attempts": 1_000_000}, "master_key": MASTER_KEY}


def house_at(url: str) -> Iterator[House]:
    """A server with an administrator on this database."""
    with running(configured(url, **ROOMY), cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        house.account(email="admin@example.com", display_name="Ada", is_admin=True)
        yield house


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server on SQLite with an administrator, shared by the tests of a module."""
    file = tmp_path_factory.mktemp("house") / "dragoman.db"
    shutil.copy(sqlite_template, file)
    yield from house_at(f"sqlite:///{file}")


@pytest.fixture(scope="module", params=ENGINES)
def houses(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A server on each engine with an administrator, shared by the tests of a module."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = stack.enter_context(fresh_postgres())
        else:
            file = tmp_path_factory.mktemp("houses") / "dragoman.db"
            shutil.copy(sqlite_template, file)
            url = f"sqlite:///{file}"
        yield from house_at(url)


@pytest.fixture
def own(sqlite_server: Running) -> Iterator[House]:
    """A server on SQLite of the test's own, on which nobody has an account yet."""
    with visiting(sqlite_server) as house:
        yield house


@pytest.fixture
def owns(server: Running) -> Iterator[House]:
    """A server on each engine of the test's own, on which nobody has an account yet."""
    with visiting(server) as house:
        yield house
