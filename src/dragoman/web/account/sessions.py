"""Where one is signed in, in every product and here; and signing out there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman.agents import device_of
from dragoman.core import session_ends, session_lists, sessions
from dragoman.core.errors import NotFound
from dragoman.dialects import discover
from dragoman.web.pages import Answer, Page, Redirect, Shown, Visit
from dragoman.wire import Work

if TYPE_CHECKING:
    from dragoman.core.sessions import Session
    from dragoman.core.work import UnitOfWork

PATH = "/account/sessions"
A_PAGE = 50


@dataclass(frozen=True)
class Place:
    """A session as its owner knows it: in which product, and on what device."""

    session: Session
    product: str
    device: str
    is_this: bool


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The sessions of the account, the last seen first."""
    caller = visit.caller
    number = caller.account.number
    found = session_lists.page(uow, account_number=number, after=visit.after, limit=A_PAGE + 1)
    shown = found[:A_PAGE]
    this = None if caller.session is None else caller.session.id
    facts = {
        "places_signed_in": [place(each, this) for each in shown],
        "after": shown[-1].id if len(found) > A_PAGE else None,
        "is_first": visit.after is None,
    }
    return Shown("account/sessions.html", facts)


def place(session: Session, this: uuid.UUID | None = None) -> Place:
    """A session, named for people."""
    named = products()
    return Place(
        session,
        named.get(session.dialect, "These pages"),
        described(session.device, session.os),
        session.id == this,
    )


def products() -> dict[str, str]:
    """The products by the names of their dialects."""
    return {dialect.name: dialect.product for dialect in discover()}


def described(device: str, system: str = "") -> str:
    """What somebody signs in on, in a few words: some clients say no more than their User-Agent."""
    if "/" in device:
        known = device_of(device)
        device, system = known.name, system or known.os
    return " on ".join(each for each in (device, system) if each) or "an unknown device"


def revoke(uow: UnitOfWork, visit: Visit) -> Answer:
    """Sign out one."""
    caller = visit.caller
    caller.require_in_person()
    session = sessions.get(uow, visit.id_of("session"))
    if session.account_number != caller.account.number:
        raise NotFound("session")
    session_ends.end_one(uow, caller.account.number, session.dialect, session.id, via=caller.via)
    return Redirect(visit.back_to(PATH), said="session-ended")


def revoke_others(uow: UnitOfWork, visit: Visit) -> Answer:
    """Sign out all but this."""
    session = visit.caller.require_in_person()
    session_ends.end_all(uow, visit.caller.account.number, but=session)
    return Redirect(PATH, said="sessions-ended")


PAGES = (
    Page("GET", PATH, show, room="Sessions"),
    Page("POST", f"{PATH}/others/end", revoke_others, work=Work.WRITES),
    Page("POST", f"{PATH}/{{session}}/end", revoke, work=Work.WRITES),
)
