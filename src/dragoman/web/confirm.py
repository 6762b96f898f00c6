"""Proving anew that one is still oneself, before what one signs in with is changed (core/step_up.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from dragoman.core import passkeys, step_up
from dragoman.core.errors import PasskeyRefused, PasswordTooLong, ProofRefused, Throttled, WrongCode
from dragoman.web import cookies
from dragoman.web.pages import (
    Answer,
    Page,
    Redirect,
    Shown,
    Visit,
    as_shown,
    came_from,
    same_site,
    throttled,
)
from dragoman.web.passkeys import answered, require_site, site_of
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Core, UnitOfWork
    from dragoman.exchange import Exchange

PATH = "/confirm"


def confirm_first(exchange: Exchange) -> Redirect:
    """To the page that asks for a proof, and from there back to the page that needs it."""
    asks = exchange.method in ("GET", "HEAD")
    back = as_shown(exchange.path, urlencode(exchange.query.multi_items())) if asks else came_from(exchange)
    return Redirect(f"{PATH}?next={quote(back, safe='')}")


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """What the account can prove itself by."""
    visit.caller.require_in_person()
    return _form(uow, visit, wanted=same_site(visit.asked("next")))


def prove(core: Core, visit: Visit) -> Answer:
    """By the password, and a code where there is a second factor."""
    form, wanted = visit.form, same_site(visit.form.text("next"))
    code = form.secret("code") if form.text("code") else None
    try:
        secret = step_up.prove(core, visit.origin, visit.caller, form.secret("password"), code)
    except (ProofRefused, PasswordTooLong, Throttled) as refusal:
        with core.begin(visit.origin, writes=False) as uow:
            return _form(uow, visit, wanted=wanted, refusal=refusal)
    return _back(visit, secret, wanted)


def prove_by_passkey(uow: UnitOfWork, visit: Visit) -> Answer:
    """By a passkey."""
    visit.caller.require_in_person()
    form, wanted = visit.form, same_site(visit.form.text("next"))
    site = require_site(visit.exchange)
    _, shown = passkeys.finish_showing(uow, site, form.secret("carries"), answered(form))
    return _back(visit, step_up.prove_by_passkey(uow, visit.caller, shown), wanted)


def _back(visit: Visit, secret: Secret, wanted: str) -> Redirect:
    return Redirect(wanted, headers=(cookies.kept(visit.exchange, cookies.SESSION, secret),))


def _form(uow: UnitOfWork, visit: Visit, *, wanted: str, refusal: Exception | None = None) -> Shown:
    can = step_up.provable(uow, visit.caller)
    facts = {
        "wanted": wanted,
        "can": can,
        "has_passkeys": can.passkey and site_of(visit.exchange) is not None,
        "problem": None,
        "seconds": None,
    }
    if isinstance(refusal, Throttled):
        return throttled("confirm.html", facts, refusal)
    if isinstance(refusal, WrongCode):
        facts["problem"] = "That code is not right, or was used before. Please take the next one."
    elif isinstance(refusal, ProofRefused | PasswordTooLong | PasskeyRefused):
        facts["problem"] = "That is not your password."
    return Shown("confirm.html", facts, 401 if refusal else 200)


PAGES = (
    Page("GET", PATH, show, without_factor=True),
    Page("POST", PATH, prove, work=Work.HASHES, without_factor=True),
    Page("POST", f"{PATH}/passkey", prove_by_passkey, work=Work.WRITES, without_factor=True),
)
