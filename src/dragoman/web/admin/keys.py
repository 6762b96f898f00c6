"""Everybody's API keys, in every product; and revoking one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import accounts, api_keys, step_up
from dragoman.core.telling import tell_owner
from dragoman.web.account.sessions import products
from dragoman.web.admin.accounts import page_of
from dragoman.web.admin.filtering import asked, owners
from dragoman.web.admin.paging import PER_PAGE, Rows
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/admin/keys"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """By account, each one's newest first."""
    wanted = asked(uow, visit)
    found = api_keys.page_of_all(
        uow, account_number=wanted.account, dialect=wanted.dialect, after=visit.after, limit=PER_PAGE + 1
    )
    rows = Rows.of(visit, [] if wanted.problem else found, lambda key: str(key.id))
    facts = {
        "asked": wanted,
        "rows": rows,
        "people": owners(uow, [each.account_number for each in rows.shown]),
        "products": products(),
    }
    return Shown("admin/keys.html", facts)


def revoke(uow: UnitOfWork, visit: Visit) -> Answer:
    """It opens nothing any more, and its owner is told."""
    step_up.require(uow, visit.caller)
    number = api_keys.revoke(uow, visit.id_of("key"), by=visit.caller)
    owner = accounts.find_by_number(uow, number)
    if owner is not None:
        tell_owner(uow, owner, "An administrator revoked an API key of your account.")
    return Redirect(visit.back_to(PATH, page_of(number)), said="key-revoked")


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="All API keys"),
    Page("POST", f"{PATH}/{{key}}/revoke", revoke, Who.ADMIN, Work.WRITES),
)
