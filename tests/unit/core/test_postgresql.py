"""PostgreSQL that goes away, changes its role, freezes or is never reached: nobody waits long, and all is well after."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from tests.fakes import ORIGIN, cheap_hasher, rules
from tests.postgres import postgres_server

from dragoman.core import postgresql
from dragoman.core.database import Database
from dragoman.core.errors import Unavailable
from dragoman.core.postgresql import SESSION
from dragoman.core.work import Core, Tools

pytestmark = pytest.mark.postgres


@pytest.fixture
def url() -> Iterator[URL]:
    """A PostgreSQL database of the test's own, with nothing in it."""
    server = postgres_server()
    name = server.create("template1")
    yield make_url(server.url(name))
    server.drop(name)


@contextmanager
def core_on(url: URL, **query: str) -> Iterator[Core]:
    """A core on a database, with something more in the query of its URL."""
    database = Database(url.update_query_dict(query), connections=4)
    yield Core(database, Tools(cheap_hasher()), rules())
    database.dispose()


def asked(core: Core, statement: str = "SELECT 1", *, writes: bool = False) -> Any:
    """What a statement says, in a unit of its own."""
    with core.begin(ORIGIN, writes=writes) as uow:
        return uow.db.scalar(text(statement))


def after(core: Core, meanwhile: Callable[[], object], first: str = "SELECT 1") -> Any:
    """What the second statement of a unit says, when something happens after the first."""
    with core.begin(ORIGIN, writes=True) as uow:
        uow.db.execute(text(first))
        meanwhile()
        return uow.db.scalar(text("SELECT 1"))


def all_lent(core: Core) -> None:
    """Have every connection of the pool made."""
    ready = threading.Barrier(4)

    def lend(_number: int) -> None:
        with core.begin(ORIGIN, writes=False):
            ready.wait(10)

    with ThreadPoolExecutor(4) as crowd:
        list(crowd.map(lend, range(4)))


def test_connections_that_the_server_ended_cost_nobody_an_answer(url: URL) -> None:
    """After a restart of the server each connection is made anew before it is lent, and no unit fails."""
    with core_on(url) as core:
        all_lent(core)
        postgres_server().hang_up(str(url.database))
        assert [asked(core, writes=writes) for writes in (True, False) * 4] == [1] * 8
        all_lent(core)


def test_a_connection_that_is_lost_within_a_unit_is_no_answer(url: URL) -> None:
    """A unit whose connection is ended in the middle cannot tell, and the next one can."""
    with core_on(url) as core:
        with pytest.raises(Unavailable):
            after(core, lambda: postgres_server().hang_up(str(url.database)))
        assert asked(core) == 1


def test_a_standby_is_not_taken_for_the_database(url: URL) -> None:
    """Where nothing can be written nobody is served, and all is well once it can."""
    server = postgres_server()
    with core_on(url) as core:
        server.execute(f"ALTER DATABASE {url.database} SET default_transaction_read_only = on")
        with pytest.raises(Unavailable, match="read-only"):
            asked(core)
        server.execute(f"ALTER DATABASE {url.database} RESET default_transaction_read_only")
        assert asked(core) == 1


def test_a_row_that_somebody_keeps_is_not_waited_for_for_ever(url: URL) -> None:
    """Who waits longer for a lock than is allowed cannot tell, and holds nothing up."""
    with core_on(url, options="-c lock_timeout=50ms") as core:
        with core.begin(ORIGIN, writes=True) as uow:
            uow.db.execute(text("CREATE TABLE things (id int)"))
        with core.begin(ORIGIN, writes=True) as uow:
            uow.db.execute(text("LOCK things"))
            with pytest.raises(Unavailable, match="lock timeout"):
                asked(core, "SELECT count(*) FROM things", writes=True)
        assert asked(core, "SELECT count(*) FROM things") == 0


def test_a_unit_that_froze_locks_nobody_out(url: URL) -> None:
    """A unit that does nothing for too long is ended by the server: it cannot tell, and others go on."""
    with core_on(url, options="-c idle_in_transaction_session_timeout=50ms") as core:
        with pytest.raises(Unavailable):
            after(core, lambda: time.sleep(0.3), "SELECT pg_advisory_xact_lock(1)")
        assert asked(core, "SELECT pg_try_advisory_xact_lock(1)", writes=True) is True


def test_a_server_that_falls_silent_is_given_up(url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing is heard, not even of the statement's own end, the connection is given up, not waited on."""
    monkeypatch.setattr(postgresql.Impatient.wait, "__defaults__", (0.1, 0.3))
    with core_on(url) as core:
        assert asked(core) == 1
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="no answer within"):
            asked(core, "SELECT pg_sleep(20)")
        assert time.monotonic() - begun < 3
        assert asked(core) == 1


def test_a_machine_that_swallows_everything_is_asked_once_a_second() -> None:
    """Who connects to a machine that never answers waits as long as is allowed, and the others not at all."""
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = make_url(f"postgresql+psycopg://dragoman@127.0.0.1:{silent.getsockname()[1]}/dragoman")
        with core_on(url, connect_timeout="2") as core:
            waits = []
            for _ in range(3):
                begun = time.monotonic()
                with pytest.raises(Unavailable):
                    asked(core)
                waits.append(time.monotonic() - begun)
    assert 1 < waits[0] < 4
    assert max(waits[1:]) < 0.5


def test_sessions_are_bounded_by_the_server_too(url: URL) -> None:
    """Each session is told its limits, but for those that the URL names itself."""
    with core_on(url, options="-c statement_timeout=7s") as core:
        told = {name: asked(core, f"SHOW {name}") for name in SESSION}
    assert told == {**SESSION, "statement_timeout": "7s"}
