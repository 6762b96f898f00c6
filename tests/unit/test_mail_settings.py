"""The configuration of mail: what makes a mail server, and what stops the start."""

from __future__ import annotations

from typing import Any

import pytest
from tests.running import configured

from dragoman.building import make_mailer
from dragoman.mailing import SmtpMailer
from dragoman.settings import Settings, SettingsError

WHOLE = {"host": "Mail.Example.org", "sender": "Accounts <accounts@example.org>"}
LET_IN = {"username": "post", "password": "let me in"}


def told(**mail: Any) -> Settings:
    """Settings with these of mail."""
    return configured("sqlite:///data/dragoman.db", mail=mail)


def refused(**mail: Any) -> str:
    """What is wrong with these settings of mail."""
    with pytest.raises(SettingsError) as caught:
        told(**mail)
    return str(caught.value)


def test_without_a_server_nothing_is_handed_over() -> None:
    """No mail server is configured unless one is named."""
    assert make_mailer(told()) is None


@pytest.mark.parametrize(
    ("mail", "mailer"),
    [
        ({}, SmtpMailer("mail.example.org", 587, WHOLE["sender"])),
        (LET_IN, SmtpMailer("mail.example.org", 587, WHOLE["sender"], "starttls", "post", "let me in")),
        ({"tls": "implicit"}, SmtpMailer("mail.example.org", 465, WHOLE["sender"], "implicit")),
        ({"tls": "none"}, SmtpMailer("mail.example.org", 25, WHOLE["sender"], "none")),
        ({"port": 2525}, SmtpMailer("mail.example.org", 2525, WHOLE["sender"])),
        ({"sender": "a@b"}, SmtpMailer("mail.example.org", 587, "a@b")),
        (
            {"ca_file": "ca.pem", "timeout_seconds": 5},
            SmtpMailer("mail.example.org", 587, WHOLE["sender"], authorities="ca.pem", patience=5),
        ),
    ],
)
def test_a_server_is_spoken_to_as_configured(mail: dict[str, Any], mailer: SmtpMailer) -> None:
    """The port follows from the encryption unless it is said, and a name and its password are told."""
    assert make_mailer(told(**{**WHOLE, **mail})) == mailer


@pytest.mark.parametrize(
    "sender", ["accounts", "@example.org", "accounts@", "A <b", "a@b\r\nBcc: c@d", "é@example.org", "a b@c d"]
)
def test_mail_comes_from_an_address(sender: str) -> None:
    """A sender that is no address, or would be a second header, stops the start."""
    assert "mail.sender" in refused(host="mail.example.org", sender=sender)


def test_mail_comes_from_somebody() -> None:
    """A server without a sender stops the start."""
    assert "mail.sender: must be set, since mail.host is" in refused(host="mail.example.org")


def test_a_password_is_never_told_in_the_open() -> None:
    """A password without encryption stops the start, and is not in the message."""
    said = refused(**WHOLE, **LET_IN, tls="none")
    assert "everybody on the way could read it" in said
    assert "let me in" not in said


@pytest.mark.parametrize("half", LET_IN)
def test_a_name_and_its_password_come_together(half: str) -> None:
    """One of the two alone stops the start."""
    assert "must be set exactly when mail.username is" in refused(**WHOLE, **{half: LET_IN[half]})
