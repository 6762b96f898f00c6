"""Where the link leads that a first start prints: the first administrator is made, and then signed in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dragoman.core import setup_links
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.errors import SetupRefused
from dragoman.core.secrets import Secret
from dragoman.web import joining
from dragoman.web.admin import dialects
from dragoman.web.pages import Answer, Page, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork

PATH = "/set-up"
FORM = "set_up.html"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The form, to whoever has the link."""
    link = Secret(visit.asked("token"))
    return joining.form(FORM, link) if setup_links.is_good(uow, link) else _gone()


def make(core: Core, visit: Visit) -> Answer:
    """Make the administrator, and sign them in."""
    link = visit.form.secret("token")

    def follow(chosen: NewAccount, password: Secret) -> Account:
        return setup_links.follow(core, visit.origin, link, replace(chosen, is_admin=True), password)

    try:
        made = joining.made(visit, follow)
    except SetupRefused:
        return _gone()
    if not isinstance(made, Account):
        return joining.form(FORM, link, visit.form, made)
    return joining.let_in(core, visit, made, dialects.PATH, "welcome")


def _gone() -> Shown:
    return Shown("set_up_gone.html", status=410)


PAGES = (
    Page("GET", PATH, show, Who.ANYBODY),
    Page("POST", PATH, make, Who.ANYBODY, Work.HASHES),
)
