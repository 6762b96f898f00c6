"""Where one arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.web.pages import HOME, Answer, Page, Redirect, Shown, Visit, Who

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork


def root(_uow: UnitOfWork, _visit: Visit) -> Answer:
    """The server's own address leads home."""
    return Redirect(HOME)


def show(_uow: UnitOfWork, _visit: Visit) -> Answer:
    """Who one is here."""
    return Shown("account/home.html")


PAGES = (
    Page("GET", "/", root, Who.ANYBODY),
    Page("GET", HOME, show, room="Overview"),
)
