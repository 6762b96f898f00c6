"""Which products are served, where, and by which settings. What the configuration says can only be changed there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from pydantic import ValidationError

from dragoman import health
from dragoman.addresses import mounts
from dragoman.chosen import WHERE, fixed_hosts, in_force, laid_over, paths_of_others
from dragoman.core import dialect_choices, step_up
from dragoman.core.dialect_choices import Choice
from dragoman.core.errors import NameTaken, NotFound, Refusal
from dragoman.metrics.page import PATH as METRICS
from dragoman.network import is_loopback_host
from dragoman.settings.fields import settings_of
from dragoman.settings.problems import refusal as why
from dragoman.web import SEGMENTS
from dragoman.web.admin.choosing import fields, read
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit, Who
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork
    from dragoman.settings import DialectSettings

PATH = "/admin/dialects"
TAKEN = {
    "host": "This name is another product's already, or the one of these pages.",
    "path": "This path is another product's already, lies within its, or is one of these pages'.",
}
# Where something else is served, or may come to be (RFC 8615).
RESERVED = {*SEGMENTS, ".well-known", *(path[1:] for path in (*health.PATHS, METRICS))}

Problems: TypeAlias = Mapping[str, Sequence[str]]
NONE: Problems = {}


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """All that there are, as they are in force."""
    return _shown(uow, visit)


def choose(uow: UnitOfWork, visit: Visit) -> Answer:
    """Serve one of them or not, where, and by which settings."""
    step_up.require(uow, visit.caller)
    name = visit.parameters["dialect"]
    if name not in visit.configured:
        raise NotFound("dialect")
    own = visit.configured[name]
    try:
        wanted = laid_over(own, read(visit.form, own))
    except ValidationError as error:
        return _shown(uow, visit, name, _said_of(error, own))
    taken = {*fixed_hosts(visit.configured, uow.rules.root), visit.exchange.host}
    # Nobody may shut themselves out of the page on which to take it back.
    if wanted.host is not None and is_loopback_host(wanted.host):
        taken.add(wanted.host)
    if wanted.path != own.path and not _is_free(uow, visit, name, wanted.path):
        taken.add(wanted.path)
    dialect_choices.choose(uow, name, _choice(own, wanted), taken=taken, by=visit.caller)
    return Redirect(PATH, said="dialect-chosen")


def _choice(own: DialectSettings, wanted: DialectSettings) -> Choice:
    """What is wanted otherwise than the configuration leaves it."""
    changed = {name: value for name, value in wanted if value != getattr(own, name)}
    settings = {name: value for name, value in changed.items() if name not in WHERE}
    return Choice(wanted.enabled, changed.get("host"), changed.get("path"), settings)


def _is_free(uow: UnitOfWork, visit: Visit, name: str, path: str) -> bool:
    """Whether nothing else is at a path, below it or above."""
    chosen = dialect_choices.chosen(uow)
    others = in_force(visit.configured, chosen, uow.rules.root)
    paths = {own.path for other, own in others.items() if other != name}
    return path.split("/")[1] not in RESERVED and not any(
        f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")
        for other in (*paths, *paths_of_others(visit.configured, name))
    )


def _said_of(error: ValidationError, own: DialectSettings) -> Problems:
    known = {each.name: each for each in settings_of(type(own))}
    found = error.errors(include_url=False)
    return {
        str(problem["loc"][0]): [
            f"This {why(problem['type'], problem['msg'], known[str(problem['loc'][0])])}."
        ]
        for problem in found
    }


def not_chosen(uow: UnitOfWork, visit: Visit, refusal: Refusal) -> Answer | None:
    """All as they are, with why."""
    if isinstance(refusal, NameTaken):
        return _shown(uow, visit, visit.parameters["dialect"], {refusal.field: [TAKEN[refusal.field]]})
    return None


def _shown(uow: UnitOfWork, visit: Visit, wrong: str | None = None, problems: Problems = NONE) -> Shown:
    root, chosen = uow.rules.root, dialect_choices.chosen(uow)
    rows = [
        {
            "name": name,
            "title": uow.rules.products[name],
            "enabled": own.enabled,
            "addresses": mounts(own, root),
            "fields": fields(visit.configured[name], own, problems if name == wrong else NONE),
        }
        for name, own in in_force(visit.configured, chosen, root).items()
    ]
    rows.sort(key=lambda row: str(row["title"]).lower())
    return Shown("admin/dialects.html", {"rows": rows, "where": WHERE}, 422 if problems else 200)


PAGES = (
    Page("GET", PATH, show, Who.ADMIN, room="Products"),
    Page("POST", f"{PATH}/{{dialect}}", choose, Who.ADMIN, Work.WRITES, explains=not_chosen),
)
