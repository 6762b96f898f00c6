"""Who one is here: one's name, and what one signs in with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dragoman.core import accounts, avatars, step_up
from dragoman.core.accounts import Changes
from dragoman.core.errors import NameRefused, NameTaken, Refusal
from dragoman.core.telling import tell_owner
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit
from dragoman.web.pictures import PictureUnfit, avatar_of
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.work import Core, UnitOfWork

PATH = "/account/profile"
NAMES = f"{PATH}/names"
SAID = {"email": "That address", "username": "That username", "display_name": "That name"}


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The name and the picture that others see, and the way to the other names."""
    return _profile(uow, visit, visit.caller.account.display_name)


def rename(uow: UnitOfWork, visit: Visit) -> Answer:
    """Another name for others to see."""
    name = visit.form.text("display_name")
    accounts.change(uow, visit.caller.account.number, Changes(display_name=name), by=visit.caller)
    return Redirect(PATH, said="saved")


def not_renamed(uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """The form again, with why."""
    if isinstance(refusal, NameRefused):
        return _profile(uow, visit, visit.form.text("display_name"), refusal)
    return None


def set_picture(core: Core, visit: Visit) -> Answer:
    """Another picture, made anew of the one that was brought: that is work for the lane that hashes."""
    account = visit.caller.account
    try:
        picture = avatar_of(visit.form.files.get("picture", b""))
    except PictureUnfit as unfit:
        with core.begin(visit.origin, writes=False) as uow:
            return _profile(uow, visit, account.display_name, unfit)
    with core.begin(visit.origin, writes=True) as uow:
        avatars.put(uow, account.number, picture, by=visit.caller)
    return Redirect(PATH, said="saved")


def remove_picture(uow: UnitOfWork, visit: Visit) -> Answer:
    """The first letter of the name in its place."""
    avatars.remove(uow, visit.caller.account.number, by=visit.caller)
    return Redirect(PATH, said="saved")


def show_names(uow: UnitOfWork, visit: Visit) -> Answer:
    """What one signs in with, for whoever has just proved who they are."""
    step_up.require(uow, visit.caller)
    account = visit.caller.account
    return _names(username=account.username, email=account.email or "")


def change_names(uow: UnitOfWork, visit: Visit) -> Answer:
    """Sign in with others from now on. Of another address both are told: the old one above all."""
    step_up.require(uow, visit.caller)
    before, typed = visit.caller.account, _typed(visit)
    changes = Changes(
        username=typed["username"] if typed["username"] != before.username else None,
        email=typed["email"] if typed["email"] != (before.email or "") else None,
    )
    if changes == Changes():
        return Redirect(PATH)
    _tell(uow, before, accounts.change(uow, before.number, changes, by=visit.caller))
    return Redirect(PATH, said="saved")


def names_not_changed(_uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """The form again, with why."""
    return _names(refusal, **_typed(visit)) if isinstance(refusal, NameRefused | NameTaken) else None


def _typed(visit: Visit) -> Mapping[str, str]:
    return {name: visit.form.text(name) for name in ("username", "email")}


def _tell(uow: UnitOfWork, before: Account, after: Account) -> None:
    if after.username != before.username:
        tell_owner(uow, before, f"Your account is called “{after.username}” from now on.")
    if after.email != before.email:
        what = f"The address of your account is {after.email} from now on."
        tell_owner(uow, after, what)
        if before.email is not None:
            tell_owner(uow, after, what, to=before.email)


def _profile(
    uow: UnitOfWork, visit: Visit, display_name: str, refusal: NameRefused | PictureUnfit | None = None
) -> Shown:
    facts = {
        "display_name": display_name,
        "has_picture": avatars.has_one(uow, visit.caller.account.number),
        "problems": [_said(refusal)] if isinstance(refusal, NameRefused) else [],
        "picture_problems": [str(refusal)] if isinstance(refusal, PictureUnfit) else [],
    }
    return Shown("account/profile.html", facts, 422 if refusal else 200)


def _said(refusal: NameRefused | NameTaken) -> str:
    why = refusal.why if isinstance(refusal, NameRefused) else "is somebody's already"
    return f"{SAID[refusal.field]} {why}."


def _names(refusal: NameRefused | NameTaken | None = None, **typed: str) -> Shown:
    problems: Mapping[str, list[str]] = {name: [] for name in typed}
    if refusal is not None:
        problems[refusal.field].append(_said(refusal))
    return Shown("account/names.html", {"typed": typed, "problems": problems}, 422 if refusal else 200)


PAGES = (
    Page("GET", PATH, show, room="Profile"),
    Page("POST", PATH, rename, work=Work.WRITES, explains=not_renamed),
    Page("POST", f"{PATH}/picture", set_picture, work=Work.HASHES, takes_files=True),
    Page("POST", f"{PATH}/picture/remove", remove_picture, work=Work.WRITES),
    Page("GET", NAMES, show_names),
    Page("POST", NAMES, change_names, work=Work.WRITES, explains=names_not_changed),
)
