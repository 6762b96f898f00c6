"""A thread that hands over what waits in the outbox, so that no request ever waits for a mail server."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

from dragoman.background import Background
from dragoman.core import outbox
from dragoman.core.errors import Unavailable
from dragoman.core.work import Origin
from dragoman.log import get_logger

if TYPE_CHECKING:
    from dragoman.core.mail import Mail
    from dragoman.core.work import Core

log = get_logger("dragoman.courier")
EVERY = timedelta(seconds=2)
LONGEST_REST = timedelta(minutes=2)  # while nobody takes mail
ORIGIN = Origin("courier")


class Courier(Background):
    """Looks into the outbox every two seconds, and less often while the mail server is away.

    Where no mail server is configured each mail is shown on the `console`, once, and goes on waiting.
    """

    def __init__(self, core: Core, console: TextIO | None = None) -> None:
        super().__init__("courier", self._run)
        self._core = core
        self._console = console or sys.stdout

    def _run(self, stopping: threading.Event) -> None:
        rest = EVERY
        while not stopping.wait(rest.total_seconds()):
            rest = EVERY if self._round(stopping) else min(2 * rest, LONGEST_REST)

    def _round(self, stopping: threading.Event) -> bool:
        """Hand over what is due, one mail after the other; whether there is no reason to rest for longer."""
        try:
            with self._core.begin(ORIGIN, writes=False) as uow:
                if not outbox.has_work(uow):
                    return True
            self._expire()
            if self._core.tools.mailer is None:
                return self._show_all()
            return self._deliver_all(stopping)
        except Unavailable as refusal:
            log.warning("could not look into the outbox", why=refusal.why)
        except Exception:
            log.exception("delivering failed")
        return False

    def _expire(self) -> None:
        with self._core.begin(ORIGIN, writes=True) as uow:
            expired = outbox.expire(uow)
        if expired:
            self._core.tally.count(outbox.MAILS, "expired", by=expired)
            log.warning("mail given up", mails=expired)

    def _deliver_all(self, stopping: threading.Event) -> bool:
        while not stopping.is_set():
            outcome = outbox.deliver_next(self._core, ORIGIN)
            if outcome == "nothing":
                return True
            if outcome == "away":
                log.warning("the mail server takes no mail: see dragoman outbox list")
                return False
            log.info("mail handed over" if outcome == "delivered" else "a mail was not taken")
        return True

    def _show_all(self) -> bool:
        from dragoman.mailing import show  # noqa: PLC0415 - 10 ms of a start, for what few starts do

        while (mail := self._next_to_show()) is not None:
            show(mail, self._console)
        return True

    def _next_to_show(self) -> Mail | None:
        with self._core.begin(ORIGIN, writes=True) as uow:
            return outbox.show_next(uow)
