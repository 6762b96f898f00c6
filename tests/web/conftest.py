"""Fixtures for the pages: a server with Alice, who administers, and Bob, who does not; and browsers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.people import ALICE, BOB, somebody
from tests.running import Running
from tests.visiting import Browser, browsing


@pytest.fixture
def house(sqlite_server: Running) -> Running:
    """A server with Alice and Bob."""
    somebody(sqlite_server.core, ALICE, is_admin=True)
    somebody(sqlite_server.core, BOB)
    return sqlite_server


@pytest.fixture
def browser(house: Running) -> Iterator[Browser]:
    """A browser at which nobody has signed in yet."""
    with browsing(house.url) as opened:
        yield opened
