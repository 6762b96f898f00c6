"""Asking for a link to set another password, where mail is sent. The answer is the same whoever has that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import resets
from dragoman.core.errors import NotFound
from dragoman.web import sign_in
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/forgotten"


def show(uow: UnitOfWork, _visit: Visit) -> Answer:
    """Whose password it is."""
    _require_mail(uow)
    return Shown("forgotten.html")


def ask(uow: UnitOfWork, visit: Visit) -> Answer:
    """Mail them a link, if there is such an account."""
    _require_mail(uow)
    resets.ask(uow, visit.form.text("name"))
    return Redirect(sign_in.PATH, said="reset-asked")


def _require_mail(uow: UnitOfWork) -> None:
    """Refuses `NotFound` where no mail is handed over: a link that nobody gets helps nobody."""
    if uow.tools.mailer is None:
        raise NotFound("page")


PAGES = (
    Page("GET", PATH, show, Who.ANYBODY),
    Page("POST", PATH, ask, Who.ANYBODY, Work.WRITES),
)
