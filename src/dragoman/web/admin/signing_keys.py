"""The keys that sign tokens, by product; and making the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import keys, step_up
from dragoman.core.errors import NotFound
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/admin/signing-keys"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """Of each product whose tokens are signed, the keys whose tokens are good, the newest first."""
    found = keys.listed(uow)[::-1]
    signed = [product for product in visit.products if product.signing is not None]
    facts = {"signed": [(each, [key for key in found if key.dialect == each.name]) for each in signed]}
    return Shown("admin/signing_keys.html", facts)


def rotate(uow: UnitOfWork, visit: Visit) -> Answer:
    """Sign by another key from now on. A key that got out is refused at once, with all that it signed."""
    step_up.require(uow, visit.caller)
    wanted = visit.parameters["dialect"]
    signing = next((each.signing for each in visit.products if each.name == wanted), None)
    if signing is None:
        raise NotFound("dialect")
    at_once = visit.form.ticked("at_once")
    keys.rotate(uow, wanted, signing, at_once=at_once, by=visit.caller)
    return Redirect(PATH, said="keys-replaced" if at_once else "key-rotated")


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="Signing keys"),
    Page("POST", f"{PATH}/{{dialect}}/rotate", rotate, Who.ADMIN, Work.WRITES),
)
