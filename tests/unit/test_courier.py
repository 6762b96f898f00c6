"""The thread that hands mail over: soon, one after the other, and to nobody's harm when there is nobody to take it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from tests.fakes import FakeClock, do, rules
from tests.mail_server import mail_server
from tests.people import ALICE, rows, sealing, somebody, with_tools
from tests.racing import after_statements

from dragoman import courier
from dragoman.core import outbox
from dragoman.core.database import Database
from dragoman.core.mail import Letter, Mail
from dragoman.core.outbox import outbox as table
from dragoman.core.passwords import Hasher
from dragoman.core.work import Core, Tools
from dragoman.courier import Courier
from dragoman.mailing import SmtpMailer

LETTER = Letter("Hello", "Hello, Alice.\n", "<p>Hello, Alice.</p>")


@pytest.fixture
def posting(sqlite_url: str, clock: FakeClock, hasher: Hasher) -> Iterator[Core]:
    """A core that seals, with Alice."""
    database = Database(sqlite_url, connections=4)
    made = sealing(Core(database, Tools(hasher, clock=clock), rules()))
    somebody(made)
    yield made
    database.dispose()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow each other at once, also while the server is away."""
    monkeypatch.setattr(courier, "EVERY", timedelta(milliseconds=5))
    monkeypatch.setattr(courier, "LONGEST_REST", timedelta(milliseconds=20))


@contextmanager
def working(core: Core, console: io.StringIO | None = None) -> Iterator[None]:
    """A courier at work while the body runs."""
    made = Courier(core, console)
    made.start()
    try:
        yield
    finally:
        made.stop()


def counted(core: Core) -> Mapping[str, float]:
    """How many mails were counted, by what came of them."""
    numbers = core.tally.numbers().items()
    return {labels[0]: value[0] for (name, labels), value in numbers if name == outbox.MAILS.name}


def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds, five seconds at most."""
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def states(core: Core) -> list[str]:
    """What became of each mail."""
    return [row["state"] for row in rows(core, table)]


def post(core: Core) -> None:
    """A mail to Alice."""
    do(core, outbox.post, LETTER, to=ALICE, kind="test", of=1)


def test_a_mail_server_that_was_dead_loses_nothing(posting: Core, clock: FakeClock) -> None:
    """Mail that is posted while the server is down waits, and arrives once it is up again; each try is counted."""
    with mail_server() as server:
        port = server.port
    core = with_tools(posting, mailer=SmtpMailer("127.0.0.1", port, "a@example.org", "none", patience=5))
    with capture_logs() as lines, working(core):
        for _ in range(3):
            post(core)
        eventually(lambda: any(row["why"] for row in rows(core, table)))
        assert set(states(core)) == {"waiting"}
        with mail_server(port=port) as server:
            clock.forward(hours=1)
            eventually(lambda: states(core) == ["delivered"] * 3)
    assert server.letters == ["Hello, Alice.\n"] * 3
    assert "the mail server takes no mail: see dragoman outbox list" in {line["event"] for line in lines}
    assert "Hello, Alice" not in str(lines)
    came_of_it = counted(core)
    assert came_of_it["delivered"] == 3
    assert came_of_it["away"] >= 1


def test_an_accident_is_logged_and_the_next_mail_leaves(posting: Core) -> None:
    """A mail that cannot be handled at all is told of in the log, and keeps no other from leaving."""
    taken: list[Mail] = []

    def stumble(mail: Mail) -> None:
        taken.append(mail)
        if len(taken) == 1:
            raise RuntimeError("no idea")

    core = with_tools(posting, mailer=stumble)
    post(core)
    post(core)
    with capture_logs() as lines, working(core):
        eventually(lambda: sorted(states(core)) == ["delivered", "waiting"])
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["delivering failed"]


def test_a_database_that_is_away_is_waited_for(posting: Core) -> None:
    """While the database does not answer the courier says so, and goes on when it does again."""
    taken: list[Mail] = []
    core = with_tools(posting, mailer=taken.append)
    post(core)
    held = [core.database.reading() for _ in range(4)]
    for each in held:
        each.__enter__()
    with capture_logs() as lines, working(core):
        eventually(lambda: lines)
        for each in held:
            each.__exit__(None, None, None)
        eventually(lambda: taken)
    assert lines[0]["event"] == "could not look into the outbox"


def test_where_no_server_is_configured_mail_is_shown_once(posting: Core) -> None:
    """Without a mail server each mail is told of on the console, once, and goes on waiting."""
    console = io.StringIO()
    post(posting)
    with working(posting, console):
        eventually(lambda: console.getvalue().count("waits: dragoman outbox show") == 1)
        post(posting)
        eventually(lambda: console.getvalue().count("waits: dragoman outbox show") == 2)
    assert states(posting) == ["waiting"] * 2


def test_what_nobody_took_in_its_time_is_given_up(posting: Core, clock: FakeClock) -> None:
    """Past its time mail is given up, whether or not there is a server, and the log says so, as does the count."""
    post(posting)
    clock.forward(days=5)
    with capture_logs() as lines, working(posting, io.StringIO()):
        eventually(lambda: states(posting) == ["expired"])
    assert [line["event"] for line in lines] == ["mail given up"]
    assert counted(posting) == {"expired": 1}


def test_an_idle_courier_writes_nothing(posting: Core) -> None:
    """Looking into an empty outbox takes nobody's turn to write."""
    written: list[str] = []
    with working(posting, io.StringIO()), after_statements(posting, written.append):
        time.sleep(0.1)
    assert written
    assert all(statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")) for statement in written)
