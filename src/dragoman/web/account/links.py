"""Links that were handed on: those one made, and those that are opened as oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import access_tokens, link_lists, link_visits
from dragoman.core.errors import NotFound
from dragoman.web.account.sessions import products
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/account/links"
A_PAGE = 50


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The links, the newest first, with what they share and how often they were opened."""
    number = visit.caller.account.number
    found = link_lists.newest(uow, number, limit=A_PAGE + 1, after=_number(visit.asked("after")))
    links, named = found[:A_PAGE], products()
    ids = [link.id for link in links]
    facts = {
        "links": [(link, named.get(link.dialect, link.dialect)) for link in links],
        "shared": access_tokens.shared_by(uow, ids),
        "visits": link_visits.visits_of(uow, ids),
        "after": ids[-1] if len(found) > A_PAGE else None,
    }
    return Shown("account/links.html", facts)


def revoke(uow: UnitOfWork, visit: Visit) -> Answer:
    """It opens nothing any more, and whoever came by it is signed out."""
    visit.caller.require_in_person()
    number = _number(visit.parameters["link"])
    if number is None:
        raise NotFound("link")
    access_tokens.revoke_own(uow, number, by=visit.caller)
    return Redirect(visit.back_to(PATH), said="link-revoked")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


PAGES = (
    Page("GET", PATH, show, room="Links"),
    Page("POST", f"{PATH}/{{link}}/revoke", revoke, work=Work.WRITES),
)
