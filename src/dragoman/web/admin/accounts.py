"""All accounts, found by their names; and new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import account_lists, setup, step_up
from dragoman.core.accounts import NewAccount
from dragoman.core.errors import NameRefused, NameTaken
from dragoman.web.admin.paging import PER_PAGE, Rows, number_after
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dragoman.core.work import Core, UnitOfWork

PATH = "/admin/accounts"
NEW = f"{PATH}/new"
FIELDS = ("display_name", "email", "username")
TAKEN = "Somebody has that name already."


def page_of(number: int) -> str:
    """Where an account's own page is."""
    return f"{PATH}/{number}"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """All in the order of their numbers, or those with a name that begins as was asked, in the order of these."""
    asked = visit.asked("q").strip()
    after, limit = number_after(visit), PER_PAGE + 1
    found = (
        account_lists.beginning(uow, asked, after=after, limit=limit)
        if asked
        else account_lists.listed(uow, after=after, limit=limit, deleted=True)
    )
    rows = Rows.of(visit, found, lambda account: str(account.number))
    return Shown("admin/accounts.html", {"asked": asked, "rows": rows})


def show_new(uow: UnitOfWork, visit: Visit) -> Answer:
    """Whom to make an account for."""
    step_up.require(uow, visit.caller)
    return _form({}, {})


def add(core: Core, visit: Visit) -> Answer:
    """The account, without a password: its owner sets one by a link."""
    form = visit.form
    with core.begin(visit.origin, writes=False) as uow:
        step_up.require(uow, visit.caller)
    typed = {name: form.text(name) for name in FIELDS}
    if not typed["email"] and not typed["username"]:
        return _form(typed, {"email": "Give an e-mail address, a username, or both."})
    new = NewAccount(
        email=typed["email"] or None,
        username=typed["username"] or None,
        display_name=typed["display_name"] or None,
        is_admin=form.ticked("admin"),
    )
    try:
        account = setup.create_account(core, visit.origin, new, None, by=visit.caller)
    except NameRefused as refusal:
        return _form(typed, {refusal.field: f"This {refusal.why}."})
    except NameTaken as refusal:
        return _form(typed, {refusal.field: TAKEN})
    return Redirect(page_of(account.number), said="account-added")


def _form(typed: Mapping[str, str], problems: Mapping[str, str]) -> Shown:
    facts = {
        "typed": {name: typed.get(name, "") for name in FIELDS},
        "problems": {name: [problems[name]] if name in problems else [] for name in FIELDS},
    }
    return Shown("admin/account_new.html", facts, 422 if problems else 200)


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="Accounts"),
    Page("GET", NEW, show_new, Who.ADMIN),
    Page("POST", NEW, add, Who.ADMIN, Work.HASHES),
)
