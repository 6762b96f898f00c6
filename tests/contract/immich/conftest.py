"""Servers that speak Immich: shared by a module where accounts keep its tests apart, or a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.immich.speech import House, visiting
from tests.contract.immich.spoken import NAMES, speaking, speaking_at
from tests.running import Running


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server on SQLite with an administrator, shared by the tests of a module."""
    with speaking(NAMES[0], sqlite_template, tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="module")
def houses(shared_url: str) -> Iterator[House]:
    """A server on each engine with an administrator, shared by the tests of a module."""
    with speaking_at(shared_url, NAMES[0]) as house:
        yield house


@pytest.fixture(scope="module", params=NAMES)
def spoken(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, House]]:
    """A server on SQLite with an administrator for each release, and which it is, shared by a module's tests."""
    with speaking(request.param, sqlite_template, tmp_path_factory.mktemp("spoken")) as house:
        yield request.param, house


@pytest.fixture(params=NAMES)
def fresh(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[tuple[str, House]]:
    """A server of the test's own for each release, and which it is, on which nobody ever had an account."""
    with speaking_at(sqlite_url, request.param) as house:
        house.start_over()
        yield request.param, house


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
