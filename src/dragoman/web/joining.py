"""The form by which people make accounts of their own, each with a link that lets them: the first one, and guests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from dragoman.agents import device_of
from dragoman.core import login_steps
from dragoman.core.accounts import NewAccount
from dragoman.core.errors import NameRefused, NameTaken, PasswordRefused, PasswordTooLong, SignInRefused
from dragoman.core.login import SignedIn
from dragoman.core.secrets import Secret
from dragoman.web.pages import Form, Redirect, Shown, Visit
from dragoman.web.sign_in import entered

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.work import Core

FIELDS = ("display_name", "email", "username")
# The link's secret is in the page's address, which nothing that it loads or leads to is told.
DISCREET = ("referrer-policy", "strict-origin")
NOT_THE_SAME = "The two passwords are not the same."

Problems: TypeAlias = Mapping[str, Sequence[str]]


def made(visit: Visit, make: Callable[[NewAccount, Secret], Account]) -> Account | Problems:
    """The account that `make` makes of what was typed; or what is wrong with that, by field."""
    form, password = visit.form, visit.form.secret("password")
    chosen = NewAccount(
        email=form.text("email") or None,
        username=form.text("username") or None,
        display_name=form.text("display_name") or None,
    )
    if password != form.secret("again"):
        return {"password": [NOT_THE_SAME]}
    try:
        return make(chosen, password)
    except PasswordRefused as refusal:
        return {"password": [f"{reason.text}." for reason in refusal.reasons]}
    except PasswordTooLong:
        return {"password": ["That is longer than a password can be."]}
    except NameRefused as refusal:
        return {refusal.field: [f"This {refusal.why}."]}
    except NameTaken as refusal:
        return {refusal.field: ["This is taken."]}


def let_in(core: Core, visit: Visit, account: Account, to: str, said: str) -> Redirect:
    """On to a page, signed in with the password that was typed; by way of signing in where that is not enough."""
    password, device = visit.form.secret("password"), device_of(visit.origin.agent)
    try:
        signed_in = login_steps.begin(core, visit.origin, account.username, password, device)
    except SignInRefused:
        return Redirect(to, said)
    if not isinstance(signed_in, SignedIn):
        return Redirect(to, said)
    return entered(visit, signed_in, to, said)


def form(template: str, link: Secret, typed: Form | None = None, problems: Problems | None = None) -> Shown:
    """The form, with what was typed but for passwords, and what is wrong with it."""
    typed, problems = typed or Form(), problems or {}
    facts = {
        "link": link.reveal(),
        "typed": {name: typed.text(name) for name in FIELDS},
        "problems": {name: problems.get(name, []) for name in (*FIELDS, "password")},
    }
    return Shown(template, facts, 422 if problems else 200, (DISCREET,))
