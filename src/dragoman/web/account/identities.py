"""Whom other providers know one as: by these, too, one is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dragoman.core import step_up, upstream
from dragoman.core.errors import LastWayIn, Refusal
from dragoman.core.telling import tell_owner
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/account/identities"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The providers, and since when."""
    return _list(uow, visit)


def unlink(uow: UnitOfWork, visit: Visit) -> Answer:
    """Nobody comes in that way any more."""
    step_up.require(uow, visit.caller)
    issuer, subject = visit.form.text("issuer"), visit.form.text("subject")
    upstream.unlink_one(uow, visit.caller, issuer, subject)
    tell_owner(uow, visit.caller.account, f"Your account is not linked to {_host(issuer)} any more.")
    return Redirect(PATH, said="identity-unlinked")


def not_unlinked(uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """The list again, with why."""
    if isinstance(refusal, LastWayIn):
        return _list(uow, visit, "That is your only way in. Set a password or add a passkey first.")
    return None


def _list(uow: UnitOfWork, visit: Visit, problem: str | None = None) -> Shown:
    found = upstream.identities_of(uow, visit.caller.account.number)
    facts = {"identities": [(each, _host(each.issuer)) for each in found], "problem": problem}
    return Shown("account/identities.html", facts, 409 if problem else 200)


def _host(issuer: str) -> str:
    return urlsplit(issuer).hostname or issuer


PAGES = (
    Page("GET", PATH, show, room="Other sign-ins"),
    Page("POST", PATH, unlink, work=Work.WRITES, explains=not_unlinked),
)
