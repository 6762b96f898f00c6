"""kill -9 in the middle of `dragoman db copy` or `dragoman restore`: the one goes on, of the other there is all or nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text
from tests.fakes import START
from tests.filled import fill
from tests.postgres import fresh_postgres, tools

from dragoman import migrations
from dragoman.backups.making import make
from dragoman.backups.restoring import restore
from dragoman.core import contents
from dragoman.core.contents import Content
from dragoman.core.database import Database
from dragoman.core.master_keys import MasterKeys
from dragoman.core.secrets import Secret
from dragoman.core.tables import metadata
from dragoman.migrations import Unfinished
from dragoman.moving import move

KEYS = MasterKeys([bytes(range(32))])
WITHIN = 60.0  # seconds
BATCHES = 40  # that a copy writes before it is killed: a third of them
# Processes that begin as this module, and as one thread: nothing that others in here hold is held in them.
CLEAN = multiprocessing.get_context("forkserver")
CLEAN.set_forkserver_preload([__name__])

pytestmark = pytest.mark.postgres


@contextmanager
def empty(engine: str, file: Path) -> Iterator[Database]:
    """A database of an engine, with nothing in it."""
    with ExitStack() as stack:
        url = (
            f"sqlite:///{file}" if engine == "sqlite" else stack.enter_context(fresh_postgres(migrated=False))
        )
        database = Database(url, connections=2)
        stack.callback(database.dispose)
        yield database


def held(database: Database) -> dict[str, Content]:
    """What each table holds."""
    with database.reading() as db:
        return contents.contents(db, metadata.sorted_tables)


def begun(target: Callable[..., None], *given: Any) -> Any:
    """A process of its own that does this."""
    process = CLEAN.Process(target=target, args=given)
    process.start()
    return process


# --- db copy --------------------------------------------------------------------------------------------


def copy_some(source: str, target: str, batches: int) -> None:
    """Copy, and be killed after so many batches."""
    contents.AT_ONCE = 2
    left, begun_tables = iter(range(batches)), set[str]()

    def watch(table: str, _rows: int) -> None:
        # The first word on a table is of the rows that were there already.
        if table in begun_tables and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        begun_tables.add(table)

    move(Database(source, connections=2), Database(target, connections=2), watch)


@pytest.mark.parametrize("way", [("sqlite", "postgresql"), ("postgresql", "sqlite")], ids="-to-".join)
def test_a_copy_that_is_killed_goes_on(tmp_path: Path, way: tuple[str, str]) -> None:
    """Killed as often as it may be, a copy is served by nobody; the run that is not killed ends it, and all is there."""
    here, there = way
    with empty(here, tmp_path / "from.db") as source, empty(there, tmp_path / "to.db") as target:
        migrations.bring_up(source)
        fill(source)
        codes: list[int] = []
        while not codes or codes[-1] != 0:
            process = begun(copy_some, source.url, target.url, BATCHES)
            process.join(WITHIN)
            codes.append(process.exitcode)
            assert codes[-1] in (0, -signal.SIGKILL)
            if codes[-1] != 0:
                with pytest.raises(Unfinished, match="run the same `dragoman db copy` again"):
                    migrations.bring_up(target)
        assert len(codes) > 2
        assert migrations.revision(target) == migrations.HEAD
        assert held(target) == held(source)


# --- restore --------------------------------------------------------------------------------------------


def put_back(file: Path, url: str, path: str) -> None:
    """Restore a backup, whatever is there."""
    environ = {**os.environ, "PATH": path}
    restore(
        file,
        Database(url, connections=1),
        KEYS,
        ask=lambda: Secret(""),
        replace=True,
        keep_open=True,
        environ=environ,
    )


def under_way_on_sqlite(database: Database) -> bool:
    """Whether pages of the file are being replaced: there is what they were."""
    return Path(f"{database.file}-journal").exists()


def under_way_on_postgresql(database: Database) -> bool:
    """Whether tables are gone that were there, as far as the process that is restoring sees."""
    url = make_url(database.url)
    with psycopg.connect(host=url.query["host"], user="postgres", dbname="postgres") as db:  # type: ignore[arg-type]
        found = db.execute(
            "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE d.datname = %s AND mode = 'AccessExclusiveLock'",
            [url.database],
        )
        return found.fetchone() is not None


@pytest.mark.parametrize(
    "way",
    [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "postgresql")],
    ids="-to-".join,
)
def test_of_a_restore_that_is_killed_nothing_is_there(tmp_path: Path, way: tuple[str, str]) -> None:
    """Killed while it replaces what was there, a restore leaves that as it was; the next one puts all in its place."""
    here, there = way
    path = f"{tools()}:{os.environ['PATH']}"
    (tmp_path / "old").mkdir()
    with empty(here, tmp_path / "new.db") as source, empty(there, tmp_path / "old" / "d.db") as target:
        for database, rows in ((source, 5), (target, 3)):
            migrations.bring_up(database)
            fill(database, rows=rows)
            with database.writing() as db:
                db.execute(text("UPDATE data_keys SET master_id = :id"), {"id": KEYS.first.id})
                # So much that it cannot be done in a moment, and not in memory alone.
                db.execute(text("UPDATE avatars SET picture = :x"), {"x": os.urandom(2_000_000)})
        file = tmp_path / "backup"
        make(source, KEYS, file, passphrase=None, now=START, environ={**os.environ, "PATH": path})
        old, new = held(target), held(source)
        assert old != new
        target.dispose()
        under_way = under_way_on_sqlite if there == "sqlite" else under_way_on_postgresql
        restoring = begun(put_back, file, target.url, path)
        deadline = time.monotonic() + WITHIN
        while not under_way(target):
            assert restoring.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        restoring.kill()
        restoring.join(WITHIN)
        assert restoring.exitcode == -signal.SIGKILL
        assert held(target) == old
        target.dispose()
        again = begun(put_back, file, target.url, path)
        again.join(WITHIN)
        assert again.exitcode == 0
        assert held(target) == new
