"""Which products are served, and at which host names. What the configuration says can only be changed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dragoman.addresses import mounts
from dragoman.chosen import fixed_hosts, in_force, is_fixed
from dragoman.core import dialect_choices, step_up
from dragoman.core.dialect_choices import Choice
from dragoman.core.errors import NameTaken, NotFound, Refusal
from dragoman.network import host_name, is_loopback_host
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/admin/dialects"
NO_NAME = "Type a host name alone, such as photos.example.org."
TAKEN = "This name is another product's already, or the one of these pages."


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """All that there are, as they are in force."""
    return _shown(uow, visit)


def choose(uow: UnitOfWork, visit: Visit) -> Answer:
    """Serve one of them or not, and at which host name."""
    step_up.require(uow, visit.caller)
    name, typed = visit.parameters["dialect"], visit.form.text("host")
    if name not in visit.configured:
        raise NotFound("dialect")
    host = host_name([typed]) if typed else None
    if typed and host != typed.lower():
        return _shown(uow, visit, {name: NO_NAME})
    # Nobody may shut themselves out of the page on which to take it back.
    taken = {*fixed_hosts(visit.configured, uow.rules.root), visit.exchange.host}
    if host is not None and is_loopback_host(host):
        taken.add(host)
    choice = Choice(visit.form.ticked("enabled"), host)
    dialect_choices.choose(uow, name, choice, taken=taken, by=visit.caller)
    return Redirect(PATH, said="dialect-chosen")


def not_chosen(uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """All as they are, with why."""
    if isinstance(refusal, NameTaken):
        return _shown(uow, visit, {visit.parameters["dialect"]: TAKEN})
    return None


def _shown(uow: UnitOfWork, visit: Visit, problems: Mapping[str, str] | None = None) -> Shown:
    root, chosen = uow.rules.root, dialect_choices.chosen(uow)
    rows = [
        {
            "name": name,
            "title": uow.rules.products[name],
            "enabled": own.enabled,
            "host": own.host or "",
            "addresses": mounts(own, root),
            "fixed": [field for field in ("enabled", "host") if is_fixed(visit.configured[name], field)],
            "problem": (problems or {}).get(name),
        }
        for name, own in in_force(visit.configured, chosen, root).items()
    ]
    rows.sort(key=lambda row: str(row["title"]).lower())
    return Shown("admin/dialects.html", {"rows": rows}, 422 if problems else 200)


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="Products"),
    Page("POST", f"{PATH}/{{dialect}}", choose, Who.ADMIN, Work.WRITES, explains=not_chosen),
)
