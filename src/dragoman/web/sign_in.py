"""Signing in: by name and password, then by a code if the account asks for one; or by a passkey. And signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from dragoman.agents import device_of
from dragoman.core import login_steps, passkeys, session_ends, setup
from dragoman.core.errors import (
    CodeRefused,
    PasskeyRefused,
    PasswordLoginDisabled,
    SignInRefused,
    StepOutdated,
    Throttled,
)
from dragoman.core.errors import PasswordTooLong as TooLong
from dragoman.core.login_steps import Halfway
from dragoman.web import cookies
from dragoman.web.pages import HOME, Answer, Page, Redirect, Shown, Visit, Who, same_site, throttled
from dragoman.web.passkeys import answered, in_page, require_site, site_of
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.login import SignedIn
    from dragoman.core.work import Core, UnitOfWork
    from dragoman.exchange import Exchange

PATH = "/sign-in"
CODE = "/sign-in/code"
WORDS = {
    CodeRefused: "That code is not right, or was used before. Please take the next one.",
    StepOutdated: "That took too long. Please start again with your password.",
    PasskeyRefused: "That passkey lets nobody in here. Please try another way.",
    PasswordLoginDisabled: "Nobody signs in by password here.",
    TooLong: "That name and password do not belong together.",
    SignInRefused: "That name and password do not belong together.",
}


def sign_in_first(exchange: Exchange) -> Redirect:
    """To the sign-in page, and from there back to where somebody wanted to go."""
    query = exchange.scope["query_string"].decode("latin-1")
    wanted = f"{exchange.path}{'?' if query else ''}{query}"
    is_home = wanted == HOME or exchange.method not in ("GET", "HEAD")
    next_ = "" if is_home else f"?next={quote(wanted, safe='')}"
    return Redirect(f"{PATH}{next_}", headers=(cookies.dropped(exchange, cookies.SESSION),))


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The form, unless somebody is signed in already. A passkey can be filled in where names are."""
    wanted, site = same_site(visit.asked("next")), site_of(visit.exchange)
    if visit.principal is not None:
        return Redirect(wanted)
    begun = None if site is None else in_page(passkeys.begin_showing(uow, site))
    return _form(visit, wanted=wanted, begun=begun, is_new=not setup.is_done(uow))


def sign_in(core: Core, visit: Visit) -> Answer:
    """The first step, by name and password; for many accounts the only one."""
    form, name, wanted = visit.form, visit.form.text("name"), same_site(visit.form.text("next"))
    try:
        done = login_steps.begin(
            core, visit.origin, name, form.secret("password"), device_of(visit.origin.agent)
        )
    except (SignInRefused, TooLong, Throttled) as refusal:
        return _form(visit, wanted=wanted, name=name, refusal=refusal)
    if isinstance(done, Halfway):
        return _second_step(visit, done, wanted=wanted)
    return entered(visit, done, wanted)


def give_code(core: Core, visit: Visit) -> Answer:
    """The second step by a code, or by a recovery code. A passkey is both steps: it is shown as in the first."""
    form, wanted = visit.form, same_site(visit.form.text("next"))
    carries, code = form.secret("carries"), form.secret("code")
    complete = login_steps.complete_by_recovery if form.ticked("recovery") else login_steps.complete
    try:
        return entered(
            visit, complete(core, visit.origin, carries, code, device_of(visit.origin.agent)), wanted
        )
    except StepOutdated as refusal:
        return _form(visit, wanted=wanted, refusal=refusal)
    except (CodeRefused, Throttled) as refusal:
        with core.begin(visit.origin, writes=False) as uow:
            step = login_steps.halfway(uow, carries)
        return _second_step(visit, step, wanted=wanted, refusal=refusal, recovers=form.ticked("recovery"))


def show_passkey(core: Core, visit: Visit) -> Answer:
    """Both steps in one."""
    form, wanted = visit.form, same_site(visit.form.text("next"))
    site = require_site(visit.exchange)
    carries, answer = form.secret("carries"), answered(form)
    try:
        done = login_steps.by_passkey(
            core, visit.origin, site, carries, answer, device=device_of(visit.origin.agent)
        )
    except (SignInRefused, Throttled) as refusal:
        return _form(visit, wanted=wanted, refusal=refusal)
    return entered(visit, done, wanted)


def sign_out(uow: UnitOfWork, visit: Visit) -> Answer:
    """End the session. Whoever has none is signed out, too."""
    if visit.secret is not None:
        session_ends.end_held(uow, visit.secret)
    gone = cookies.dropped(visit.exchange, cookies.SESSION)
    return Redirect(PATH, said="signed-out", headers=(gone, ("clear-site-data", '"cache"')))


def entered(visit: Visit, signed_in: SignedIn, to: str, said: str | None = None) -> Redirect:
    """On to a page, with a session under a secret that nobody has seen before. The one that the browser had is over."""
    if visit.secret is not None:
        with visit.core.begin(visit.origin, writes=True) as uow:
            session_ends.end_held(uow, visit.secret)
    kept = cookies.kept(visit.exchange, cookies.SESSION, signed_in.secret)
    return Redirect(to, said, headers=(kept, cookies.dropped(visit.exchange, cookies.FORMS)))


def _form(
    visit: Visit,
    *,
    wanted: str,
    name: str = "",
    refusal: Exception | None = None,
    begun: str | None = None,
    is_new: bool = False,
) -> Shown:
    facts = {
        "wanted": wanted,
        "name": name,
        "has_passkeys": site_of(visit.exchange) is not None,
        "begun": begun,
        "is_new": is_new,
        "mails": visit.core.tools.mailer is not None,
    }
    return _shown("sign_in.html", facts, refusal)


def _second_step(
    visit: Visit, step: Halfway, *, wanted: str, refusal: Exception | None = None, recovers: bool = False
) -> Shown:
    """What is asked for besides the password: a code, a passkey, either; or a recovery code."""
    facts = {
        "wanted": wanted,
        "carries": step.carries.reveal(),
        "by_code": step.by_code,
        "by_passkey": step.by_passkey,
        "has_passkeys": site_of(visit.exchange) is not None,
        "recovers": recovers,
    }
    return _shown("sign_in_code.html", facts, refusal)


def _shown(template: str, facts: dict[str, object], refusal: Exception | None) -> Shown:
    """A form, with what was wrong about the one that was sent."""
    if isinstance(refusal, Throttled):
        return throttled(template, facts, refusal)
    words = [WORDS[kind] for kind in type(refusal).__mro__ if kind in WORDS]
    return Shown(
        template, {**facts, "problem": words[0] if words else None, "seconds": None}, 401 if words else 200
    )


PAGES = (
    Page("GET", PATH, show, Who.ANYBODY),
    Page("POST", PATH, sign_in, Who.ANYBODY, Work.HASHES),
    Page("POST", CODE, give_code, Who.ANYBODY, Work.HASHES),
    Page("POST", "/sign-in/passkey", show_passkey, Who.ANYBODY, Work.HASHES),
    Page("POST", "/sign-out", sign_out, Who.ANYBODY, Work.WRITES),
)
