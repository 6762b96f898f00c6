"""Everybody's links to what they share, in every product that knows them; and revoking one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import access_tokens, link_lists, step_up
from dragoman.web.account.sessions import products
from dragoman.web.admin.filtering import asked, owners
from dragoman.web.admin.paging import PER_PAGE, Rows, number_after, number_of
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/admin/links"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The newest first, without the secrets that open them."""
    wanted = asked(uow, visit)
    before = number_after(visit) or None
    found = link_lists.newest(uow, wanted.account, dialect=wanted.dialect, after=before, limit=PER_PAGE + 1)
    rows = Rows.of(visit, [] if wanted.problem else found, lambda link: str(link.id))
    facts = {
        "asked": wanted,
        "rows": rows,
        "people": owners(
            uow, [number for each in rows.shown for number in (each.account_number, each.creator_number)]
        ),
        "products": products(),
    }
    return Shown("admin/links.html", facts)


def revoke(uow: UnitOfWork, visit: Visit) -> Answer:
    """It opens nothing any more, and whom it let in is outside."""
    step_up.require(uow, visit.caller)
    access_tokens.revoke_any(uow, number_of(visit.parameters["link"]), by=visit.caller)
    return Redirect(visit.back_to(PATH), said="link-revoked")


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="All links"),
    Page("POST", f"{PATH}/{{link}}/revoke", revoke, Who.ADMIN, Work.WRITES),
)
