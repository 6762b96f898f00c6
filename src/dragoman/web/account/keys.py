"""API keys: what programs sign in with, in each product that knows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.core import api_keys, step_up
from dragoman.core.errors import NameRefused, NotFound, Refusal, TooMany
from dragoman.core.telling import tell_owner
from dragoman.exchange import Malformed
from dragoman.web.account.sessions import products
from dragoman.web.pages import Answer, Form, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.secrets import KeyForm
    from dragoman.core.work import UnitOfWork
    from dragoman.web.products import Product

PATH = "/account/keys"
A_PAGE = 50
NEVER = "never"
ENDS: Mapping[str, str] = {"30": "in 30 days", "90": "in 90 days", "365": "in a year", NEVER: NEVER}


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The keys of the account, the newest first."""
    found = api_keys.page(uow, visit.caller.account.number, limit=A_PAGE + 1, after=visit.after)
    keys, named = found[:A_PAGE], products()
    facts = {
        "keys": [(key, named.get(key.dialect, key.dialect)) for key in keys],
        "after": keys[-1].id if len(found) > A_PAGE else None,
        "products": [product for product in visit.products if product.key_form is not None],
    }
    return Shown("account/keys.html", facts)


def begin(uow: UnitOfWork, visit: Visit) -> Answer:
    """What the key is for, what it may do, and how long."""
    step_up.require(uow, visit.caller)
    product, _ = _keyed(visit)
    return _form(product, visit.form)


def make(uow: UnitOfWork, visit: Visit) -> Answer:
    """Make it, and show it this once."""
    step_up.require(uow, visit.caller)
    product, key_form = _keyed(visit)
    form, account = visit.form, visit.caller.account
    may = [api_keys.ALL] if form.text("may") == api_keys.ALL else form.all("permission")
    if not may or not {*may} <= {api_keys.ALL, *product.permissions}:
        return _form(product, form, nothing=True)
    key, secret = api_keys.issue(
        uow,
        account.number,
        product.name,
        name=form.text("name"),
        permissions=may,
        expires_at=None if (lasts := _lasts(visit)) is None else uow.now + lasts,
        form=key_form,
        by=visit.caller,
    )
    tell_owner(uow, account, f"An API key for {product.title} was made for your account: “{key.name}”.")
    return Shown("account/key_made.html", {"key": key, "product": product, "secret": secret.reveal()})


def not_made(_uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """The form again, with why."""
    if isinstance(refusal, NameRefused):
        return _form(_keyed(visit)[0], visit.form, problem=f"The name {refusal.why}.")
    if isinstance(refusal, TooMany):
        return _form(
            _keyed(visit)[0], visit.form, problem=f"You have {refusal.limit} keys. Revoke one first."
        )
    return None


def revoke(uow: UnitOfWork, visit: Visit) -> Answer:
    """It opens nothing any more."""
    caller = visit.caller
    caller.require_in_person()
    api_keys.revoke(uow, visit.id_of("key"), owner=caller.account.number, by=caller)
    return Redirect(visit.back_to(PATH), said="key-revoked")


def _keyed(visit: Visit) -> tuple[Product, KeyForm]:
    """The product that a key is for, and what its keys look like."""
    for product in visit.products:
        if product.name == visit.parameters["dialect"] and product.key_form is not None:
            return product, product.key_form
    raise NotFound("product with API keys")


def _lasts(visit: Visit) -> timedelta | None:
    asked = visit.form.text("ends")
    if asked not in ENDS:
        raise Malformed("no such end")
    return None if asked == NEVER else timedelta(days=int(asked))


def _form(product: Product, form: Form, *, problem: str | None = None, nothing: bool = False) -> Shown:
    facts = {"product": product, "form": form, "ends": ENDS.items(), "problem": problem, "nothing": nothing}
    return Shown("account/key_new.html", facts, 422 if problem or nothing else 200)


PAGES = (
    Page("GET", PATH, show, room="API keys"),
    Page("GET", f"{PATH}/new/{{dialect}}", begin),
    Page("POST", f"{PATH}/new/{{dialect}}", make, work=Work.WRITES, explains=not_made),
    Page("POST", f"{PATH}/{{key}}/revoke", revoke, work=Work.WRITES),
)
