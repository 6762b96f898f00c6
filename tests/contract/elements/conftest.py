"""Servers that speak ELEMENTS: shared by a module where accounts keep its tests apart, or a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.contract.elements.speech import House, Page, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.houses import ROOMY
from tests.running import Running, configured, running

from dragoman.core.accounts import Account


@pytest.fixture(scope="module")
def house(another_sqlite: Callable[[], str]) -> Iterator[House]:
    """A server on SQLite, shared by the tests of a module."""
    with (
        running(configured(another_sqlite(), **ROOMY), cheap_hasher(), FakeClock()) as served,
        visiting(served) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def admin(house: House) -> Account:
    """An administrator of the shared server."""
    return house.account(username="admin", is_admin=True)


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


@pytest.fixture
def page(house: House) -> Page:
    """A page on which nobody is signed in yet."""
    return Page(house)
