"""Cores that can seal, and two people who call."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.fakes import FakeClock, cheap_hasher, rules
from tests.people import BOB, calling, sealing, somebody

from dragoman.core.database import Database
from dragoman.core.principals import Principal
from dragoman.core.work import Core, Tools


@pytest.fixture
def sealed(core: Core) -> Core:
    """A core on each engine that can seal, with Alice."""
    made = sealing(core)
    somebody(made)
    return made


@pytest.fixture
def sealed_sqlite(sqlite_core: Core) -> Core:
    """The same on SQLite alone."""
    made = sealing(sqlite_core)
    somebody(made)
    return made


@pytest.fixture(scope="module")
def kept_core(another_sqlite: Callable[[], str]) -> Iterator[Core]:
    """A core that can seal, on SQLite, kept for all examples of a property."""
    database = Database(another_sqlite(), connections=2)
    yield sealing(Core(database, Tools(cheap_hasher(), clock=FakeClock()), rules()))
    database.dispose()


@pytest.fixture
def alice(core: Core) -> Principal:
    """Somebody, signed in."""
    return calling(core, somebody(core))


@pytest.fixture
def bob(core: Core) -> Principal:
    """Somebody else, signed in."""
    return calling(core, somebody(core, BOB))
