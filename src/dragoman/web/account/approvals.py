"""Sign-ins that wait for their owner's word (core/approvals.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import approvals, step_up
from dragoman.core.telling import tell_owner
from dragoman.web.account.sessions import described
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PATH = "/account/approvals"


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """What waits, for whoever has just proved who they are; that nothing does, for everybody."""
    waiting = approvals.waiting(uow, visit.caller.account.number)
    if waiting:
        step_up.require(uow, visit.caller)
    titles = uow.rules.products
    facts = {
        "waiting": [(each, titles.get(each.dialect), described(each.name, each.os)) for each in waiting],
        "minutes": approvals.PASSES.seconds // 60,
    }
    return Shown("account/approvals.html", facts)


def approve(uow: UnitOfWork, visit: Visit) -> Answer:
    """The next sign-in of that device passes."""
    step_up.require(uow, visit.caller)
    wanted = approvals.approve(uow, visit.id_of("approval"), by=visit.caller)
    title = uow.rules.products.get(wanted.dialect, wanted.dialect)
    tell_owner(uow, visit.caller.account, f"A sign-in to {title} from {wanted.address} was approved.")
    return Redirect(PATH, said="sign-in-approved")


def refuse(uow: UnitOfWork, visit: Visit) -> Answer:
    """It does not."""
    approvals.refuse(uow, visit.id_of("approval"), by=visit.caller)
    return Redirect(PATH, said="sign-in-refused")


PAGES = (
    Page("GET", PATH, show),
    Page("POST", f"{PATH}/{{approval}}/approve", approve, work=Work.WRITES),
    Page("POST", f"{PATH}/{{approval}}/refuse", refuse, work=Work.WRITES),
)
