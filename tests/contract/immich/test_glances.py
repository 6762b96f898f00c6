"""Who am I, at a glance: read where the request arrived, with neither a thread nor a connection of the pool."""

from __future__ import annotations

from contextlib import ExitStack
from typing import cast

from sqlalchemy.pool import QueuePool
from tests.contract.immich.speech import House


def test_who_one_is_is_said_while_everything_else_waits(own: House) -> None:
    """While others hold every connection of the pool, who asks who they are is told, and lists are 503."""
    person = own.person()
    pool = cast("QueuePool", own.core.database.engine.pool)
    with ExitStack() as held:
        for _ in range(pool.size()):
            held.enter_context(own.core.database.engine.connect())
        assert own.call("get_my_user", person.token).json()["id"] == str(person.account.id)
        assert own.call("get_my_user", "nobody's").status_code == 401
        assert own.ask("GET", "/sessions", person.token).status_code == 503
    assert own.ask("GET", "/sessions", person.token).status_code == 200
