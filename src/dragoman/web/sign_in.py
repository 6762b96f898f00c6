"""Signing in by name and password, and signing out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import quote

from dragoman.core import sessions
from dragoman.core.errors import (
    CodeRefused,
    CodeRequired,
    PasswordLoginDisabled,
    PasswordTooLong,
    SignInRefused,
    Throttled,
)
from dragoman.core.login import log_in_with
from dragoman.core.sessions import Device
from dragoman.web import cookies
from dragoman.web.pages import HOME, Answer, Page, Redirect, Shown, Visit, Who, same_site
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork
    from dragoman.exchange import Exchange

PATH = "/sign-in"
WORDS = {
    CodeRequired: "Your account asks for a code besides. Please type your password once more, and the code.",
    CodeRefused: "That code is not right, or was used before. Please take the next one.",
    PasswordLoginDisabled: "Nobody signs in by password here.",
    PasswordTooLong: "That name and password do not belong together.",
    SignInRefused: "That name and password do not belong together.",
}


def sign_in_first(exchange: Exchange) -> Redirect:
    """To the sign-in page, and from there back to where somebody wanted to go."""
    query = exchange.scope["query_string"].decode("latin-1")
    wanted = f"{exchange.path}{'?' if query else ''}{query}"
    is_home = wanted == HOME or exchange.method not in ("GET", "HEAD")
    next_ = "" if is_home else f"?next={quote(wanted, safe='')}"
    return Redirect(f"{PATH}{next_}", headers=(cookies.dropped(exchange, cookies.SESSION),))


def show(_uow: UnitOfWork, visit: Visit) -> Answer:
    """The form, unless somebody is signed in already."""
    wanted = same_site(visit.asked("next"))
    return Redirect(wanted) if visit.principal is not None else _form(wanted=wanted)


def sign_in(core: Core, visit: Visit) -> Answer:
    """Open a session of the pages, under a new secret whatever the browser brought."""
    form, wanted = visit.form, same_site(visit.form.text("next"))
    name, code = form.text("name"), form.secret("code")
    try:
        signed_in = log_in_with(
            core,
            visit.origin,
            name,
            form.secret("password"),
            Device(),
            then=lambda _, opened: opened,
            code=code if code.reveal() else None,
            code_apart=True,
        )
    except (SignInRefused, PasswordTooLong) as refusal:
        words = next(WORDS[kind] for kind in type(refusal).__mro__ if kind in WORDS)
        asks = isinstance(refusal, CodeRequired | CodeRefused)
        return _form(401, name=name, wanted=wanted, problem=words, asks_for_code=asks)
    except Throttled as refusal:
        seconds = max(1, math.ceil(refusal.retry_after.total_seconds()))
        return _form(429, name=name, wanted=wanted, seconds=seconds)
    kept = cookies.kept(visit.exchange, cookies.SESSION, signed_in.secret)
    return Redirect(wanted, headers=(kept, cookies.dropped(visit.exchange, cookies.FORMS)))


def sign_out(uow: UnitOfWork, visit: Visit) -> Answer:
    """End the session. Whoever has none is signed out, too."""
    if visit.secret is not None:
        sessions.end_held(uow, visit.secret)
    gone = cookies.dropped(visit.exchange, cookies.SESSION)
    return Redirect(PATH, said="signed-out", headers=(gone, ("clear-site-data", '"cache"')))


def _form(
    status: int = 200,
    *,
    wanted: str,
    name: str = "",
    problem: str | None = None,
    asks_for_code: bool = False,
    seconds: int | None = None,
) -> Shown:
    facts = {
        "wanted": wanted,
        "name": name,
        "problem": problem,
        "asks_for_code": asks_for_code,
        "seconds": seconds,
    }
    headers = () if seconds is None else (("retry-after", str(seconds)),)
    return Shown("sign_in.html", facts, status, headers)


PAGES = (
    Page("GET", PATH, show, Who.ANYBODY),
    Page("POST", PATH, sign_in, Who.ANYBODY, Work.HASHES),
    Page("POST", "/sign-out", sign_out, Who.ANYBODY, Work.WRITES),
)
