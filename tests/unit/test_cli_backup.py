"""`dragoman backup` and `restore`: what they ask for, what they say, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.command import Command, serving, typing
from tests.fakes import PASSWORD
from tests.people import ALICE

PASSPHRASE = "a horse, correct"


@pytest.fixture
def installed(command: Command) -> Command:
    """An installation with Alice."""
    added = command("account", "add", "--email", ALICE, "--password-stdin", stdin=PASSWORD)
    assert added.code == 0, added.err
    return command


def test_a_backup_is_made_and_restored(installed: Command) -> None:
    """A backup comes back, encrypted by a passphrase of the settings; who is asked for nothing sees what was done."""
    installed.environ["DRAGOMAN_BACKUP__PASSPHRASE"] = PASSPHRASE
    made = installed("backup", "kept", "--encrypt")
    assert made.code == 0, made.err
    assert made.out.startswith("Wrote kept, encrypted: ")
    assert "is not in it, and restoring needs it" in made.err
    assert installed("account", "delete", "--purge", "--yes", ALICE).code == 0
    assert (
        installed("account", "add", "--email", "bob@example.org", "--password-stdin", stdin=PASSWORD).code
        == 0
    )
    refused = installed("restore", "kept")
    assert refused.code == 3
    assert "--replace" in refused.err
    restored = installed("restore", "kept", "--replace")
    assert restored.code == 0, restored.err
    assert "Sessions, tickets and links are ended" in restored.err
    assert [account["email"] for account in installed("account", "list", "--json").json] == [ALICE]
    assert "backup restored" in installed("audit").out
    assert PASSPHRASE not in made.out + made.err + restored.out + restored.err


def test_what_cannot_be_is_said(installed: Command) -> None:
    """Each failure is a sentence and a code, and leaves no file."""
    assert installed("backup", "kept").code == 0
    for words, code, said in (
        ("backup kept", 3, "is there already"),
        ("backup nowhere/kept", 3, "cannot be written: No such file or directory"),
        ("backup other --passphrase-stdin", 2, "--encrypt"),
        ("backup other --encrypt", 2, "--passphrase-file"),
        ("restore missing", 3, "missing cannot be used: No such file or directory"),
        ("restore data/master.key", 3, "not a backup"),
    ):
        ended = installed(*words.split())
        assert (ended.code, said in ended.err) == (code, True), ended.err
    assert not (installed.folder / "other").exists()


def test_the_passphrase_is_asked_for(installed: Command, tmp_path: Path) -> None:
    """At a terminal it is typed twice for a backup, unseen."""
    shown = typing(
        tmp_path,
        ["backup", "kept", "--encrypt"],
        [("Passphrase: ", PASSPHRASE), ("Once more: ", PASSPHRASE)],
        until="restoring needs it",
    )
    assert PASSPHRASE not in shown
    assert installed("restore", "kept", "--replace", "--passphrase-stdin", stdin=PASSPHRASE).code == 0
    wrong = installed("restore", "kept", "--replace", "--passphrase-stdin", stdin="wrong")
    assert (wrong.code, "the passphrase is another one" in wrong.err) == (3, True)


@pytest.mark.slow
def test_beside_a_server_a_backup_is_made_and_nothing_is_restored(installed: Command, tmp_path: Path) -> None:
    """What is served can be backed up, and is not restored to before the server has stopped."""
    with serving(tmp_path, "--port", "0"):
        assert installed("backup", "kept").code == 0
        ended = installed("restore", "kept", "--replace")
        assert (ended.code, ended.err) == (
            3,
            "dragoman: the database is in use: stop what serves it, and try again\n",
        )
    assert installed("restore", "kept", "--replace").code == 0
