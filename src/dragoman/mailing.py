"""Handing mail over: to a mail server by SMTP (RFC 5321), with TLS unless told otherwise, or to a person's eyes.

What a server says decides what becomes of a mail: no to this one for good (5xx at its recipient or its text) is
`Undeliverable`, no for now (4xx) is `NotSent`, and a server that is not reached, whose certificate is not good
or that does not let us in is `PostAway`: it would take no other mail either.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Literal, TextIO

from dragoman.core.mail import NotSent, PostAway, Undeliverable

if TYPE_CHECKING:
    import smtplib

    from dragoman.core.mail import Mail

FOR_GOOD = 500  # RFC 5321 §4.2.1: from here on the same again would be refused again


@dataclass(frozen=True)
class SmtpMailer:
    """Hands mail to the server at `host` and `port`, from `sender`, an address with or without a name.

    `starttls` and `implicit` (RFC 8314) send nothing before the server's certificate was verified for its name, by
    the system's authorities or those in the file `authorities`. `patience` in seconds is for each step.
    """

    host: str
    port: int
    sender: str
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    authorities: str | None = None
    patience: float = 20.0

    def __call__(self, mail: Mail) -> None:
        """Return once the server has taken the mail. Raises `NotSent`."""
        import smtplib  # noqa: PLC0415 - most starts send nothing

        message = message_of(mail, self.sender)
        with self._connected() as server:
            try:
                server.send_message(message)
            except smtplib.SMTPRecipientsRefused as refused:
                code, said = refused.recipients[mail.recipient]
                raise _refusal(code, said) from None
            except smtplib.SMTPDataError as refused:
                raise _refusal(refused.smtp_code, refused.smtp_error) from None
            except smtplib.SMTPNotSupportedError as refused:
                # The address is not ASCII, and the server knows no other (RFC 6531).
                raise Undeliverable(str(refused)) from None
            except smtplib.SMTPResponseException as refused:
                raise NotSent(_said(refused.smtp_code, refused.smtp_error)) from None
            except (smtplib.SMTPException, OSError) as failure:
                raise NotSent(_worded(failure)) from None

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A server that has let us in. It is left politely; what it says to that changes nothing."""
        import smtplib  # noqa: PLC0415

        try:
            server = self._greeted()
        except smtplib.SMTPResponseException as refused:
            raise PostAway(_said(refused.smtp_code, refused.smtp_error)) from None
        except (smtplib.SMTPException, OSError) as failure:
            raise PostAway(_worded(failure)) from None
        try:
            yield server
        finally:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _greeted(self) -> smtplib.SMTP:
        import smtplib  # noqa: PLC0415

        # Our own name as the system has it: the library would ask the network for a longer one.
        us, patience = socket.gethostname(), self.patience
        if self.tls == "implicit":
            encrypted = self._context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, us, timeout=patience, context=encrypted
            )
        else:
            server = smtplib.SMTP(self.host, self.port, us, timeout=patience)
        try:
            if self.tls == "starttls":
                server.starttls(context=self._context())
            if self.username is not None and self.password is not None:
                server.login(self.username, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authorities)


def message_of(mail: Mail, sender: str) -> EmailMessage:
    """A mail as it goes over the wire (RFC 5322), its letter as `multipart/alternative`. Raises `Undeliverable`.

    The `Message-ID` is the mail's own, so that a mail which is handed over twice can be known as one.
    """
    message = EmailMessage(policy=WIRE)
    try:
        message["To"] = Address(addr_spec=mail.recipient)
    except (MessageError, ValueError, IndexError):
        raise Undeliverable("no mail can be addressed to this") from None
    message["From"] = sender
    message["Subject"] = mail.letter.subject
    message["Date"] = format_datetime(mail.posted_at)
    message["Message-ID"] = f"<{mail.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no out-of-office reply to this
    message.set_content(mail.letter.text)
    message.add_alternative(mail.letter.html, subtype="html")
    return message


def show(mail: Mail, console: TextIO) -> None:
    """Let whoever sits at the server's terminal read a mail; elsewhere, say where it can be read.

    What is not a terminal is kept by somebody, and letters hold secrets.
    """
    if console.isatty():
        lines = [
            f"To: {mail.recipient}",
            f"Subject: {mail.letter.subject}",
            "",
            *mail.letter.text.splitlines(),
        ]
        told = "\n".join(
            ["", "Mail, shown here because no mail server is configured:", *(f"  {x}" for x in lines)]
        )
    else:
        told = f"A mail to {mail.recipient} waits: dragoman outbox show {mail.id}"
    console.write(_visible(told) + "\n")
    console.flush()


def _visible(text: str) -> str:
    """Text without what a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def _refusal(code: int, said: bytes | str) -> NotSent:
    return (Undeliverable if code >= FOR_GOOD else NotSent)(_said(code, said))


def _said(code: int, said: bytes | str) -> str:
    """What a server said: the code, and the words as far as they are words."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {' '.join(words.split())}"


def _worded(failure: Exception) -> str:
    return str(failure) or type(failure).__name__
