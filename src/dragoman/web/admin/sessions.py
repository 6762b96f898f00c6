"""Everybody's sessions, in every product; and signing somebody out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import session_ends, session_lists, sessions, step_up
from dragoman.web.account.sessions import place, products
from dragoman.web.admin.accounts import page_of
from dragoman.web.admin.filtering import asked, owners
from dragoman.web.admin.paging import PER_PAGE, Rows
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/admin/sessions"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """Those that last longest first."""
    wanted = asked(uow, visit)
    found = session_lists.page(
        uow, account_number=wanted.account, dialect=wanted.dialect, after=visit.after, limit=PER_PAGE + 1
    )
    rows = Rows.of(visit, [] if wanted.problem else found, lambda session: str(session.id))
    this = visit.caller.session
    facts = {
        "asked": wanted,
        "rows": rows,
        "found": [place(each, None if this is None else this.id) for each in rows.shown],
        "people": owners(uow, [each.account_number for each in rows.shown]),
        "products": {**products(), "web": "These pages"},
    }
    return Shown("admin/sessions.html", facts)


def end(uow: UnitOfWork, visit: Visit) -> Answer:
    """Sign somebody out of one."""
    step_up.require(uow, visit.caller)
    session = sessions.get(uow, visit.id_of("session"))
    session_ends.end_one(uow, session.account_number, session.dialect, session.id, by=visit.caller)
    return Redirect(visit.back_to(PATH, page_of(session.account_number)), said="account-session-ended")


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="All sessions"),
    Page("POST", f"{PATH}/{{session}}/end", end, Who.ADMIN, Work.WRITES),
)
