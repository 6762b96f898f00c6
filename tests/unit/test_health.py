"""Whether a server answers, and whether it should be sent requests: said within a bounded time."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx2
import pytest
from tests.running import Running

from dragoman import health


def test_a_database_that_takes_its_time_is_not_waited_for(
    sqlite_server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing can be read, `/readyz` says 503 and when to ask again after its patience, and `/healthz` 200 at once."""
    monkeypatch.setattr(health, "PATIENCE", timedelta(milliseconds=50))
    database = sqlite_server.core.database
    lent = [database.engine.connect() for _ in range(database.connections)]
    unready = httpx2.get(f"{sqlite_server.url}/readyz", trust_env=False)
    assert (unready.status_code, unready.headers["retry-after"]) == (503, "1")
    assert json.loads(unready.text) == {"status": "the database does not answer"}
    assert unready.elapsed < timedelta(milliseconds=900)  # the pool's own patience is a second
    assert httpx2.get(f"{sqlite_server.url}/healthz", trust_env=False).status_code == 200
    for connection in lent:
        connection.close()
    monkeypatch.undo()
    assert httpx2.get(f"{sqlite_server.url}/readyz", trust_env=False).status_code == 200
