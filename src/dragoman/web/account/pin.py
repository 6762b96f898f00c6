"""The PIN that some apps ask for before they show what is locked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dragoman.core import elevation, step_up
from dragoman.core.errors import PinAlreadySet, PinNotSet, ProofMissing, ProofRefused, WrongPassword
from dragoman.core.telling import tell_owner
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Core, UnitOfWork

PATH = "/account/pin"
DIGITS = re.compile("[0-9]{6}")
NOT_SIX = "A PIN is six digits."
NOT_THE_SAME = "The two new PINs are not the same."


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The form for the first one, or for another."""
    step_up.require(uow, visit.caller)
    return _form(has_pin=elevation.has_pin(uow, visit.caller.account.number))


def set_first(core: Core, visit: Visit) -> Answer:
    """The account's first PIN."""
    _require_fresh(core, visit)
    if (problem := _unfit(visit)) is not None:
        return _form(has_pin=False, new=problem)
    try:
        elevation.set_pin(core, visit.origin, visit.caller, visit.form.secret("new"))
    except PinAlreadySet:
        return Redirect(PATH)
    return _done(core, visit, "A PIN was set for your account.", said="pin-set")


def change(core: Core, visit: Visit) -> Answer:
    """Another PIN, proving the one before or the password."""
    _require_fresh(core, visit)
    if (problem := _unfit(visit)) is not None:
        return _form(has_pin=True, new=problem)
    try:
        elevation.change_pin(
            core,
            visit.origin,
            visit.caller,
            visit.form.secret("new"),
            password=_typed(visit, "password"),
            pin=_typed(visit, "old"),
        )
    except (ProofRefused, PinNotSet) as refusal:
        return _refused(refusal)
    return _done(core, visit, "The PIN of your account was changed.", said="pin-set")


def remove(core: Core, visit: Visit) -> Answer:
    """No PIN any more, proving the same."""
    _require_fresh(core, visit)
    password, pin = _typed(visit, "password"), _typed(visit, "old")
    try:
        elevation.reset_pin(core, visit.origin, visit.caller, password=password, pin=pin)
    except (ProofRefused, PinNotSet) as refusal:
        return _refused(refusal)
    return _done(core, visit, "The PIN of your account was removed.", said="pin-removed")


def _require_fresh(core: Core, visit: Visit) -> None:
    with core.begin(visit.origin, writes=False) as uow:
        step_up.require(uow, visit.caller)


def _unfit(visit: Visit) -> str | None:
    """Why a new PIN will not do."""
    new = visit.form.secret("new")
    if new != visit.form.secret("again"):
        return NOT_THE_SAME
    return None if DIGITS.fullmatch(new.reveal()) else NOT_SIX


def _typed(visit: Visit, name: str) -> Secret | None:
    return visit.form.secret(name) if visit.form.text(name) else None


def _done(core: Core, visit: Visit, what: str, *, said: str) -> Redirect:
    with core.begin(visit.origin, writes=True) as uow:
        tell_owner(uow, visit.caller.account, what)
    return Redirect(PATH, said=said)


def _refused(refusal: ProofRefused | PinNotSet) -> Answer:
    if isinstance(refusal, PinNotSet):
        return Redirect(PATH)
    if isinstance(refusal, ProofMissing):
        return _form(has_pin=True, old="Type the PIN that you have now, or your password.")
    if isinstance(refusal, WrongPassword):
        return _form(has_pin=True, password="That is not your password.")
    return _form(has_pin=True, old="That is not your PIN.")


def _form(*, has_pin: bool, **problems: str) -> Shown:
    facts = {"has_pin": has_pin, "problems": {name: [said] for name, said in problems.items()}}
    return Shown("account/pin.html", facts, 422 if problems else 200)


PAGES = (
    Page("GET", PATH, show, room="PIN"),
    Page("POST", PATH, set_first, work=Work.HASHES),
    Page("POST", f"{PATH}/change", change, work=Work.HASHES),
    Page("POST", f"{PATH}/remove", remove, work=Work.HASHES),
)
