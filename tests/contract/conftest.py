"""Databases for servers that the tests of a module share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.conftest import ENGINES
from tests.postgres import fresh_postgres


@pytest.fixture(scope="module", params=ENGINES)
def shared_url(request: pytest.FixtureRequest, another_sqlite: Callable[[], str]) -> Iterator[str]:
    """A database on each engine, for the tests of a module."""
    if request.param == "postgresql":
        with fresh_postgres() as url:
            yield url
    else:
        yield another_sqlite()
