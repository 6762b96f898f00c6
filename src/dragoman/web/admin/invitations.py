"""Invitations: made, mailed or shown once to be handed over, listed with what became of them, and revoked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.core import groups, invitations, step_up
from dragoman.core.errors import NameRefused, NameTaken, NotFound, Refusal
from dragoman.core.invitations import Offer
from dragoman.web.admin.accounts import FIELDS, TAKEN
from dragoman.web.admin.filtering import owners
from dragoman.web.admin.paging import PER_PAGE, Rows, number_of
from dragoman.web.pages import Answer, Form, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/admin/invitations"
NEW = f"{PATH}/new"
LASTS = {1: "1 day", 3: "3 days", 7: "a week", 30: "30 days"}


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The newest first, without the links."""
    found = invitations.listed(uow, before=visit.after, limit=PER_PAGE + 1)
    rows = Rows.of(visit, found, lambda each: str(each.id))
    numbers = [number for each in rows.shown for number in (each.inviter_number, each.guest_number) if number]
    return Shown("admin/invitations.html", {"rows": rows, "people": owners(uow, numbers)})


def show_new(uow: UnitOfWork, visit: Visit) -> Answer:
    """Whom to invite, and as what."""
    step_up.require(uow, visit.caller)
    return _form(uow, Form())


def invite(uow: UnitOfWork, visit: Visit) -> Answer:
    """Mail the link, or show it once."""
    step_up.require(uow, visit.caller)
    form, mails = visit.form, visit.form.ticked("mail")
    if mails and not form.text("email"):
        return _form(uow, form, {"email": "Where to? Or do not have it mailed, and hand the link over."})
    made = invitations.invite(
        uow, _offer(form), lasts=_lasts(form), inviter=visit.caller.account, by=visit.caller, mails=mails
    )
    if mails:
        return Redirect(PATH, said="invited")
    return Shown("admin/invitation_link.html", {"link": made.link.reveal(), "until": made.expires_at})


def not_invited(uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """The form again, with why."""
    if isinstance(refusal, NameRefused):
        return _form(uow, visit.form, {refusal.field: f"This {refusal.why}."})
    return _form(uow, visit.form, {refusal.field: TAKEN}) if isinstance(refusal, NameTaken) else None


def revoke(uow: UnitOfWork, visit: Visit) -> Answer:
    """It is good for nothing any more."""
    step_up.require(uow, visit.caller)
    invitations.revoke(uow, visit.id_of("invitation"), by=visit.caller)
    return Redirect(visit.back_to(PATH), said="invitation-revoked")


def _offer(form: Form) -> Offer:
    names = {name: form.text(name) or None for name in FIELDS}
    joined = tuple(number_of(number) for number in form.all("group"))
    return Offer(**names, is_admin=form.ticked("admin"), groups=joined)


def _lasts(form: Form) -> timedelta:
    """For how long, of what the form offers. Refuses `NotFound`."""
    days = number_of(form.text("days"))
    if days not in LASTS:
        raise NotFound("number of days")
    return timedelta(days=days)


def _form(uow: UnitOfWork, form: Form, problems: Mapping[str, str] | None = None) -> Shown:
    problems = problems or {}
    mailer = uow.tools.mailer is not None
    facts = {
        "typed": {name: form.text(name) for name in FIELDS},
        "problems": {name: [problems[name]] if name in problems else [] for name in FIELDS},
        "admin": form.ticked("admin"),
        "chosen": form.all("group"),
        "days": form.text("days") or str(invitations.LIFETIME.days),
        "lasts": [(str(days), words) for days, words in LASTS.items()],
        "groups": groups.everyone(uow),
        "mailer": mailer,
        "mails": form.ticked("mail") if form.fields else mailer,
    }
    return Shown("admin/invitation_new.html", facts, 422 if problems else 200)


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="Invitations"),
    Page("GET", NEW, show_new, Who.ADMIN),
    Page("POST", NEW, invite, Who.ADMIN, Work.WRITES, explains=not_invited),
    Page("POST", f"{PATH}/{{invitation}}/revoke", revoke, Who.ADMIN, Work.WRITES),
)
