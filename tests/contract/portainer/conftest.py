"""Servers that speak Portainer: shared by a module where accounts keep its tests apart, or a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.contract.portainer.speech import House, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.houses import ROOMY
from tests.running import Running, configured, running


@pytest.fixture(scope="module")
def house(another_sqlite: Callable[[], str]) -> Iterator[House]:
    """A server on SQLite with an administrator, whose number is 1, shared by the tests of a module."""
    with (
        running(configured(another_sqlite(), **ROOMY), cheap_hasher(), FakeClock()) as served,
        visiting(served) as made,
    ):
        made.account(username="admin", is_admin=True)
        yield made


@pytest.fixture
def own(sqlite_server: Running) -> Iterator[House]:
    """A server on SQLite of the test's own, on which nobody has an account yet."""
    with visiting(sqlite_server) as made:
        yield made


@pytest.fixture
def owns(server: Running) -> Iterator[House]:
    """A server on each engine of the test's own, on which nobody has an account yet."""
    with visiting(server) as made:
        yield made
