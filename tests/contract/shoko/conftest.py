"""Servers that speak Shoko: shared by a module where accounts keep its tests apart, or a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.contract.shoko.speech import House, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.houses import ROOMY
from tests.running import Running, configured, running


@pytest.fixture(scope="module")
def open_house(another_sqlite: Callable[[], str]) -> Iterator[Callable[..., House]]:
    """Makes servers on SQLite with settings of the dialect's, kept for the tests of a module."""
    with ExitStack() as stack:

        def opened(**told: Any) -> House:
            settings = configured(another_sqlite(), **ROOMY, dialects={"shoko": told})
            served = stack.enter_context(running(settings, cheap_hasher(), FakeClock()))
            return stack.enter_context(visiting(served))

        yield opened


@pytest.fixture(scope="module")
def house(open_house: Callable[..., House]) -> House:
    """A server as it is unless it is told otherwise, with an administrator."""
    house = open_house()
    house.account(username="Default", is_admin=True)
    return house


@pytest.fixture(scope="module")
def blank_house(open_house: Callable[..., House]) -> House:
    """A server on which passwords may be blank, with an administrator."""
    house = open_house(blank_passwords=True)
    house.account(username="Default", is_admin=True)
    return house


@pytest.fixture
def own(sqlite_server: Running) -> Iterator[House]:
    """A server on SQLite of the test's own, on which nobody ever had an account."""
    with visiting(sqlite_server) as house:
        yield house


@pytest.fixture
def owns(server: Running) -> Iterator[House]:
    """A server on each engine of the test's own, on which nobody ever had an account."""
    with visiting(server) as house:
        yield house
