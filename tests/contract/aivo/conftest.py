"""Servers that speak Aivo: shared by a module where accounts keep its tests apart, or a test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contract.aivo.speech import House, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.houses import ROOMY
from tests.running import Running, configured, running


@pytest.fixture(scope="module")
def house(shared_url: str) -> Iterator[House]:
    """A server on each engine, shared by the tests of a module."""
    settings = configured(shared_url, **ROOMY)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as made:
        yield made


@pytest.fixture
def own(sqlite_server: Running) -> Iterator[House]:
    """A server on SQLite of the test's own."""
    with visiting(sqlite_server) as house:
        yield house
