"""Mail on its way, and what became of it: tried again, or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import outbox, step_up
from dragoman.web.admin.filtering import owners
from dragoman.web.admin.paging import PER_PAGE, Rows
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/admin/outbox"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The newest first. What they say is nobody's to read here."""
    found = outbox.listed(uow, before=visit.after, limit=PER_PAGE + 1)
    rows = Rows.of(visit, found, lambda mail: str(mail.id))
    facts = {
        "rows": rows,
        "people": owners(uow, [each.account_number for each in rows.shown]),
        "mailer": uow.tools.mailer is not None,
        "waiting": outbox.waiting(uow),
    }
    return Shown("admin/outbox.html", facts)


def retry_all(uow: UnitOfWork, visit: Visit) -> Answer:
    """Have all that wait handed over now."""
    outbox.retry(uow)
    return Redirect(visit.back_to(PATH), said="mail-due")


def retry(uow: UnitOfWork, visit: Visit) -> Answer:
    """Have one handed over now."""
    outbox.retry(uow, visit.id_of("mail"))
    return Redirect(visit.back_to(PATH), said="mail-due")


def give_up(uow: UnitOfWork, visit: Visit) -> Answer:
    """Never hand it over: what it says is erased."""
    step_up.require(uow, visit.caller)
    outbox.give_up(uow, visit.id_of("mail"), by=visit.caller)
    return Redirect(visit.back_to(PATH), said="mail-given-up")


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="Outbox"),
    Page("POST", f"{PATH}/retry", retry_all, Who.ADMIN, Work.WRITES),
    Page("POST", f"{PATH}/{{mail}}/retry", retry, Who.ADMIN, Work.WRITES),
    Page("POST", f"{PATH}/{{mail}}/give-up", give_up, Who.ADMIN, Work.WRITES),
)
