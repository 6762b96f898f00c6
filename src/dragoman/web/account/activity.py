"""What happened to one's account lately, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dragoman.core import audit
from dragoman.core.audit import Filters
from dragoman.web.account.sessions import described, products
from dragoman.web.pages import Answer, Page, Shown, Visit

if TYPE_CHECKING:
    from dragoman.core.database import AnyRow
    from dragoman.core.work import UnitOfWork

PATH = "/account/activity"
A_PAGE = 50
# What the record's own words would leave unclear. The others say it themselves.
WORDS: Mapping[str, str] = {
    "account added": "Your account was made",
    "account changed": "Your account's details were changed",
    "account disabled": "Your account was disabled",
    "account enabled": "Your account was enabled again",
    "account deleted": "Your account was deleted",
    "account restored": "Your account was restored",
    "account unlocked": "Sign-in was unlocked after too many attempts",
    "avatar removed": "Your picture was removed",
    "avatar set": "Your picture was changed",
    "code asked for": "Your password was typed, and a code was asked for",
    "groups changed": "Your groups were changed",
    "impersonation started": "An administrator began to act as you",
    "impersonation stopped": "An administrator stopped acting as you",
    "key changed": "An API key was changed",
    "key issued": "An API key was made",
    "key revoked": "An API key was revoked",
    "key rotated": "An API key was given another secret",
    "passkey counter went back": "A passkey was refused: it may have been copied",
    "refresh token reused": "An app's sign-in was ended: its token was used twice",
    "session ended": "One device was signed out",
    "session locked": "What is locked was locked again",
    "session unlocked": "What is locked was opened by the PIN",
    "sessions ended": "Devices were signed out",
    "sign-in refused": "Somebody tried to sign in as you, and was refused",
    "upstream sign-in refused": "Somebody tried to sign in as you, and was refused",
    "wrong PIN": "A wrong PIN was typed",
    "wrong code": "A wrong code was typed",
    "wrong password": "A wrong password was typed",
}
ALARMING = frozenset(
    {"passkey counter went back", "refresh token reused", "sign-in refused", "upstream sign-in refused"}
)
# Where a thing was done that was not done in a product.
ELSEWHERE: Mapping[str, str] = {"web": "these pages", "cli": "the operator's command line"}


@dataclass(frozen=True)
class Happened:
    """A line of the record, as its account's owner reads it."""

    what: str
    at: datetime
    where: str
    device: str
    address: str
    by_another: bool
    is_alarming: bool


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """The lines about the account, the newest first."""
    found = audit.recent(
        uow, Filters(concerning=visit.caller.account.number), before=visit.after, limit=A_PAGE + 1
    )
    facts = {"lines": told(found[:A_PAGE]), "after": found[A_PAGE - 1].id if len(found) > A_PAGE else None}
    return Shown("account/activity.html", facts)


def told(rows: Sequence[AnyRow]) -> list[Happened]:
    """Lines of the record, for people."""
    named = {**products(), **ELSEWHERE}
    return [
        Happened(
            what=WORDS.get(row.event, row.event[:1].upper() + row.event[1:]),
            at=row.at,
            where=named.get(row.dialect, "this server"),
            device=described(row.agent),
            address=row.address,
            by_another=row.actor_number is not None,
            is_alarming=row.event in ALARMING,
        )
        for row in rows
    ]


PAGES = (Page("GET", PATH, show, room="Activity"),)
