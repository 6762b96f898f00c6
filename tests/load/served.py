"""The server that is measured: a database with accounts in it, and `dragoman serve` in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from dragoman import building, settings
from dragoman.core import accounts, sessions, setup
from dragoman.core.accounts import NewAccount
from dragoman.core.sessions import Device
from dragoman.core.work import Origin

PASSWORD = "correct-horse-7-battery"
ORIGIN = Origin("immich", address="127.0.0.1", network="127.0.0.1", agent="bench")
START_PATIENCE = 30.0
STOP_PATIENCE = 15.0
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Prepared:
    """A database with accounts, all of one password (`stored` is its hash), and a session of each."""

    url: str
    stored: str
    emails: tuple[str, ...]
    tokens: tuple[str, ...]
    hash_threads: int


def prepare(url: str, how_many: int, told: Mapping[str, str] = NOTHING) -> Prepared:
    """Make the database, as the server itself would with this environment and else at its default settings."""
    models = building.dialect_models()
    configuration = settings.load(None, told, overrides={"database": {"url": url}}, dialect_models=models)
    core = building.make_core(configuration)
    hasher = core.tools.hasher
    stored = hasher.hash(PASSWORD)
    emails = tuple(f"somebody-{number}@bench.test" for number in range(how_many))
    tokens = []
    with core.begin(ORIGIN, writes=True) as uow:
        setup.claim(uow)
        for email in emails:
            account = accounts.add(uow, NewAccount(email=email), stored)
            tokens.append(sessions.open_session(uow, account.number, Device("bench"))[1].reveal())
    core.database.dispose()
    return Prepared(url, stored, emails, tuple(tokens), hasher.at_once)


@dataclass(frozen=True)
class Served:
    """A server that answers at `port`; `seconds` is how long that took, from the start of its process."""

    port: int
    process: psutil.Process
    seconds: float


@contextmanager
def serving(
    url: str, log_file: Path, *, first: str, token: str = "", told: Mapping[str, str] = NOTHING
) -> Iterator[Served]:
    """Start the server, ask for the path `first` until that is answered with 200, and stop it in the end.

    `token` is the session to ask with, `told` what the server's environment says besides. Raises `RuntimeError` with the end of the log when it does not start.
    The log goes to a file; the one of a server run by hand goes to a terminal, which costs more.
    """
    port = free_port()
    command = [sys.executable, "-m", "dragoman", "serve", "--port", str(port), "--database", url]
    # How the developer has configured a server of their own is not what is measured.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DRAGOMAN_")}
    with log_file.open("ab") as log:
        begun = time.perf_counter()
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env={**environment, **told}, cwd=log_file.parent
        )
    try:
        while not answers(port, first, token):
            if server.poll() is not None or time.perf_counter() - begun > START_PATIENCE:
                raise RuntimeError(f"the server does not start:\n{log_file.read_text()[-4000:]}")
            time.sleep(0.004)
        yield Served(port, psutil.Process(server.pid), time.perf_counter() - begun)
    finally:
        _stop(server)


def free_port() -> int:
    """A port on which nobody listens yet."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def answers(port: int, path: str, token: str) -> bool:
    """Whether there is a server, and it says 200. `RuntimeError` if it says anything else."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        status = connection.getresponse().status
    except OSError:
        return False
    finally:
        connection.close()
    if status != 200:
        raise RuntimeError(f"the server's first answer is {status}")
    return True


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def me(port: int, token: str, path: str = "/immich/api/users/me") -> str:
    """`users/me`, or what else a session is asked for, as an HTTP message."""
    return f"GET {path} {_head(port)}Authorization: Bearer {token}\r\n\r\n"


def validate(port: int, token: str) -> str:
    """`auth/validateToken` as an HTTP message."""
    bearer = f"Authorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
    return f"POST /immich/api/auth/validateToken {_head(port)}{bearer}"


def health(port: int) -> str:
    """`/healthz` as an HTTP message."""
    return f"GET /healthz {_head(port)}\r\n"


def login(port: int, email: str) -> str:
    """`auth/login` as an HTTP message."""
    body = json.dumps({"email": email, "password": PASSWORD})
    about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return f"POST /immich/api/auth/login {_head(port)}{about}{body}"


def _head(port: int) -> str:
    return f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bench\r\n"
