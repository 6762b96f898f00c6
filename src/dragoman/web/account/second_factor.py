"""How apps that know of no codes sign in: the ways that the account allows, and its app passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import app_passwords, demands, step_up, ways
from dragoman.core.errors import NameRefused, Refusal, TooMany
from dragoman.core.telling import tell_owner
from dragoman.core.ways import Ways
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/account/second-factor"
APP_PASSWORDS = "/account/app-passwords"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """What is allowed, and what there is."""
    number = visit.caller.account.number
    facts = {
        "guard": demands.guard(uow, visit.caller.account),
        "allowed": ways.allowed(uow, number),
        "app_passwords": app_passwords.of_account(uow, number),
        "products": uow.rules.products,
        "most": app_passwords.MOST,
    }
    return Shown("account/second_factor.html", facts)


def choose(uow: UnitOfWork, visit: Visit) -> Answer:
    """Allow what was ticked, and nothing else."""
    step_up.require(uow, visit.caller)
    ways.choose(
        uow, Ways(**{way: visit.form.ticked(way) for way in Ways.__dataclass_fields__}), by=visit.caller
    )
    tell_owner(uow, visit.caller.account, "How apps sign in to your account was changed.")
    return Redirect(PATH, said="saved")


def show_new(uow: UnitOfWork, visit: Visit) -> Answer:
    """For which product, and by what name."""
    step_up.require(uow, visit.caller)
    return _form(uow, visit)


def make(uow: UnitOfWork, visit: Visit) -> Answer:
    """A new one, shown this once."""
    step_up.require(uow, visit.caller)
    product, name = visit.form.text("product"), visit.form.text("name")
    secret = app_passwords.make(uow, product, name, by=visit.caller)
    title = uow.rules.products[product]
    tell_owner(
        uow, visit.caller.account, f"An app password for {title}, “{name}”, was made for your account."
    )
    return Shown("account/app_password.html", {"secret": secret.reveal(), "product": title, "name": name})


def not_made(uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """The form again, with why."""
    if isinstance(refusal, NameRefused):
        return _form(uow, visit, f"A name {refusal.why}.")
    if isinstance(refusal, TooMany):
        return _form(uow, visit, f"You have {refusal.limit} already. Remove one that is not used any more.")
    return None


def end(uow: UnitOfWork, visit: Visit) -> Answer:
    """It opens nothing any more, and what it opened is closed."""
    step_up.require(uow, visit.caller)
    ended = app_passwords.end(uow, visit.id_of("app_password"), by=visit.caller)
    tell_owner(uow, visit.caller.account, f"The app password “{ended.name}” of your account was removed.")
    return Redirect(PATH, said="app-password-removed")


def _form(uow: UnitOfWork, visit: Visit, problem: str | None = None) -> Shown:
    chosen, name = visit.form.text("product"), visit.form.text("name")
    facts = {"products": uow.rules.products, "chosen": chosen, "name": name, "problem": problem}
    return Shown("account/app_password_new.html", facts, 422 if problem else 200)


PAGES = (
    Page("GET", PATH, show, room="How apps sign in"),
    Page("POST", PATH, choose, work=Work.WRITES),
    Page("GET", f"{APP_PASSWORDS}/new", show_new),
    Page("POST", f"{APP_PASSWORDS}/new", make, work=Work.WRITES, explains=not_made),
    Page("POST", f"{APP_PASSWORDS}/{{app_password}}/end", end, work=Work.WRITES),
)
