"""Where an invitation leads: its guest makes an account, is signed in, and shown how to connect an app.

To look at it changes nothing, since scanners open the links in mail before their readers do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dragoman.core import invitations
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.errors import InvitationRefused
from dragoman.core.secrets import Secret
from dragoman.web import joining
from dragoman.web.account import apps
from dragoman.web.pages import Answer, Form, Page, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork

PATH = "/invitation"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The form, to whoever has the link."""
    return _form(uow, Secret(visit.asked("token")))


def accept(core: Core, visit: Visit) -> Answer:
    """Make the account, and sign its owner in."""
    link = visit.form.secret("token")

    def follow(chosen: NewAccount, password: Secret) -> Account:
        return invitations.accept(core, visit.origin, link, chosen, password)

    try:
        made = joining.made(visit, follow)
    except InvitationRefused:
        return _gone()
    if isinstance(made, Account):
        return joining.let_in(core, visit, made, apps.PATH, "joined")
    with core.begin(visit.origin, writes=False) as uow:
        return _form(uow, link, visit.form, made)


def _form(
    uow: UnitOfWork, link: Secret, typed: Form | None = None, problems: joining.Problems | None = None
) -> Shown:
    found = invitations.find_open(uow, link)
    if found is None:
        return _gone()
    shown = joining.form("invitation.html", link, typed, problems)
    given = {name: getattr(found.offer, name) for name in joining.FIELDS if getattr(found.offer, name)}
    facts = {**shown.facts, "given": given, "is_admin": found.offer.is_admin}
    return replace(shown, facts=facts)


def _gone() -> Shown:
    return Shown("invitation_gone.html", status=410)


PAGES = (
    Page("GET", PATH, show, Who.ANYBODY),
    Page("POST", PATH, accept, Who.ANYBODY, Work.HASHES),
)
