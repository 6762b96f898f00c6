"""A real mail server on a port of this machine, which keeps what it takes and refuses what it is told to."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

TAKEN = "250 OK"


@dataclass
class MailServer:
    """A server at `port`; what it says to a sender, a recipient and a text, and what it has taken so far.

    One that `hangs_up` ends the connection where it would take a text.
    """

    says_to: dict[str, str] = field(default_factory=dict)
    says_from: str = TAKEN
    says: str = TAKEN
    hangs_up: bool = False
    port: int = 0
    taken: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    signed_in: list[bytes] = field(default_factory=list)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Somebody whom mail comes from."""
        if self.says_from == TAKEN:
            envelope.mail_from = address
        return self.says_from

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Somebody to whom mail is to go."""
        said = self.says_to.get(address, TAKEN)
        if said == TAKEN:
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """A mail, whole."""
        if self.hangs_up and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        if self.says == TAKEN:
            assert isinstance(envelope.content, bytes)
            self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
            self.encrypted.append(session.ssl is not None)
        return self.says

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, way: str, given: object
    ) -> AuthResult:
        """Somebody signs in: as `post` with the password `let me in`, or not at all."""
        assert isinstance(given, LoginPassword)
        good = (given.login, given.password) == (b"post", b"let me in")
        if good:
            self.signed_in.append(given.login)
        return AuthResult(success=good, handled=False)

    @property
    def letters(self) -> list[str]:
        """The plain text of every mail taken."""
        return [text_of(mail) for mail in self.taken]


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """What a mail says, as plain text or as HTML."""
    part = mail.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


@contextmanager
def mail_server(
    *,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    port: int = 0,
    asks_who: bool = False,
) -> Iterator[MailServer]:
    """Take mail while the body runs: plainly, after STARTTLS, or under TLS from the first byte."""
    server, loop = MailServer(), asyncio.new_event_loop()

    def conversation() -> SMTP:
        return SMTP(
            server,
            hostname="mail.test",
            loop=loop,
            enable_SMTPUTF8=False,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=asks_who,
            authenticator=server.authenticate,
        )

    async def listen() -> asyncio.Server:
        return await loop.create_server(conversation, "127.0.0.1", port, ssl=implicit)

    # In its own thread from the start: where Playwright is, this one has a loop that runs already.
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(listen(), loop).result(5)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_closed(listening), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _closed(listening: asyncio.Server) -> None:
    listening.close()
    ours = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not ours]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
