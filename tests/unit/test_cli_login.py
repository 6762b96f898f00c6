"""`dragoman login`: signs in to a server as its own clients do, says who one is, and keeps the token."""

from __future__ import annotations

import json
import stat
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.command import Command, Ended, typing
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.people import ALICE, somebody
from tests.running import Running
from tests.speaking import Canned, stub

from dragoman.cli import tokens
from dragoman.dialects import immich, names


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Verbs of somebody whose configuration is in a folder of the test's own."""
    command = Command(tmp_path)
    command.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    return command


@pytest.fixture
def url(sqlite_server: Running) -> str:
    """Immich's address at a server where Alice has an account."""
    somebody(sqlite_server.core, display_name="Alice", is_admin=True)
    return sqlite_server.immich


def file_of(command: Command) -> Path:
    """Where tokens are kept."""
    return command.folder / "config" / "dragoman" / "tokens.json"


def kept(command: Command) -> list[dict[str, Any]]:
    """The tokens that are."""
    found: list[dict[str, Any]] = json.loads(file_of(command).read_text())
    return found


def log_in(command: Command, url: str, *more: str, password: str = PASSWORD) -> Ended:
    """Sign in to Immich as Alice, the password piped in."""
    return command("login", "immich", url, "--name", ALICE, "--password-stdin", *more, stdin=password)


def test_one_signs_in_and_is_told_who_one_is(command: Command, url: str) -> None:
    """Name, address and rights are shown, and where the token is; the token itself is not."""
    ended = log_in(command, url)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        f"Signed in to {url} as Alice <{ALICE}>, an administrator. The token is in {file_of(command)}.\n"
    )


def test_the_token_that_is_kept_is_good(command: Command, url: str) -> None:
    """Whoever reads the file speaks for the account."""
    log_in(command, url + "/")
    (only,) = kept(command)
    assert {name: only[name] for name in ("dialect", "url", "login")} == {
        "dialect": "immich",
        "url": url,
        "login": ALICE,
    }
    with immich.Client(url, token=only["token"]) as client:
        assert client.get_my_user().email == ALICE


@pytest.mark.parametrize("dialect", names())
def test_every_dialect_can_be_signed_in_to(command: Command, sqlite_server: Running, dialect: str) -> None:
    """Somebody with one account is told who they are there; what is kept is good, and so is what renews it."""
    somebody(sqlite_server.core, username="alice", display_name="Alice")
    url = f"{sqlite_server.url}/{dialect}"
    ended = command("login", dialect, url, "--name", ALICE, "--password-stdin", "--json", stdin=PASSWORD)
    assert ended.code == 0, ended.err
    assert ended.json["login"] in (ALICE, "alice")
    (only,) = kept(command)
    make: Any = import_module(f"dragoman.dialects.{dialect}").Client
    assert (only["refresh_token"] is not None) == (make.manners.renewal is not None)
    with make(url, token=only["token"], refresh_token=only["refresh_token"]) as client:
        assert make.manners.whoami(client).login == ended.json["login"]


def test_programs_are_told_as_json(command: Command, url: str) -> None:
    """`--json`: the same, and no token either."""
    ended = log_in(command, url, "--json")
    with immich.Client(url, token=kept(command)[0]["token"]) as client:
        me = client.get_my_user()
    assert ended.json == {
        "dialect": "immich",
        "url": url,
        "id": str(me.id),
        "login": ALICE,
        "name": "Alice",
        "admin": True,
        "kept_in": str(file_of(command)),
    }


def test_the_file_is_its_owners_alone(command: Command, url: str) -> None:
    """Mode 600 in a folder of mode 700, also where a file was open to others before."""
    log_in(command, url)
    file_of(command).chmod(0o644)
    log_in(command, url)
    assert stat.S_IMODE(file_of(command).stat().st_mode) == 0o600
    assert stat.S_IMODE(file_of(command).parent.stat().st_mode) == 0o700
    assert [each.name for each in file_of(command).parent.iterdir()] == ["tokens.json"]


def test_an_address_has_one_token(command: Command, url: str) -> None:
    """Who signs in again keeps the new token; those for other addresses stay."""
    tokens.keep(file_of(command), tokens.Kept("immich", "https://elsewhere.test", "me", "other"))
    log_in(command, url)
    before = kept(command)[-1]["token"]
    log_in(command, url)
    other, mine = kept(command)
    assert other["token"] == "other"
    assert (mine["url"], mine["token"] == before) == (url, False)


def test_nobody_overwrites_anothers_token(command: Command) -> None:
    """Twenty sign-ins at the same moment keep twenty tokens."""
    file = file_of(command)
    threads = [
        threading.Thread(
            target=tokens.keep, args=(file, tokens.Kept("immich", f"https://{n}.test", "me", "t"))
        )
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept(command)) == 20


def test_name_and_password_are_asked_for(command: Command, url: str) -> None:
    """At a terminal, once each: a password that is wrong is refused by the server, not mistyped for ever."""
    typed = [("Name: ", ALICE), ("Password: ", PASSWORD)]
    folder = command.environ["XDG_CONFIG_HOME"]
    words = ["login", "immich", url]
    transcript = typing(command.folder, words, typed, until="Signed in to", XDG_CONFIG_HOME=folder)
    assert "Once more" not in transcript
    assert PASSWORD not in transcript
    assert kept(command)


@pytest.mark.parametrize(
    ("url", "told"),
    [("http://photos.test", True), ("http://localhost:9", False), ("https://photos.test", False)],
)
def test_who_would_send_a_password_in_the_clear_is_told_before(
    command: Command, url: str, told: bool
) -> None:
    """Over HTTP to another machine, that is; of this one, and over TLS, nothing is said."""
    ended = command("login", "immich", url, "--name", ALICE)
    assert ended.code == 2  # nobody is there to be asked for a password
    assert ("whoever is on the way can read the password" in ended.err) is told


def test_a_password_may_be_in_a_file(command: Command, url: str, tmp_path: Path) -> None:
    """As with every verb that takes one."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    ended = command("login", "immich", url, "--name", ALICE, "--password-file", str(tmp_path / "password"))
    assert ended.code == 0, ended.err


def test_a_refusal_is_said_in_the_servers_words(command: Command, url: str) -> None:
    """Code 1, the server's sentence, and nothing is kept."""
    ended = log_in(command, url, password=NEW_PASSWORD)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "dragoman: the server refuses: 401 Incorrect email or password\n"
    assert not file_of(command).exists()


def test_a_server_that_is_not_there_is_code_3(command: Command) -> None:
    """Nobody can tell whether the password is right."""
    ended = log_in(command, "http://127.0.0.1:9")
    assert ended.code == 3
    assert ended.err.startswith("dragoman: no answer from http://127.0.0.1:9")


def test_something_else_at_the_address_is_code_3(command: Command) -> None:
    """A page is no answer; what was sent is not shown."""
    with stub(Canned(200, b"<html>", headers=[("content-type", "text/html")])) as other:
        ended = log_in(command, other.url)
    assert ended.code == 3
    assert PASSWORD not in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonesuch", "http://127.0.0.1:9"], "there is no dialect nonesuch; there are: "),
        (["immich", "ftp://127.0.0.1"], "base_url must begin with http:// or https://"),
        (["immich", "https://me:secret@127.0.0.1"], "base_url must have no user name, password"),
        (["immich", "http://127.0.0.1:9"], "use --name NAME"),
        (["immich", "http://127.0.0.1:9", "--name", ALICE], "use --password-file FILE or --password-stdin"),
    ],
    ids=["dialect", "scheme", "password", "name", "terminal"],
)
def test_wrong_usage_is_code_2(command: Command, words: list[str], said: str) -> None:
    """Each with a sentence that says what would do, and nothing is sent."""
    ended = command("login", *words)
    assert ended.code == 2
    assert said in ended.err
    assert "secret" not in ended.err


@pytest.mark.parametrize("content", ["{}", "not JSON", ""])
def test_a_file_that_is_something_else_is_not_overwritten(command: Command, url: str, content: str) -> None:
    """It is named, and left as it is."""
    file_of(command).parent.mkdir(parents=True)
    file_of(command).write_text(content)
    ended = log_in(command, url)
    assert ended.code == 2
    assert f"{file_of(command)} is not a list of tokens" in ended.err
    assert file_of(command).read_text() == content


def test_a_folder_that_cannot_be_written_to_is_said(command: Command, url: str) -> None:
    """A file where the folder should be, say."""
    (command.folder / "config").write_text("")
    ended = log_in(command, url)
    assert ended.code == 2
    assert "the token cannot be kept in" in ended.err


@pytest.mark.parametrize("told", ["", "relative/folder"])
def test_without_a_folder_of_ones_own_it_is_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str
) -> None:
    """`~/.config`, also when XDG_CONFIG_HOME is not absolute, as its specification says."""
    monkeypatch.setenv("XDG_CONFIG_HOME", told)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tokens.place() == tmp_path / ".config" / "dragoman" / "tokens.json"
