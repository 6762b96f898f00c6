"""Where the link leads that a first start prints: the first administrator is made, and then signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.agents import device_of
from dragoman.core import login_steps, setup_links
from dragoman.core.accounts import NewAccount
from dragoman.core.errors import NameRefused, NameTaken, PasswordRefused, PasswordTooLong, SetupRefused
from dragoman.core.secrets import Secret
from dragoman.web import cookies
from dragoman.web.admin import dialects
from dragoman.web.pages import Answer, Form, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.login import SignedIn
    from dragoman.core.work import Core, UnitOfWork

PATH = "/set-up"
NOT_THE_SAME = "The two passwords are not the same."


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The form, to whoever has the link."""
    link = Secret(visit.asked("token"))
    return _form(link) if setup_links.is_good(uow, link) else _gone()


def make(core: Core, visit: Visit) -> Answer:
    """Make the administrator, and sign them in."""
    form, link = visit.form, visit.form.secret("token")
    new = NewAccount(
        email=form.text("email") or None,
        username=form.text("username") or None,
        display_name=form.text("display_name") or None,
        is_admin=True,
    )
    password = form.secret("password")
    if password != form.secret("again"):
        return _form(link, form, password=[NOT_THE_SAME])
    try:
        made = setup_links.follow(core, visit.origin, link, new, password)
    except SetupRefused:
        return _gone()
    except PasswordRefused as refusal:
        return _form(link, form, password=[f"{reason.text}." for reason in refusal.reasons])
    except PasswordTooLong:
        return _form(link, form, password=["That is longer than a password can be."])
    except (NameRefused, NameTaken) as refusal:
        return _form(link, form, **{refusal.field: [f"This {_why(refusal)}."]})
    device = device_of(visit.origin.agent)
    signed_in = login_steps.begin(core, visit.origin, made.username, password, device)
    return Redirect(dialects.PATH, said="welcome", headers=_kept(visit, signed_in))


def _why(refusal: NameRefused | NameTaken) -> str:
    return refusal.why if isinstance(refusal, NameRefused) else "is taken"


def _kept(visit: Visit, signed_in: SignedIn | Secret) -> tuple[tuple[str, str], ...]:
    """The session's cookie. Whoever was made just now has no second factor to be asked for."""
    if isinstance(signed_in, Secret):
        return ()
    kept = cookies.kept(visit.exchange, cookies.SESSION, signed_in.secret)
    return (kept, cookies.dropped(visit.exchange, cookies.FORMS))


def _form(link: Secret, typed: Form | None = None, **problems: list[str]) -> Shown:
    typed = typed or Form()
    fields = ("display_name", "email", "username")
    facts = {
        "link": link.reveal(),
        "typed": {name: typed.text(name) for name in fields},
        "problems": {name: problems.get(name, []) for name in (*fields, "password")},
    }
    return Shown("set_up.html", facts, 422 if problems else 200)


def _gone() -> Shown:
    return Shown("set_up_gone.html", status=410)


PAGES = (
    Page("GET", PATH, show, Who.ANYBODY),
    Page("POST", PATH, make, Who.ANYBODY, Work.HASHES),
)
