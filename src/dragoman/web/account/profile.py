"""Who one is here: one's name, and what one signs in with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dragoman.core import accounts, step_up
from dragoman.core.accounts import Changes
from dragoman.core.errors import NameRefused, NameTaken
from dragoman.core.telling import tell_owner
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.work import UnitOfWork

PATH = "/account/profile"
NAMES = f"{PATH}/names"
SAID = {"email": "That address", "username": "That username", "display_name": "That name"}


def show(_uow: UnitOfWork, visit: Visit) -> Answer:
    """The name that others see, and the way to the others."""
    return _form("account/profile.html", display_name=visit.caller.account.display_name)


def rename(uow: UnitOfWork, visit: Visit) -> Answer:
    """Another name for others to see."""
    name = visit.form.text("display_name")
    try:
        accounts.change(uow, visit.caller.account.number, Changes(display_name=name), by=visit.caller)
    except NameRefused as refusal:
        return _form("account/profile.html", refusal, display_name=name)
    return Redirect(PATH, said="saved")


def show_names(uow: UnitOfWork, visit: Visit) -> Answer:
    """What one signs in with, for whoever has just proved who they are."""
    step_up.require(uow, visit.caller)
    account = visit.caller.account
    return _form("account/names.html", username=account.username, email=account.email or "")


def change_names(uow: UnitOfWork, visit: Visit) -> Answer:
    """Sign in with others from now on. Of another address both are told: the old one above all."""
    step_up.require(uow, visit.caller)
    before, form = visit.caller.account, visit.form
    username, email = form.text("username"), form.text("email")
    changes = Changes(
        username=username if username != before.username else None,
        email=email if email != (before.email or "") else None,
    )
    if changes == Changes():
        return Redirect(PATH)
    try:
        after = accounts.change(uow, before.number, changes, by=visit.caller)
    except (NameRefused, NameTaken) as refusal:
        return _form("account/names.html", refusal, username=username, email=email)
    _tell(uow, before, after)
    return Redirect(PATH, said="saved")


def _tell(uow: UnitOfWork, before: Account, after: Account) -> None:
    if after.username != before.username:
        tell_owner(uow, before, f"Your account is called “{after.username}” from now on.")
    if after.email != before.email:
        what = f"The address of your account is {after.email} from now on."
        tell_owner(uow, after, what)
        if before.email is not None:
            tell_owner(uow, after, what, to=before.email)


def _form(template: str, refusal: NameRefused | NameTaken | None = None, **typed: str) -> Shown:
    problems: Mapping[str, list[str]] = {name: [] for name in typed}
    if refusal is not None:
        why = refusal.why if isinstance(refusal, NameRefused) else "is somebody's already"
        problems[refusal.field].append(f"{SAID[refusal.field]} {why}.")
    return Shown(template, {"typed": typed, "problems": problems}, 422 if refusal else 200)


PAGES = (
    Page("GET", PATH, show, room="Profile"),
    Page("POST", PATH, rename, work=Work.WRITES),
    Page("GET", NAMES, show_names),
    Page("POST", NAMES, change_names, work=Work.WRITES),
)
