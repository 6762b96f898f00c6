"""What to type into which app, so that it signs in here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.web.pages import Answer, Page, Shown, Visit

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/account/apps"


def show(_uow: UnitOfWork, visit: Visit) -> Answer:
    """Each product with its addresses, and where its clients ask for one."""
    return Shown("account/apps.html", {"products": visit.products})


PAGES = (Page("GET", PATH, show, room="Connect an app"),)
