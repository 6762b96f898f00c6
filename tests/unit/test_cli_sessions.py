"""The command line's verbs about what goes on: `session` and `audit`."""

from __future__ import annotations

import json
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.command import PROGRAM, Command, Ended, variables
from tests.fakes import do
from tests.people import ALICE, BOB, calling, opened, presenting, somebody

from dragoman.building import dialect_models, make_core
from dragoman.cli.audit import moment_of
from dragoman.cli.failures import WrongUsage
from dragoman.core import accounts, audit, session_ends, sessions
from dragoman.core.accounts import Account, Changes
from dragoman.core.errors import SessionRefused
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.core.work import Acting, Core, Origin
from dragoman.settings import load

HERE = Origin("immich", address="192.0.2.7", network="192.0.2.7")
ELSEWHERE = Origin("shoko", address="198.51.100.9", network="198.51.100.9")
NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


@pytest.fixture
def core(command: Command) -> Iterator[Core]:
    """The core on the same database, as a server beside the command line has it."""
    told = {"database": {"url": f"sqlite:///{command.folder}/data/dragoman.db"}}
    # Once a verb has run, there is the master key that it made.
    ok(command("account", "list"))
    made = make_core(
        load(None, command.environ, overrides=told, dialect_models=dialect_models()),
    )
    yield made
    made.database.dispose()


@pytest.fixture
def alice(core: Core) -> Account:
    """An account without sessions."""
    return somebody(core, password=None)


def ok(ended: Ended) -> Ended:
    """What ended well."""
    assert ended.code == 0, ended.err
    return ended


def answers(core: Core, secret: Secret, origin: Origin = HERE) -> bool:
    """Whether a session is good."""
    try:
        presenting(core, secret, origin=origin)
    except SessionRefused:
        return False
    return True


# --- session --------------------------------------------------------------------------------------------


def test_session_list_shows_who_is_signed_in(command: Command, core: Core, alice: Account) -> None:
    """`session list` shows live sessions, the last seen first, with what they run on and when they end."""
    phone = Device("Pixel 9", "Android", "2.7.5")
    session, _ = do(core, sessions.open_session, alice.number, phone, origin=HERE)
    child, _ = opened(core, alice, origin=HERE, parent=session, duration=timedelta(minutes=5))
    ended, _ = opened(core, alice, origin=HERE)
    do(core, session_ends.end, ended)
    shown = ok(command("session", "list")).out
    assert str(ended.id) not in shown
    lines = shown.splitlines()
    assert [line.split()[0] for line in lines] == ["Session", str(child.id), str(session.id)]
    assert all(part in lines[2] for part in ("immich", "Pixel 9", "Android", "2.7.5", "192.0.2.7"))
    assert lines[1].rstrip().endswith(f"{child.expires_at:%Y-%m-%d %H:%M}")
    assert lines[2].rstrip().endswith(f"{session.idle_until:%Y-%m-%d %H:%M}")


def test_session_list_for_programs(command: Command, core: Core, alice: Account) -> None:
    """With --json a session is all that is known of it, and never its secret."""
    parent, _ = opened(core, alice, origin=HERE)
    session, secret = opened(core, alice, origin=HERE, parent=parent)
    printed = ok(command("session", "list", "--json"))
    (found,) = [each for each in printed.json if each["parent"] is not None]
    assert found == {
        "id": str(session.id),
        "account": alice.number,
        "dialect": "immich",
        "parent": str(parent.id),
        "device": "",
        "os": "",
        "app_version": None,
        "address": "192.0.2.7",
        "created_at": session.created_at.isoformat(),
        "seen_at": session.seen_at.isoformat(),
        "idle_until": session.idle_until.isoformat(),
        "expires_at": None,
        "elevated_until": None,
    }
    assert secret.reveal() not in printed.out


def test_session_list_of_some(command: Command, core: Core, alice: Account) -> None:
    """`session list` shows those of one account, of one dialect, or so many, and says when there may be more."""
    bob = somebody(core, BOB, password=None)
    hers, his = opened(core, alice, origin=HERE)[0], opened(core, bob, origin=HERE)[0]
    other, _ = opened(core, alice, origin=ELSEWHERE)

    def listed(*options: str) -> list[str]:
        return [each["id"] for each in ok(command("session", "list", "--json", *options)).json]

    assert listed() == [str(other.id), str(his.id), str(hers.id)]
    assert listed("--account", ALICE) == [str(other.id), str(hers.id)]
    assert listed("--account", ALICE, "--dialect", "immich") == [str(hers.id)]
    assert listed("--dialect", "immich") == [str(his.id), str(hers.id)]
    assert listed("--limit", "1") == [str(other.id)]
    assert "more" in ok(command("session", "list", "--limit", "3")).err
    assert ok(command("session", "list", "--limit", "4")).err == ""
    assert command("session", "list", "--account", "nobody").code == 1
    assert command("session", "list", "--dialect", "klingon").code == 2


def test_session_list_obeys_no_client(command: Command, core: Core, alice: Account) -> None:
    """What a client says of itself cannot rewrite the terminal that shows it."""
    do(core, sessions.open_session, alice.number, Device("\x1b[2J\r\nrm"), origin=HERE)
    assert "\\x1b[2J\\r\\nrm" in ok(command("session", "list")).out


def test_session_revoke_ends_one(command: Command, core: Core, alice: Account) -> None:
    """`session revoke` ends a session and what it opened, at once; one that is not there ends with 1."""
    (session, secret), (_, other) = opened(core, alice, origin=HERE), opened(core, alice, origin=HERE)
    _, childs = opened(core, alice, origin=HERE, parent=session)
    assert str(session.id) in ok(command("session", "revoke", str(session.id))).out
    assert not answers(core, secret)
    assert not answers(core, childs)
    assert answers(core, other)
    again = command("session", "revoke", str(session.id))
    assert (again.code, again.err) == (1, "dragoman: no such session\n")
    assert command("session", "revoke", str(uuid.uuid4())).code == 1
    assert command("session", "revoke", "mine").code == 2


def test_session_revoke_ends_all(command: Command, core: Core, alice: Account) -> None:
    """`session revoke --all` ends all sessions of an account, or those of one dialect, and nobody else's."""
    bob = somebody(core, BOB, password=None)
    (_, hers), (_, other), (_, his) = (
        opened(core, alice, origin=HERE),
        opened(core, alice, origin=ELSEWHERE),
        opened(core, bob, origin=HERE),
    )
    ok(command("session", "revoke", "--account", ALICE, "--dialect", "immich", "--all"))
    assert not answers(core, hers)
    assert answers(core, other, ELSEWHERE)
    printed = ok(command("session", "revoke", "--account", ALICE, "--all")).out
    assert printed == f"Revoked all sessions of account {alice.number} ({ALICE}).\n"
    assert not answers(core, other, ELSEWHERE)
    assert answers(core, his)
    assert command("session", "revoke", "--account", "nobody", "--all").code == 1
    assert command("session", "revoke", "--account", ALICE, "--dialect", "klingon", "--all").code == 2


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--all"],
        ["--account", ALICE],
        ["--dialect", "immich", "--all"],
        ["0" * 32, "--all"],
        ["0" * 32, "--account", ALICE],
        ["0" * 32, "--dialect", "immich"],
    ],
)
def test_session_revoke_must_be_told_which(
    command: Command, core: Core, alice: Account, words: list[str]
) -> None:
    """Nothing is revoked by half a command: it takes an id, or an account and --all."""
    _, secret = opened(core, alice, origin=HERE)
    assert command("session", "revoke", *words).code == 2
    assert answers(core, secret)


# --- audit ----------------------------------------------------------------------------------------------


def record(core: Core, event: str, origin: Origin = HERE, **facts: Any) -> None:
    """Put an event on record."""
    do(core, audit.record, event, origin=origin, **facts)


def recorded(command: Command, *options: str) -> list[str]:
    """The events that `audit` prints."""
    return [line["event"] for line in ok(command("audit", "--json", *options)).json]


def test_audit_reads_like_a_log(command: Command, core: Core, alice: Account) -> None:
    """`audit` prints lines for people, the newest last: when, what, whose, through what, from where."""
    caller = calling(core, alice, origin=HERE)
    bob = somebody(core, BOB, password=None)
    do(core, accounts.change, bob.number, Changes(display_name="B"), origin=HERE, by=caller)
    printed = ok(command("audit", "--dialect", "immich")).out.splitlines()
    assert printed[0].split() == ["When", "Event", "Account", "Through", "Address", "By", "Facts"]
    assert [line[21:].split("  ")[0] for line in printed[1:]] == ["account added"] * 2 + ["account changed"]
    parts = (
        str(bob.number),
        "immich",
        "192.0.2.7",
        f"account {alice.number}, {caller.via}",
        'fields=["display_name"]',
    )
    assert all(part in printed[-1] for part in parts)
    datetime.strptime(printed[-1][:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def test_audit_for_programs(command: Command, core: Core) -> None:
    """With --json a line is all that is on record of it."""
    origin = replace(HERE, agent="tests", request_id="r1")
    record(core, "tested", origin, account=7, count=1)
    (line,) = ok(command("audit", "--json", "--account", "7")).json
    assert uuid.UUID(line.pop("id")).version == 7
    assert datetime.fromisoformat(line.pop("at")).tzinfo is not None
    assert line == {
        "event": "tested",
        "account": 7,
        "actor": None,
        "acting_as": None,
        "via": "",
        "dialect": "immich",
        "address": "192.0.2.7",
        "agent": "tests",
        "request_id": "r1",
        "detail": {"count": 1},
    }


def test_audit_names_both_where_somebody_acts_as_another(command: Command, core: Core) -> None:
    """A line says who acted and as whom, to people and to programs, and is found under each."""
    record(core, "tested", replace(HERE, acting=Acting(actor=1, subject=2)), account=3)
    assert "account 1 as account 2" in ok(command("audit")).out
    for number in ("1", "2", "3"):
        (line,) = ok(command("audit", "--json", "--account", number)).json
        assert (line["account"], line["actor"], line["acting_as"]) == (3, 1, 2)


def test_audit_of_some(command: Command, core: Core, alice: Account) -> None:
    """`audit` prints what concerns an account or what it did, what came through a dialect, or the newest lines."""
    bob = somebody(core, BOB, password=None)
    caller = calling(core, alice, origin=HERE)
    record(core, "hers", account=alice.number)
    record(core, "by her", ELSEWHERE, account=bob.number, by=caller)
    record(core, "his", account=bob.number)
    ok(command("account", "disable", BOB))
    assert recorded(command, "--account", ALICE) == ["account added", "hers", "by her"]
    assert recorded(command, "--account", str(bob.number))[1:] == ["by her", "his", "account disabled"]
    assert recorded(command, "--dialect", "immich", "--limit", "2") == ["hers", "his"]
    assert recorded(command, "--dialect", "cli") == ["account disabled"]
    assert recorded(command, "--limit", "1") == ["account disabled"]
    assert command("audit", "--account", "nobody").code == 1
    assert command("audit", "--dialect", "klingon").code == 2


def test_audit_outlives_the_account(command: Command, core: Core, alice: Account) -> None:
    """What a purged account did is found by its number, by which alone it is still known."""
    ok(command("account", "delete", ALICE, "--purge", "--yes"))
    assert recorded(command, "--account", str(alice.number)) == ["account added", "account purged"]


def test_audit_since(command: Command, core: Core) -> None:
    """--since leaves out what is older than a date or an age."""
    then = core.tools.clock() - timedelta(hours=3)
    earlier = Core(core.database, replace(core.tools, clock=lambda: then), core.rules)
    record(earlier, "old", account=7)
    record(core, "new", account=7)
    assert recorded(command, "--account", "7", "--since", "2h") == ["new"]
    assert recorded(command, "--account", "7", "--since", "4h") == ["old", "new"]
    assert recorded(
        command, "--account", "7", "--since", f"{then + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}"
    ) == ["new"]
    assert recorded(command, "--account", "7", "--since", then.isoformat()) == ["old", "new"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31 12:00:30", datetime(2026, 1, 31, 12, 0, 30, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("90s", NOW - timedelta(seconds=90)),
        ("15m", NOW - timedelta(minutes=15)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("1w", NOW - timedelta(weeks=1)),
    ],
)
def test_a_moment_is_a_date_or_an_age(text: str, moment: datetime) -> None:
    """A date is in UTC unless it says otherwise; an age counts back from now."""
    assert moment_of(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2h30m", "-2h", "2 h", "2026-13-01", "999999d", "999999w", "9999999s"]
)
def test_what_is_no_moment_is_refused(command: Command, text: str) -> None:
    """Anything else is wrong usage, and the sentence says what would do."""
    with pytest.raises(WrongUsage):
        moment_of(text, NOW)
    refused = command("audit", f"--since={text}")
    assert refused.code == 2
    assert "such as 2h or 3d" in refused.err


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_audit_follows(command: Command, core: Core, as_json: bool) -> None:
    """--follow prints what is there, then each new line once, a late one too, until Ctrl+C, and ends with 0."""
    for n in range(3):
        record(core, f"before {n}")
    options = ["--json"] if as_json else []
    words = [str(PROGRAM), "audit", "--follow", "--limit", "2", "--dialect", "immich", *options]
    following = subprocess.Popen(
        words, cwd=command.folder, env=variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert following.stdout is not None

    def event() -> str:
        assert following.stdout is not None
        line = following.stdout.readline()
        return str(json.loads(line)["event"]) if as_json else line.split("  ")[1]

    try:
        assert [event(), event()] == ["before 1", "before 2"]
        record(core, "elsewhere", ELSEWHERE)
        record(core, "after")
        assert event() == "after"
        earlier = core.tools.clock() - timedelta(seconds=30)
        record(Core(core.database, replace(core.tools, clock=lambda: earlier), core.rules), "late")
        assert event() == "late"
        record(core, "last")
        assert event() == "last"
    finally:
        following.send_signal(signal.SIGINT)
        out, err = following.communicate(timeout=20)
    assert (following.returncode, out, err) == (0, "", "")
