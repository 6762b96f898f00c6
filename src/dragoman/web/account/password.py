"""Changing one's password: with the old one, and all the reasons at once where the new one will not do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dragoman.core import step_up
from dragoman.core.errors import PasswordRefused, PasswordTooLong, WrongPassword
from dragoman.core.password_change import change_password
from dragoman.core.telling import tell_owner
from dragoman.web.pages import HOME, Answer, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork

PATH = "/account/password"
NOT_THE_SAME = "The two new passwords are not the same."
TOO_LONG = "That is longer than a password can be."
TOLD = "The password of your account was changed."


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The form, for whoever has just proved who they are."""
    step_up.require(uow, visit.caller)
    return _form()


def change(core: Core, visit: Visit) -> Answer:
    """Change it, and sign out everywhere else unless told not to."""
    form, caller = visit.form, visit.caller
    with core.begin(visit.origin, writes=False) as uow:
        step_up.require(uow, caller)
    if form.secret("new") != form.secret("again"):
        return _form(new=[NOT_THE_SAME])
    try:
        change_password(
            core,
            visit.origin,
            caller,
            form.secret("old"),
            form.secret("new"),
            sign_out_others=form.ticked("sign_out"),
            also=lambda uow, _: tell_owner(uow, caller.account, TOLD),
        )
    except PasswordRefused as refusal:
        return _form(new=[f"{reason.text}." for reason in refusal.reasons])
    except PasswordTooLong:
        return _form(new=[TOO_LONG])
    except WrongPassword:
        return _form(old=["That is not your password."])
    return Redirect(HOME, said="password-changed")


def _form(*, old: Sequence[str] = (), new: Sequence[str] = ()) -> Shown:
    return Shown("account/password.html", {"old": old, "new": new}, 422 if old or new else 200)


PAGES = (
    Page("GET", PATH, show, room="Password"),
    Page("POST", PATH, change, work=Work.HASHES),
)
