"""Handing mail over: encrypted, to the right server, and with each of its noes understood."""

from __future__ import annotations

import io
import ssl
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from tests.certificates import self_signed
from tests.fakes import START
from tests.mail_server import MailServer, mail_server, text_of

from dragoman.core.letters import write
from dragoman.core.mail import Letter, Mail, NotSent, PostAway, Undeliverable
from dragoman.mailing import SmtpMailer, message_of, show

SENDER = "Accounts <accounts@example.org>"
LETTER = Letter("Grüße", "Guten Tag,\n\nhier ist er.\n", "<p>Guten Tag</p>")
MAIL = Mail(uuid.UUID(int=7), "alice@example.org", START, LETTER)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that speaks plainly."""
    with mail_server() as served:
        yield served


@pytest.fixture
def trusted(tmp_path: Path) -> ssl.SSLContext:
    """What `localhost` needs for TLS; whoever trusts `server.pem` trusts it."""
    return self_signed("localhost", tmp_path)[0]


def plainly(server: MailServer) -> SmtpMailer:
    """The way to a server that speaks plainly."""
    return SmtpMailer("127.0.0.1", server.port, SENDER, "none", patience=5)


def encrypted(server: MailServer, folder: Path) -> SmtpMailer:
    """The way to a server that asks for TLS, and who comes."""
    file = str(folder / "server.pem")
    return SmtpMailer("localhost", server.port, SENDER, "starttls", "post", "let me in", file, 5)


def test_a_mail_says_the_same_as_text_and_as_html(server: MailServer) -> None:
    """What arrives has both parts, its own Message-ID and date, and asks for no automatic reply."""
    plainly(server)(MAIL)
    (mail,) = server.taken
    assert text_of(mail) == LETTER.text
    assert text_of(mail, "html").strip() == LETTER.html
    assert mail["Subject"] == "Grüße"
    assert mail["From"] == SENDER
    assert mail["To"] == "alice@example.org"
    assert mail["Message-ID"] == f"<{MAIL.id}@example.org>"
    assert mail["Date"] == "Mon, 05 Jan 2026 09:30:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_starttls_comes_before_name_and_password(tmp_path: Path, trusted: ssl.SSLContext) -> None:
    """By default a mail goes to a server whose certificate is good, and who we are is told under TLS alone."""
    assert SmtpMailer("localhost", 587, SENDER).tls == "starttls"
    with mail_server(starttls=trusted, asks_who=True) as server:
        encrypted(server, tmp_path)(MAIL)
    assert (server.encrypted, server.signed_in) == ([True], [b"post"])


def test_tls_may_come_first(tmp_path: Path, trusted: ssl.SSLContext) -> None:
    """Implicit TLS (RFC 8314) is spoken where it is configured."""
    with mail_server(implicit=trusted) as server:
        replace(encrypted(server, tmp_path), tls="implicit", username=None, password=None)(MAIL)
        assert len(server.taken) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_that_is_not_good_is_told_nothing(
    tmp_path: Path, trusted: ssl.SSLContext, tls: Literal["starttls", "implicit"]
) -> None:
    """Whoever cannot show a certificate for the name, signed by whom we trust, gets no mail and no password."""
    starttls, implicit = (trusted, None) if tls == "starttls" else (None, trusted)
    with mail_server(starttls=starttls, implicit=implicit) as server:
        mailer = replace(encrypted(server, tmp_path), tls=tls)
        for other in (replace(mailer, authorities=None), replace(mailer, host="127.0.0.1")):
            with pytest.raises(PostAway, match="certificate verify failed"):
                other(MAIL)
        assert (server.taken, server.signed_in) == ([], [])


def test_a_server_without_tls_is_told_nothing(server: MailServer) -> None:
    """A server that offers no encryption is as good as away: nobody between may take the offer out."""
    with pytest.raises(PostAway, match="STARTTLS"):
        replace(plainly(server), tls="starttls")(MAIL)
    assert server.taken == []


def test_a_wrong_password_is_no_fault_of_the_mail(tmp_path: Path, trusted: ssl.SSLContext) -> None:
    """A server that does not let us in takes no mail at all, and the password is in no message."""
    with (
        mail_server(starttls=trusted, asks_who=True) as server,
        pytest.raises(PostAway, match=r"^535") as away,
    ):
        replace(encrypted(server, tmp_path), password="let me out")(MAIL)
    assert "let me" not in str(away.value)
    assert "let me" not in repr(encrypted(server, tmp_path))


def test_nobody_there_is_away() -> None:
    """A server that is not reached is away, and it is said why."""
    with mail_server() as server:
        mailer = plainly(server)
    with pytest.raises(PostAway, match="refused"):
        mailer(MAIL)


@pytest.mark.parametrize(("code", "kind"), [("550 no such user", Undeliverable), ("450 try later", NotSent)])
def test_a_recipient_that_is_refused(server: MailServer, code: str, kind: type[NotSent]) -> None:
    """5xx at the recipient is for good, 4xx is for now, and the server's words are kept."""
    server.says_to["alice@example.org"] = code
    with pytest.raises(NotSent, match=code) as refused:
        plainly(server)(MAIL)
    assert type(refused.value) is kind


@pytest.mark.parametrize(("code", "kind"), [("554 spam", Undeliverable), ("451 busy", NotSent)])
def test_a_text_that_is_refused(server: MailServer, code: str, kind: type[NotSent]) -> None:
    """5xx at the text is for good, 4xx is for now."""
    server.says = code
    with pytest.raises(NotSent, match=code) as refused:
        plainly(server)(MAIL)
    assert type(refused.value) is kind


def test_a_sender_that_is_refused_is_no_fault_of_the_mail(server: MailServer) -> None:
    """A server that will not have mail from us may have it once its settings, or ours, are mended."""
    server.says_from = "550 who are you"
    with pytest.raises(NotSent, match="550 who are you") as refused:
        plainly(server)(MAIL)
    assert type(refused.value) is NotSent


def test_a_server_that_hangs_up_has_taken_nothing(server: MailServer) -> None:
    """A connection that ends before the server said yes is no yes: the mail is tried again."""
    server.hangs_up = True
    with pytest.raises(NotSent) as refused:
        plainly(server)(MAIL)
    assert type(refused.value) is NotSent


@pytest.mark.parametrize(
    "recipient",
    ["jürgen@example.org", "alice@bücher.example", "a b@example.org", "a@b@c", "@", "a@b\r\nBcc: x@y"],
)
def test_who_cannot_be_addressed_never_will_be(server: MailServer, recipient: str) -> None:
    """An address that this server cannot take, or that is none, is refused for good, and no header is forged by it."""
    with pytest.raises(Undeliverable):
        plainly(server)(replace(MAIL, recipient=recipient))
    assert server.taken == []


@pytest.mark.parametrize("name", ["Eve\r\nBcc: x@example.org", "<script>alert(1)</script>", "{{ 7 * 7 }}"])
def test_what_a_letter_is_told_stays_text(name: str) -> None:
    """A name is no header, no markup and no template, whatever it looks like."""
    letter = write("reset", name=name, login="eve", link="https://id.test/?a=b&c=d", hours=24)
    message = message_of(replace(MAIL, letter=letter), SENDER)
    assert message["Bcc"] is None
    assert name in letter.text
    assert "https://id.test/?a=b&c=d" in letter.text
    assert "<script>" not in letter.html
    assert 'href="https://id.test/?a=b&amp;c=d"' in letter.html
    assert "49" not in letter.html


class Terminal(io.StringIO):
    """Standard output that says it is a terminal."""

    def isatty(self) -> bool:
        """It says so."""
        return True


def test_a_terminal_shows_the_mail_and_nothing_that_it_would_obey() -> None:
    """On a terminal the whole mail is read; an escape sequence in it is none there."""
    console = Terminal()
    show(replace(MAIL, letter=replace(LETTER, text="Guten\x1b[2J Tag\n")), console)
    assert "To: alice@example.org" in console.getvalue()
    assert "Guten [2J Tag" in console.getvalue()
    assert "\x1b" not in console.getvalue()


def test_what_is_no_terminal_is_told_where_the_mail_is() -> None:
    """What is written to a file or to another program's log holds no letter: secrets would be kept there."""
    console = io.StringIO()
    show(MAIL, console)
    assert console.getvalue() == f"A mail to alice@example.org waits: dragoman outbox show {MAIL.id}\n"
