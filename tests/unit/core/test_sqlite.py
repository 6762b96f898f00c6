"""SQLite, asked rightly: who writes next, and where its file may lie."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.fakes import do
from tests.people import rows
from tests.racing import at_once

from dragoman.core import sqlite as module
from dragoman.core.accounts import NewAccount, add
from dragoman.core.columns import metadata
from dragoman.core.database import Database
from dragoman.core.errors import DatabaseUnfit, Unavailable
from dragoman.core.sqlite import Turn, file_system_of, set_up_sqlite
from dragoman.core.work import Core


def test_sqlite_is_set_up_to_lose_nothing(sqlite_core: Core) -> None:
    """WAL with full syncs, foreign keys, and deleted content overwritten; a reader is one by its pragma."""
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "query_only": 1,
    }
    with sqlite_core.database.reading() as db:
        assert {name: db.scalar(text(f"PRAGMA {name}")) for name in expected} == expected
    with sqlite_core.database.writing() as db:
        assert db.scalar(text("PRAGMA query_only")) == 0


def test_on_sqlite_writers_take_turns(sqlite_core: Core) -> None:
    """Sixty writers at once all write, none is told that the database is busy, and none waits for a lottery."""
    outcomes = at_once(
        *[lambda n=n: do(sqlite_core, add, NewAccount(username=f"u{n}"), None) for n in range(60)]
    )
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert len(rows(sqlite_core, metadata.tables["accounts"])) == 60


# --- the turn -------------------------------------------------------------------------------------------


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    """Where processes meet."""
    return tmp_path / "lock"


@contextmanager
def in_a_thread(job: Callable[[], object]) -> Iterator[threading.Thread]:
    """Do something beside the body."""
    thread = threading.Thread(target=job)
    thread.start()
    yield thread
    thread.join(10)
    assert not thread.is_alive()


def test_the_turn_goes_by_arrival(lock_file: Path) -> None:
    """Whoever came first writes first, however many wait."""
    turn = Turn(lock_file)
    order: list[int] = []

    def take(number: int) -> None:
        with turn.taken():
            order.append(number)

    threads = [threading.Thread(target=take, args=(n,)) for n in range(20)]
    with turn.taken():
        for n, thread in enumerate(threads):
            thread.start()
            while len(turn._waiting) <= n:
                time.sleep(0.001)
    for thread in threads:
        thread.join(10)
    assert order == list(range(20))
    turn.close()


def test_the_turn_is_one_thread_at_a_time(lock_file: Path) -> None:
    """However many take turns, never two have it."""
    turn = Turn(lock_file)
    inside, most = 0, 0

    def take() -> None:
        nonlocal inside, most
        for _ in range(20):
            with turn.taken():
                inside += 1
                most = max(most, inside)
                time.sleep(0.0001)
                inside -= 1

    at_once(*[take] * 8)
    assert most == 1
    turn.close()


def test_who_waits_too_long_is_told(lock_file: Path) -> None:
    """A turn that does not come within the patience is refused as unavailable, and lost to nobody else."""
    turn = Turn(lock_file, patience=timedelta(seconds=0.05))
    refusals: list[Exception] = []

    def wait() -> None:
        try:
            with turn.taken():
                refusals.append(AssertionError("it had the turn"))
        except Unavailable as refusal:
            refusals.append(refusal)

    with turn.taken():
        at_once(wait, wait, wait)
    assert [type(refusal) for refusal in refusals] == [Unavailable] * 3
    with turn.taken():
        assert not turn._waiting
    turn.close()


class LateGuard:
    """A lock that lets something happen before it is taken for the n-th time."""

    def __init__(self, nth: int, happen: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._left, self._happen = nth, happen

    def __enter__(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._happen()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_turn_handed_over_at_the_last_moment_is_taken(lock_file: Path) -> None:
    """A turn that comes between the end of the patience and giving up is not refused, nor lost."""
    turn = Turn(lock_file, patience=timedelta(seconds=0.05))
    let_go, has_let_go, has_it = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with turn.taken():
            has_it.set()
            let_go.wait(10)
        has_let_go.set()

    def hand_over() -> None:
        let_go.set()
        has_let_go.wait(10)

    with in_a_thread(hold):
        has_it.wait(10)
        # Taken first to stand in line, then to give up: by then the turn is handed over.
        turn._guard = LateGuard(2, hand_over)  # type: ignore[assignment]
        with turn.taken():
            pass
    with turn.taken():
        pass
    turn.close()


HOLD = """
import sys
from pathlib import Path
from dragoman.core.sqlite import Turn
with Turn(Path(sys.argv[1])).taken():
    print("taken", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(lock_file: Path) -> Iterator[subprocess.Popen[str]]:
    """The turn, taken by another process until its stdin is closed."""
    command = [sys.executable, "-c", HOLD, str(lock_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        yield other
        other.kill()


def test_processes_take_turns(lock_file: Path) -> None:
    """While another process writes one waits, is told when it takes too long, and comes after it at once."""
    impatient, patient = Turn(lock_file, timedelta(seconds=0.05)), Turn(lock_file, timedelta(seconds=20))
    with held_by_another_process(lock_file) as other:
        with pytest.raises(Unavailable), impatient.taken():
            pass
        assert other.stdin is not None
        threading.Timer(0.05, other.stdin.close).start()
        with patient.taken(), pytest.raises(Unavailable), impatient.taken():
            pass
    with impatient.taken():
        pass
    impatient.close()
    patient.close()


def test_a_process_that_dies_gives_up_its_turn(lock_file: Path) -> None:
    """A killed process's turn is free at once."""
    turn = Turn(lock_file, timedelta(seconds=10))
    with held_by_another_process(lock_file) as other:
        other.kill()
        with turn.taken():
            pass
    turn.close()


# --- where it may lie -----------------------------------------------------------------------------------


def mode(file: Path) -> str:
    """Who may read and write a file, as `ls` counts."""
    return oct(stat.S_IMODE(file.stat().st_mode))


class Contended(sqlite3.Connection):
    """A connection that is told that a fresh file is busy, the first few times that it turns WAL on."""

    told = 0

    def cursor(self, *_: Any) -> Any:
        """Its only kind of cursor."""
        return super().cursor(ContendedCursor)


class ContendedCursor(sqlite3.Cursor):
    """See `Contended`."""

    def execute(self, statement: str, *values: Any) -> Any:
        """As any cursor, but for the first three of one statement."""
        assert isinstance(self.connection, Contended)
        if statement == "PRAGMA journal_mode=WAL" and self.connection.told < 3:
            self.connection.told += 1
            busy = sqlite3.OperationalError("database is locked")
            busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise busy
        return super().execute(statement, *values)


def test_whoever_opens_a_fresh_file_beside_others_waits_for_them(tmp_path: Path) -> None:
    """SQLite may say without waiting that a file is busy while another connection turns WAL on: it is asked again."""
    connection = sqlite3.connect(tmp_path / "fresh.db", factory=Contended)
    set_up_sqlite(connection, None)  # type: ignore[arg-type]  # the record of the pool is not looked at
    assert connection.told == 3
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    """The folder is made for its owner alone, and so is every file in it."""
    before = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/data/dragoman.db", connections=2)
        with database.writing() as db:
            db.execute(text("CREATE TABLE moments (id INTEGER)"))
        assert mode(tmp_path / "data") == "0o700"
        names = {file.name: mode(file) for file in (tmp_path / "data").iterdir()}
    finally:
        os.umask(before)
        database.dispose()
    assert names == dict.fromkeys(
        ["dragoman.db", "dragoman.db-wal", "dragoman.db-shm", "dragoman.db.writer"], "0o600"
    )


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /srv rw shared:2 master:1 - nfs4 server:/srv rw
31 30 8:2 / /srv/local rw - xfs /dev/sdb1 rw
32 22 0:27 / /srv/my\\040music rw - cifs //server/music rw
33 22 8:3 / /twice rw - ext4 /dev/sdc1 rw
34 22 0:28 / /twice rw - fuse.sshfs host: rw
a line that is no mount
35 22 0:29 /
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/dragoman", "ext4"),
        ("/srv/data", "nfs4"),
        ("/srv/local/data", "xfs"),
        ("/srv", "nfs4"),
        ("/srv/my music/data", "cifs"),
        ("/srvx", "ext4"),
        ("/twice", "fuse.sshfs"),
    ],
)
def test_a_folder_lies_on_its_nearest_mount(tmp_path: Path, folder: str, kind: str) -> None:
    """The file system of a folder is that of the longest mount point above it, the newest of two."""
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert file_system_of(Path(folder), tmp_path / "mountinfo") == kind


def test_where_nobody_tells_a_folder_lies_anywhere(tmp_path: Path) -> None:
    """On a machine without a list of mounts, or with an empty one, nothing is known."""
    (tmp_path / "mountinfo").write_text("")
    assert file_system_of(tmp_path, tmp_path / "mountinfo") is None
    assert file_system_of(tmp_path, tmp_path / "missing") is None


def test_network_file_systems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database on a network file system is refused with the reason and what would do, and is not made."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 0:26 / {tmp_path} rw - nfs4 server:/x rw\n")
    monkeypatch.setattr(module, "file_system_of", partial(file_system_of, mounts=mounts))
    with pytest.raises(DatabaseUnfit, match=r"nfs4.*PostgreSQL"):
        Database(f"sqlite:///{tmp_path}/data/dragoman.db")
    assert not (tmp_path / "data" / "dragoman.db").exists()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    """A database that a restart would empty is refused."""
    with pytest.raises(DatabaseUnfit, match="needs a file"):
        Database(url)


def test_a_place_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """A database below a file, or one that is a folder, is refused with the system's reason."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for place, reason in (("file/dragoman.db", "Not a directory|File exists"), ("folder", "Is a directory")):
        with pytest.raises(DatabaseUnfit, match=reason):
            Database(f"sqlite:///{tmp_path}/{place}")
