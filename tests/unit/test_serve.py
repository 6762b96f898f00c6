"""`dragoman serve` as a process of its own: what it prints, how it serves, and how it stops."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tests.command import PROGRAM, Command, Process, serving, variables
from tests.fakes import NEW_PASSWORD, PASSWORD, START
from tests.people import ALICE

from dragoman.building import dialect_models
from dragoman.cli.announcement import Announcement
from dragoman.cli.failures import CannotStart
from dragoman.cli.invocation import Invocation, repeated
from dragoman.cli.listening import listening
from dragoman.cli.serve import stoppable
from dragoman.core.argon2_build import Build
from dragoman.core.database import Database
from dragoman.core.dialect_choices import dialect_choices
from dragoman.core.secrets import Secret
from dragoman.dialects import discover
from dragoman.settings import load
from dragoman.setup_window import SetupWindow

JSON = {"Content-Type": "application/json"}
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is shown of it is tested, and listened to only by the test itself


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Process]:
    """A server that was started for the first time, on a free port."""
    with serving(tmp_path, "--port", "0") as process:
        yield process


def ask(process: Process, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """One request to a server: the status and the body, read as JSON where it is."""
    with closing(HTTPConnection(process.root.removeprefix("http://"), timeout=10)) as connection:
        connection.request(method, path, json.dumps(body) if body else None, JSON if body else {})
        response = connection.getresponse()
        text = response.read().decode()
    return response.status, json.loads(text) if text.startswith(("{", "[")) else text


def sign_in(process: Process, email: str = ALICE, password: str = PASSWORD) -> int:
    """The status of a sign-in at Immich."""
    return ask(process, "POST", "/immich/api/auth/login", {"email": email, "password": password})[0]


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


# --- starting and stopping ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_server_starts_serves_and_stops(served: Process, number: signal.Signals) -> None:
    """It prints addresses that answer, and either signal ends it within five seconds, in good order, with 0."""
    bases = re.findall(r"^  (\w+) +(\S+) +\(reference: (\S+)\)$", served.announced, re.MULTILINE)
    assert [product for product, _, _ in bases] == [dialect.product for dialect in discover()]
    assert ask(served, "GET", "/healthz") == (200, {"status": "ok"})
    assert ask(served, "GET", "/readyz") == (200, {"status": "ready"})
    for _, base, docs in bases:
        assert base.startswith(served.root)
        assert ask(served, "GET", docs.removeprefix(served.root))[0] == 200
    assert ask(served, "GET", "/immich/api/server/ping") == (200, {"res": "pong"})
    assert served.stop(number) == 0
    assert "Traceback" not in served.logged
    assert "Finished server process" in served.logged


def test_what_is_for_people_and_what_is_logged_go_different_ways(served: Process) -> None:
    """Standard output holds the announcement alone, standard error the log alone, a JSON object a line."""
    ask(served, "GET", "/immich/api/server/ping")
    served.stop(signal.SIGTERM)
    assert not any(line.startswith("{") for line in served.announced.splitlines())
    events = [json.loads(line)["event"] for line in served.logged.splitlines()]
    assert "answered" in events


def test_a_second_start_finds_what_the_first_one_left(tmp_path: Path) -> None:
    """Accounts, keys and what is served outlive a stop; a start that finds an account does not say how to make one."""
    with serving(tmp_path, "--port", "0") as first:
        add_alice(tmp_path)
        assert sign_in(first) == 201
        assert first.stop(signal.SIGINT) == 0
    switch_off(tmp_path, "shoko")
    with serving(tmp_path, "--port", "0") as second:
        assert sign_in(second) == 201
        assert ("Shoko" in first.announced, "Shoko" in second.announced) == (True, False)
        assert "account add" in first.announced
        assert "account add" not in second.announced
        assert "curl" not in second.announced


def switch_off(folder: Path, dialect: str) -> None:
    """Have a dialect not served, as an administrator chooses on the pages."""
    database = Database(f"sqlite:///{folder}/data/dragoman.db", connections=1)
    with database.writing() as db:
        db.execute(dialect_choices.insert(), {"dialect": dialect, "enabled": False})
    database.dispose()


def add_alice(folder: Path, *words: str) -> None:
    """Alice, by the command line, whether or not a server runs."""
    ended = Command(folder)(
        "account", "add", "--admin", "--email", ALICE, "--password-stdin", *words, stdin=PASSWORD
    )
    assert ended.code == 0, ended.err


def test_the_command_line_works_beside_the_server(tmp_path: Path, served: Process) -> None:
    """What the command line changes holds for the running server from the next request on."""
    add_alice(tmp_path)
    command = Command(tmp_path)
    assert sign_in(served) == 201
    key = command("key", "issue", "immich", ALICE).out.strip()
    assert ask(served, "GET", f"/immich/api/users/me?apiKey={key}")[1]["email"] == ALICE
    assert command("account", "disable", ALICE).code == 0
    assert sign_in(served) == 401
    assert ask(served, "GET", f"/immich/api/users/me?apiKey={key}")[0] == 401
    assert command("account", "enable", ALICE).code == 0
    assert command("account", "password", ALICE, "--password-stdin", stdin=NEW_PASSWORD).code == 0
    assert [sign_in(served), sign_in(served, password=NEW_PASSWORD)] == [401, 201]


def test_a_request_under_way_is_answered_before_the_stop(served: Process) -> None:
    """A request that has begun when the signal comes is finished and answered, and then the server ends."""
    body = json.dumps({"email": ALICE, "password": PASSWORD}).encode()
    head = f"POST /immich/api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    host, _, port = served.root.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        served.popen.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(body[10:])
        assert connection.recv(100).startswith(b"HTTP/1.1 401")
    assert served.popen.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_during_the_start_ends_it_too(number: signal.Signals) -> None:
    """Before there is anything to shut down, either signal ends the start as if it had been done."""
    before = signal.getsignal(number)
    reached = []
    with stoppable():
        reached.append("start")
        signal.raise_signal(number)
        reached.append("served")
    assert reached == ["start"]
    assert signal.getsignal(number) is before


def test_several_workers_serve_one_installation(tmp_path: Path) -> None:
    """With --workers 2 two processes serve what the options name, and all stop together with 0."""
    url = f"sqlite:///{tmp_path}/elsewhere/shared.db"
    (tmp_path / "own.toml").write_text('[dialects.immich]\npath = "/photos"\n')
    options = ("--database", url, "--config", "own.toml")
    add_alice(tmp_path, *options)
    with serving(tmp_path, "--workers", "2", "--port", str(free_port()), *options) as process:
        both_started(process)
        for _ in range(4):
            credentials = {"email": ALICE, "password": PASSWORD}
            assert ask(process, "POST", "/photos/api/auth/login", credentials)[0] == 201
        assert process.stop(signal.SIGTERM) == 0
    workers = {
        json.loads(line)["event"] for line in process.logged.splitlines() if "Started server process" in line
    }
    assert len(workers) == 2
    assert "Traceback" not in process.logged
    assert not (tmp_path / "data").exists()


def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    """When the parent is killed outright, its workers stop too, and the port is free again."""
    port = free_port()
    with serving(tmp_path, "--workers", "2", "--port", str(port)) as process:
        both_started(process)
        workers = [int(number) for number in re.findall(r"Started server process \[(\d+)\]", process.logged)]
        process.popen.kill()
        process.popen.wait()
        deadline = time.monotonic() + 5
        while listens(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        left = listens(port)
        for worker in workers if left else []:
            os.kill(worker, signal.SIGKILL)
        assert not left


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def both_started(process: Process) -> None:
    """Wait until two workers serve."""
    deadline = time.monotonic() + 30
    while process.logged.count("Application startup complete") < 2:
        assert time.monotonic() < deadline, process.logged
        time.sleep(0.05)


@pytest.mark.slow
def test_a_worker_that_cannot_serve_ends_the_server(tmp_path: Path) -> None:
    """When a worker finds the master key gone, the server says so and ends with 3 instead of trying for ever."""
    with serving(tmp_path, "--workers", "2", "--port", str(free_port())) as process:
        both_started(process)
        (tmp_path / "data" / "master.key").unlink()
        worker = re.search(r"Started server process \[(\d+)\]", process.logged)
        assert worker
        os.kill(int(worker[1]), signal.SIGKILL)
        assert process.popen.wait(60) == 3
    assert "master.key is missing" in process.logged
    assert "Traceback" not in process.logged


@pytest.mark.parametrize(
    ("environ", "code"),
    [({"DRAGOMAN_SERVER__PORT": "x"}, 3), ({"DRAGOMAN_DATABASE__URL": "postgresql://127.0.0.1:1/d"}, 1)],
    ids=["wrong settings", "no database"],
)
def test_a_worker_is_replaced_when_that_may_help(tmp_path: Path, environ: dict[str, str], code: int) -> None:
    """A worker ends with 1, on which it is replaced, when the database is away, and with 3 when all is lost."""
    words = [sys.executable, "-c", "from dragoman.cli.worker import app; app()"]
    ended = subprocess.run(
        words, cwd=tmp_path, env=variables(**environ), capture_output=True, text=True, check=False
    )
    assert ended.returncode == code
    assert json.loads(ended.stderr)["event"] == "cannot serve"


def test_a_replaced_worker_opens_no_window_anew(tmp_path: Path) -> None:
    """A worker counts the minutes of the set-up window from the start of the server, not from its own."""
    code = "from dragoman.cli.worker import app; window = app()._window; print(window.opened, window.closes)"
    started = "2026-01-05 09:30:00+00:00"
    words, environ = [sys.executable, "-c", code], variables(DRAGOMAN_STARTED=started)
    ended = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == f"{started} 2026-01-05 09:40:00+00:00"


@pytest.mark.slow
def test_workers_are_told_when_the_server_started(tmp_path: Path) -> None:
    """Long after the start nobody makes the first administrator through a worker that is new."""
    with serving(
        tmp_path, "--workers", "2", "--port", str(free_port()), environ={"DRAGOMAN_LOG__LEVEL": "info"}
    ) as process:
        both_started(process)
        workers = [int(number) for number in re.findall(r"Started server process \[(\d+)\]", process.logged)]
        environs = [Path(f"/proc/{worker}/environ").read_bytes().split(b"\0") for worker in workers]
        told = [{v for v in environ if v.startswith(b"DRAGOMAN_STARTED=")} for environ in environs]
        assert told[0] == told[1]
        assert len(told[0]) == 1


# --- the first administrator --------------------------------------------------------------------------


def printed_command(process: Process, name: str) -> list[str]:
    """A command that the announcement tells a person to type."""
    line = next(line for line in process.announced.splitlines() if name in line)
    return shlex.split(line)


def test_the_printed_command_makes_the_first_administrator(tmp_path: Path) -> None:
    """The command that a first start prints works as it stands, on the installation that is served."""
    environ = {"DRAGOMAN_DATABASE__URL": "sqlite:///other.db"}
    (tmp_path / "own.toml").write_text("[log]\nlevel = 'warning'\n")
    with serving(tmp_path, "--port", "0", "--config", "own.toml", environ=environ) as process:
        words = printed_command(process, "account add")
        subprocess.run(
            [*words, "--password-stdin"], cwd=tmp_path, env=variables(), input=PASSWORD.encode(), check=True
        )
        assert sign_in(process, "you@example.com") == 201
    assert not (tmp_path / "data").exists()


def test_the_printed_call_makes_the_first_administrator(served: Process) -> None:
    """The curl line that a first start prints works once a password is in it, and not before."""
    words = printed_command(served, "curl ")
    assert words[0] == "curl"
    path, body = words[1].removeprefix(served.root), json.loads(words[words.index("-d") + 1])
    assert ask(served, "POST", path, body)[0] == 400
    assert ask(served, "POST", path, {**body, "password": PASSWORD})[0] == 201
    assert sign_in(served, body["email"]) == 201


def test_the_printed_link_leads_to_a_form_that_makes_the_first_administrator(served: Process) -> None:
    """The link that a first start prints is open, and the secret in it stands in no log line."""
    [link] = [line.strip() for line in served.announced.splitlines() if "/set-up?token=" in line]
    path = link.removeprefix(served.root)
    status, page = ask(served, "GET", path)
    assert (status, 'action="/set-up"' in page) == (200, True)
    assert path.partition("=")[2] not in served.logged


def announced(variables: Mapping[str, str], *, has_accounts: bool = False, port: int = 8080) -> str:
    """What a start with these settings prints."""
    settings = load(None, variables, dialect_models=dialect_models())
    window = SetupWindow.of(settings, START)
    invocation = Invocation(("dragoman",), ("--config", "my own.toml"), needs_variables=False)
    return str(
        Announcement(settings, discover(), port, has_accounts, Secret("link"), window, invocation, Build.FAST)
    )


@pytest.mark.parametrize(
    ("variables", "base"),
    [
        ({}, "http://127.0.0.1:8080/immich/api"),
        ({"DRAGOMAN_SERVER__HOST": EVERYWHERE}, "http://127.0.0.1:8080/immich/api"),
        ({"DRAGOMAN_SERVER__HOST": "::"}, "http://[::1]:8080/immich/api"),
        ({"DRAGOMAN_SERVER__HOST": "localhost"}, "http://localhost:8080/immich/api"),
        ({"DRAGOMAN_SERVER__BASE_URL": "https://id.example.org"}, "https://id.example.org/immich/api"),
        ({"DRAGOMAN_DIALECTS__IMMICH__PATH": "/photos/own"}, "http://127.0.0.1:8080/photos/own/api"),
        ({"DRAGOMAN_DIALECTS__IMMICH__HOST": "photos.example.org"}, "http://photos.example.org:8080/api"),
        (
            {
                "DRAGOMAN_DIALECTS__IMMICH__HOST": "photos.example.org",
                "DRAGOMAN_SERVER__BASE_URL": "https://id.example.org",
            },
            "https://photos.example.org/api",
        ),
    ],
)
def test_the_base_that_is_printed_is_the_one_to_paste(variables: dict[str, str], base: str) -> None:
    """What is printed for a dialect is what its clients are given, whatever the host, base URL and path."""
    shown = announced(variables)
    bases = re.findall(r"^  Immich +(\S+) +\(reference: (\S+)\)$", shown, re.MULTILINE)
    assert (base, f"{base.removesuffix('/api')}/docs") in bases


def test_a_dialect_that_is_off_is_not_announced() -> None:
    """A disabled dialect has no line, and its set-up call is not offered."""
    shown = announced({"DRAGOMAN_DIALECTS__IMMICH__ENABLED": "false"})
    assert "immich" not in shown
    assert "admin-sign-up" not in shown


def test_port_80_goes_without_saying() -> None:
    """The standard port of HTTP is left out of the addresses."""
    assert "http://127.0.0.1/immich/api" in announced({}, port=80)


@pytest.mark.parametrize(
    ("variables", "offered"),
    [
        ({}, True),
        ({"DRAGOMAN_SERVER__HOST": EVERYWHERE}, False),
        ({"DRAGOMAN_SERVER__BASE_URL": "https://id.example.org"}, False),
        ({"DRAGOMAN_SERVER__TRUSTED_PROXIES": "10.0.0.0/8"}, False),
        ({"DRAGOMAN_SETUP__OPEN": "never"}, False),
        ({"DRAGOMAN_SETUP__OPEN": "always", "DRAGOMAN_SERVER__HOST": EVERYWHERE}, True),
    ],
)
def test_the_set_up_call_is_offered_while_it_would_work(variables: dict[str, str], *, offered: bool) -> None:
    """Without accounts the command is always printed, and the product's own call only when it is open."""
    shown = announced(variables)
    assert "  dragoman account add --admin --email you@example.com --config 'my own.toml'\n" in shown
    assert ("curl" in shown) is offered


def test_the_end_of_the_set_up_window_is_printed() -> None:
    """The line about the set-up call says how long it is open, until when, and for whom."""
    closes = (START + timedelta(minutes=25)).astimezone()
    shown = announced({"DRAGOMAN_SETUP__WINDOW_MINUTES": "25"})
    assert (
        f"within the next 25 minutes (until {closes:%H:%M:%S}), from this machine, by Immich's own call:"
        in shown
    )


def test_nothing_is_offered_when_there_is_an_account() -> None:
    """Once an account was made, neither way of making the first one is printed."""
    shown = announced({}, has_accounts=True)
    assert "account add" not in shown
    assert "curl" not in shown


@pytest.mark.parametrize("has_accounts", [False, True])
def test_an_open_set_up_is_warned_about(*, has_accounts: bool) -> None:
    """While settings leave the set-up open to everybody, every start says so."""
    shown = announced({"DRAGOMAN_SETUP__OPEN": "always"}, has_accounts=has_accounts)
    assert 'WARNING: setup.open is "always"' in shown
    assert "WARNING" not in announced({}, has_accounts=has_accounts)


@pytest.mark.parametrize(
    ("environ", "said", "options", "needs_variables"),
    [
        ({}, (None, None), (), False),
        ({}, ("a.toml", "sqlite:///x.db"), ("--config", "a.toml", "--database", "sqlite:///x.db"), False),
        ({"DRAGOMAN_CONFIG": "e.toml"}, (None, None), ("--config", "e.toml"), False),
        ({"DRAGOMAN_CONFIG": "e.toml"}, ("a.toml", None), ("--config", "a.toml"), False),
        ({"DRAGOMAN_DATABASE__URL": "sqlite:///e.db"}, (None, None), ("--database", "sqlite:///e.db"), False),
        ({"DRAGOMAN_DATABASE__URL": "postgresql://u:hidden@h/d"}, (None, None), (), True),
        ({"DRAGOMAN_MASTER_KEY": "hidden", "DRAGOMAN_LOG__LEVEL": ""}, (None, None), (), True),
        ({"PATH": "/bin", "DRAGOMAN_LOG__LEVEL": ""}, (None, None), (), False),
    ],
)
def test_the_printed_command_names_the_same_installation(
    environ: dict[str, str],
    said: tuple[str | None, str | None],
    options: tuple[str, ...],
    *,
    needs_variables: bool,
) -> None:
    """The file and database are named as options wherever they came from, secrets and the rest by a hint."""
    config, database = said
    found = repeated(
        "/opt/d/bin/dragoman", environ, config=Path(config) if config else None, database=database
    )
    assert found == Invocation(("/opt/d/bin/dragoman",), options, needs_variables)


def test_the_program_is_named_as_the_shell_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is `dragoman` when that is what the shell would run, else the path it was called by."""
    monkeypatch.setenv("PATH", str(PROGRAM.parent))
    assert repeated(str(PROGRAM), {}, config=None, database=None).program == ("dragoman",)
    assert repeated("/elsewhere/dragoman", {}, config=None, database=None).program == ("/elsewhere/dragoman",)
    module = "/x/dragoman/__main__.py"
    assert repeated(module, {}, config=None, database=None).program == ("python", "-m", "dragoman")


# --- what keeps it from starting ----------------------------------------------------------------------


def failing(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to fail, and to leave nothing running."""
    return subprocess.run(
        [str(PROGRAM), "serve", *words],
        cwd=folder,
        env=variables(**environ),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_wrong_settings_end_a_start_with_2_and_their_names(tmp_path: Path) -> None:
    """A start with wrong settings ends with 2, names each of them and touches nothing."""
    ended = failing(tmp_path, "--port", "99999", DRAGOMAN_LOG__LEVEL="loud")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "server.port (command line): must be a whole number from 0 to 65535, given 99999" in ended.stderr
    assert "log.level (DRAGOMAN_LOG__LEVEL): " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_ends_a_start_with_3_before_the_data_is_touched(tmp_path: Path) -> None:
    """A start whose port is taken ends with 3 and one sentence, and has not opened the database."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = failing(tmp_path, "--port", str(port))
    assert (ended.returncode, ended.stdout) == (3, "")
    expected = f"cannot listen on 127.0.0.1, port {port}: Address already in use; --port or server.port names another"
    assert ended.stderr == f"dragoman: {expected}\n"
    assert list(tmp_path.iterdir()) == []


def test_an_unfit_database_ends_a_start_with_3(tmp_path: Path) -> None:
    """PostgreSQL without a server ends a start that does not wait for one with 3 and one sentence."""
    environ = {"DRAGOMAN_DATABASE__WAIT_SECONDS": "0"}
    ended = failing(tmp_path, "--port", "0", "--database", "postgresql://127.0.0.1:1/d", **environ)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith("dragoman: the database does not answer: ")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "::", EVERYWHERE])
def test_every_address_of_a_host_is_listened_on(host: str) -> None:
    """Whoever connects to an address of the host gets through, on one and the same port."""
    reached = {
        "127.0.0.1": ["127.0.0.1"],
        EVERYWHERE: ["127.0.0.1"],
        "::1": ["::1"],
        "::": ["::1", "127.0.0.1"],
    }
    if ":" in host and not has_ipv6():
        pytest.skip("this machine has no IPv6")
    with listening(host, 0) as (sockets, port):
        assert {listener.getsockname()[1] for listener in sockets} == {port}
        for address in reached.get(host, ["127.0.0.1"]):
            socket.create_connection((address, port), timeout=5).close()


def has_ipv6() -> bool:
    """Whether ::1 can be listened on here."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_a_host_that_is_not_ours_cannot_be_listened_on() -> None:
    """An address that this machine does not have is refused, with the reason."""
    with (
        pytest.raises(CannotStart, match=r"cannot listen on 192\.0\.2\.1, port 0: Cannot assign"),
        listening("192.0.2.1", 0),
    ):
        pass
