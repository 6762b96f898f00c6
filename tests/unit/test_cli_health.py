"""`dragoman health`: the one bit that a container's health check wants, at once."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.command import Command
from tests.running import Running

from dragoman.health import READY as SERVED


@pytest.mark.parametrize("path", ["", "/", "/readyz", "/healthz"])
def test_a_server_that_is_ready_is_healthy(command: Command, sqlite_server: Running, path: str) -> None:
    """A server that answers with 200 is healthy, which is code 0; without a path it is asked whether it is ready."""
    ended = command("health", f"{sqlite_server.url}{path}")
    assert (ended.code, ended.out) == (0, "200 OK\n")


def test_a_server_without_its_database_is_not(command: Command, sqlite_server: Running) -> None:
    """A server that answers otherwise is not healthy, which is code 1; so is one that finds its database locked."""
    assert command("health", f"{sqlite_server.url}/nowhere").code == 1
    held = [
        sqlite_server.core.database.engine.connect() for _ in range(sqlite_server.core.database.connections)
    ]
    ended = command("health", sqlite_server.url)
    assert (ended.code, ended.out) == (1, "503 Service Unavailable\n")
    for connection in held:
        connection.close()


def test_a_server_that_does_not_answer_is_not(command: Command) -> None:
    """Where nobody listens, or somebody who says nothing in time, the code is 1, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ended = command("health", url, "--timeout", "0.2")
        assert (ended.code, ended.out) == (1, "no answer: timed out\n")
    ended = command("health", url)
    assert ended.code == 1
    assert ended.out.startswith("no answer: ")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://localhost", "http://"])
def test_what_is_no_address_is_wrong_usage(command: Command, url: str) -> None:
    """A URL that names no server over HTTP is wrong usage, code 2."""
    assert command("health", url).code == 2


def test_it_is_asked_for_what_the_server_serves() -> None:
    """The verb, which imports nothing of the server, asks for the path that the server answers at."""
    from dragoman.cli.health import READY

    assert READY == SERVED


def test_it_imports_next_to_nothing(sqlite_server: Running, tmp_path: Path) -> None:
    """A health check that runs every few seconds loads none of the server's packages."""
    program = (
        "import sys; from dragoman.cli import main\n"
        f"try: main(['health', {sqlite_server.url!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'sqlalchemy', 'starlette', 'rich', 'httpx2'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "200 OK\n[]\n"
