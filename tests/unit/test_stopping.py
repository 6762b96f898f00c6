"""A server that is told to stop: what is under way is finished, nothing new begins, and it is quiet about it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests.command import PROGRAM, Command, Process, serving, variables
from tests.conftest import MASTER_KEY
from tests.fakes import PASSWORD
from tests.people import ALICE
from tests.unit.test_serve import ask, both_started, free_port, listens, sign_in

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
# A hash that takes about a second, so that a signal comes in the middle of it.
SLOW = {"DRAGOMAN_PASSWORDS__ARGON2__MEMORY_KIB": "65536", "DRAGOMAN_PASSWORDS__ARGON2__PASSES": "16"}


def in_its_hash(process: Process) -> None:
    """Wait until what was asked before is being worked on: whoever connected later has been answered."""
    for _ in range(2):
        assert ask(process, "GET", "/healthz")[0] == 200
    time.sleep(0.1)


@pytest.mark.parametrize(
    ("workers", "signals"),
    [(1, [signal.SIGINT] * 3), (2, [signal.SIGTERM])],
    ids=["Ctrl+C that arrives three times", "SIGTERM to two workers"],
)
def test_a_sign_in_in_its_hash_is_finished_and_nothing_new_begins(
    tmp_path: Path, workers: int, signals: Sequence[signal.Signals]
) -> None:
    """Told to stop, even more than once, a server answers whom it is working for and nobody else, and ends with 0."""
    port = free_port()
    added = Command(tmp_path, dict(SLOW))(
        "account", "add", "--email", ALICE, "--password-stdin", stdin=PASSWORD
    )
    assert added.code == 0, added.err
    with (
        serving(tmp_path, "--port", str(port), "--workers", str(workers), environ=SLOW) as process,
        ThreadPoolExecutor(1) as crowd,
    ):
        if workers > 1:
            both_started(process)
        signing_in = crowd.submit(sign_in, process)
        in_its_hash(process)
        assert not signing_in.done()
        for number in signals:
            os.killpg(process.popen.pid, number)  # to all of the group, as a terminal does
        deadline = time.monotonic() + 10
        while listens(port) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not listens(port)
        assert signing_in.result(30) == 201
        assert process.popen.wait(10) == 0
    assert "Traceback" not in process.logged
    assert {json.loads(line)["level"] for line in process.logged.splitlines()} <= {"info"}


@contextmanager
def kept_open(process: Process) -> Iterator[HTTPConnection]:
    """A connection to a server, on which a request was answered."""
    with closing(HTTPConnection(process.root.removeprefix("http://"), timeout=10)) as line:
        assert asked_again(line, "/healthz")[0] == 200
        yield line


def asked_again(line: HTTPConnection, path: str) -> tuple[int, dict[str, str]]:
    """The status and headers of an answer on an open connection."""
    line.request("GET", path)
    response = line.getresponse()
    response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}


def test_a_load_balancer_has_time_to_notice(tmp_path: Path) -> None:
    """Told to stop, a server says so by /readyz and serves on for a while, but keeps no connection; then it ends with 0."""
    environ = {"DRAGOMAN_SERVER__NOTICE_SECONDS": "2"}
    with serving(tmp_path, "--port", "0", environ=environ) as process, kept_open(process) as line:
        process.popen.send_signal(signal.SIGTERM)
        while (told := ask(process, "GET", "/readyz")) == (200, {"status": "ready"}):
            time.sleep(0.02)
        assert told == (503, {"status": "stopping"})
        assert ask(process, "GET", "/immich/api/users/me")[0] == 401
        alive, headers = asked_again(line, "/healthz")
        assert (alive, headers["connection"]) == (200, "close")
        assert asked_again(line, "/readyz")[1]["retry-after"] == "1"
        assert process.popen.wait(10) == 0
    assert "Traceback" not in process.logged


@pytest.mark.parametrize("workers", [1, 2])
def test_told_again_it_ends_at_once(tmp_path: Path, workers: int) -> None:
    """A second SIGTERM, a second after the first, ends all processes of a server that would take its time."""
    environ, port = {"DRAGOMAN_SERVER__NOTICE_SECONDS": "60"}, free_port()
    with serving(tmp_path, "--port", str(port), "--workers", str(workers), environ=environ) as process:
        if workers > 1:
            both_started(process)
        assert ask(process, "GET", "/readyz")[0] == 200
        process.popen.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while ask(process, "GET", "/readyz")[0] == 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1.5)
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(10) == -signal.SIGTERM
        assert not listens(port)


def test_workers_that_are_just_starting_stop_without_a_word(tmp_path: Path) -> None:
    """Ctrl+C that reaches workers amid their start, more than once, ends them when they have started, in good order."""
    with serving(tmp_path, "--port", str(free_port()), "--workers", "2") as process:
        time.sleep(0.4)  # the parent begins to start them when it has announced the server
        for _ in range(3):
            os.killpg(process.popen.pid, signal.SIGINT)
        assert process.popen.wait(30) == 0
    assert "Traceback" not in process.logged


def test_a_start_that_waits_for_its_database_says_so_and_can_be_stopped(tmp_path: Path) -> None:
    """While its database is away a start logs what it waits for, and a signal ends it with 0."""
    environ = variables(DRAGOMAN_DATABASE__URL="postgresql://127.0.0.1:1/d", DRAGOMAN_MASTER_KEY=MASTER_KEY)
    with subprocess.Popen(
        [str(PROGRAM), "serve", "--port", "0"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True
    ) as starting:
        assert starting.stderr is not None
        said = json.loads(starting.stderr.readline())
        starting.send_signal(signal.SIGTERM)
        assert (starting.wait(10), starting.stderr.read()) == (0, "")
    assert (said["event"], said["seconds"]) == ("waiting for the database", 30.0)
    assert "refused" in said["why"]


# What systemd does for a service with a socket: it opens that, and says so in two variables.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Manager:
    """What hears a service's notifications, as systemd does."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(30)

    def hear(self, wanted: str) -> list[str]:
        """What is said until this is, and it."""
        heard: list[str] = []
        while wanted not in heard:
            heard += self._socket.recv(1024).decode().split("\n")
        return heard

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_systemd_opens_the_socket_and_hears_how_it_goes(tmp_path: Path, workers: int) -> None:
    """The server serves on the socket that it was given, says when it is ready, that it lives, and when it stops."""
    name = f"dragoman-{os.getpid()}-{workers}"  # one for the whole machine, where others may run these tests
    manager = Manager(f"\0{name}")
    environ = {"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "1000000"}
    with socket.create_server(("127.0.0.1", 0), backlog=8) as given:
        port = given.getsockname()[1]
        hand_over = (sys.executable, "-c", HAND_OVER, str(given.fileno()))
        with serving(
            tmp_path,
            *("--workers", str(workers), "--port", "1"),
            environ=environ,
            through=hand_over,
            handing=[given.fileno()],
        ) as process:
            assert process.root == f"http://127.0.0.1:{port}"
            assert manager.hear("READY=1")[-1] == "READY=1"
            assert ask(process, "GET", "/healthz")[0] == 200
            manager.hear("WATCHDOG=1")
            assert process.stop(signal.SIGTERM) == 0
            assert "READY=1" not in manager.hear("STOPPING=1")
        # It is systemd's: whoever connects now waits for the next start.
        assert listens(port)
    manager.close()


def test_systemd_understands_our_units(tmp_path: Path) -> None:
    """Its own checker finds nothing wrong with the units that are handed out, but for the program's place."""
    checker = shutil.which("systemd-analyze")
    if checker is None:
        pytest.skip("this machine has no systemd-analyze")
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/opt/dragoman/bin/dragoman", sys.executable)
        (tmp_path / unit.name).write_text(text)
    command = [checker, "verify", "--man=no", str(tmp_path / "dragoman.service")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in checked.stderr.splitlines() if "dragoman" in line] == []
    assert checked.returncode == 0
