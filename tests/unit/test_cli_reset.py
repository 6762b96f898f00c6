"""`dragoman account reset`: a link by which somebody sets a new password, mailed or printed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.command import Command
from tests.fakes import PASSWORD
from tests.people import ALICE

LINK = re.compile(r"^http://127\.0\.0\.1:8080/reset-password\?token=[0-9A-Za-z]{40}$", re.MULTILINE)


@pytest.fixture
def alice(command: Command) -> Any:
    """An account, as `account add --json` shows it."""
    return command("account", "add", "--email", ALICE, "--password-stdin", "--json", stdin=PASSWORD).json


@pytest.mark.usefixtures("alice")
def test_a_link_is_mailed(command: Command) -> None:
    """The account is mailed; where there is no mail server it is said how the mail is read, and the link is in it."""
    started = command("account", "reset", ALICE)
    assert (started.code, started.out) == (0, f"A link to set a new password is on its way to {ALICE}.\n")
    assert LINK.search(started.out + started.err) is None
    (mail,) = command("outbox", "list", "--json").json
    assert started.err == f"No mail server is configured: read it by dragoman outbox show {mail['id']}\n"
    assert LINK.search(command("outbox", "show", mail["id"]).out)
    assert "password reset started" in command("audit").out


@pytest.mark.usefixtures("alice")
def test_with_a_mail_server_nothing_need_be_read(command: Command) -> None:
    """Where mail is handed over, the verb says no more than that it is on its way."""
    command.environ |= {"DRAGOMAN_MAIL__HOST": "mail.test", "DRAGOMAN_MAIL__SENDER": "a@example.org"}
    started = command("account", "reset", "1")
    assert (started.code, started.err) == (0, "")


@pytest.mark.usefixtures("alice")
def test_R_06_a_link_is_printed_for_the_operator_to_hand_over(command: Command) -> None:
    """With --print-link nothing is mailed: the link is on standard output, alone, and what it does on the other."""
    started = command("account", "reset", ALICE, "--print-link")
    assert LINK.fullmatch(started.out.strip())
    assert started.err.startswith(f"It sets the password of account 1 ({ALICE}), until ")
    assert command("outbox", "list", "--json").json == []


def test_who_has_no_address_gets_a_link_by_hand(command: Command) -> None:
    """Without an e-mail address there is nothing to mail to: 1; the link can be printed all the same."""
    command("account", "add", "--username", "robot", "--no-password")
    refused = command("account", "reset", "robot")
    assert (refused.code, refused.err) == (1, "dragoman: the account has no e-mail address\n")
    assert command("account", "reset", "robot", "--print-link").code == 0
    assert command("account", "reset", "nobody").code == 1
