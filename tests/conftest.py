"""Fixtures for all: a core and a server on each engine, with a clock to set and hashes that cost little."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from tests.fakes import FakeClock, cheap_hasher, rules
from tests.postgres import fresh_postgres
from tests.running import Running, configured, running

from dragoman.core.database import Database
from dragoman.core.passwords import Hasher
from dragoman.core.work import Core, Tools
from dragoman.migrations import bring_up

hypothesis.settings.register_profile("short", max_examples=30, deadline=None)
hypothesis.settings.register_profile("long", max_examples=5000, deadline=None)
# Whoever runs the tests in the background may have Ctrl+C ignored, and every program they start would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture
def clock() -> FakeClock:
    """The time, which stands until the test moves it."""
    return FakeClock()


@pytest.fixture
def hasher() -> Hasher:
    """Argon2id at a cost that tests can pay."""
    return cheap_hasher()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with the current schema, to be copied."""
    file = tmp_path_factory.mktemp("template") / "dragoman.db"
    database = Database(f"sqlite:///{file}", connections=1)
    bring_up(database)
    database.dispose()
    return file


@pytest.fixture(scope="session")
def another_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes SQLite databases with the current schema, for what several tests share."""

    def made() -> str:
        file = tmp_path_factory.mktemp("shared") / "dragoman.db"
        shutil.copy(sqlite_template, file)
        return f"sqlite:///{file}"

    return made


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An SQLite database of the test's own."""
    file = tmp_path / "dragoman.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own, on each engine in turn."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            yield stack.enter_context(fresh_postgres())
        else:
            yield request.getfixturevalue("sqlite_url")


@pytest.fixture
def core(database_url: str, clock: FakeClock, hasher: Hasher) -> Iterator[Core]:
    """A core on each engine."""
    database = Database(database_url, connections=24)
    yield Core(database, Tools(hasher, clock=clock), rules())
    database.dispose()


MASTER_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture
def server(database_url: str, clock: FakeClock, hasher: Hasher) -> Iterator[Running]:
    """A server on each engine, over real HTTP."""
    with running(configured(database_url, master_key=MASTER_KEY), hasher, clock) as served:
        yield served


@pytest.fixture
def sqlite_server(sqlite_url: str, clock: FakeClock, hasher: Hasher) -> Iterator[Running]:
    """A server on SQLite, for what no engine can change."""
    with running(configured(sqlite_url, master_key=MASTER_KEY), hasher, clock) as served:
        yield served
