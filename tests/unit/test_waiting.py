"""A start and its database: how long it is waited for, and what is said meanwhile."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from tests.postgres import postgres_server

from dragoman.core.database import Database
from dragoman.core.errors import Unavailable
from dragoman.waiting import await_database

NOBODY = "postgresql+psycopg://dragoman@127.0.0.1:1/dragoman"


def test_a_start_without_patience_does_not_wait() -> None:
    """Without patience a database that is away is so at once."""
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        await_database(Database(NOBODY), timedelta(0))
    assert time.monotonic() - begun < 1


def test_a_start_says_once_what_it_waits_for_and_how_long() -> None:
    """While it waits a start has said so, with the reason and the bound, once; then it gives up with that reason."""
    with capture_logs() as said, pytest.raises(Unavailable):
        await_database(Database(NOBODY), timedelta(seconds=0.9))
    assert [(each["event"], each["seconds"]) for each in said] == [("waiting for the database", 0.9)]
    assert "refused" in said[0]["why"]


@pytest.mark.postgres
def test_a_start_goes_on_when_the_database_comes() -> None:
    """A database that answers within the patience is all that a start waits for."""
    server = postgres_server()
    name = server.create("template1")
    server.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
    threading.Timer(0.3, server.execute, [f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"]).start()
    database = Database(server.url(name), connections=1)
    await_database(database, timedelta(seconds=20))
    database.dispose()
    server.drop(name)
