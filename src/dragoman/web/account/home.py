"""Where one arrives: what matters about one's account, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman.core import api_keys, audit, factors, passkeys, recovery_codes, sessions
from dragoman.core.audit import Filters
from dragoman.web.account.activity import ALARMING, told
from dragoman.web.pages import HOME, Answer, Page, Redirect, Shown, Visit, Who

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.work import UnitOfWork

MOST = 100  # counted
LAST = 5  # sign-ins that are shown
SIGN_INS = ("signed in", *sorted(ALARMING))
FEW = 3  # recovery codes, at which it is time for others


@dataclass(frozen=True)
class Holds:
    """What an account has of what it is signed in with."""

    passkeys: int
    codes: bool
    recovery_codes: int


@dataclass(frozen=True)
class Advice:
    """Something to do about one's account: why, where, and what the way there is called."""

    why: str
    address: str
    way: str


def root(_uow: UnitOfWork, _visit: Visit) -> Answer:
    """The server's own address leads home."""
    return Redirect(HOME)


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """Who one is here, what one holds, and who signed in lately."""
    account = visit.caller.account
    number = account.number
    holds = Holds(
        passkeys.count(uow, number), factors.is_enabled(uow, number), recovery_codes.left(uow, number)
    )
    facts = {
        "holds": holds,
        "warnings": list(_warnings(account, holds)),
        "sessions": _counted(sessions.owned(uow, number, limit=MOST + 1)),
        "keys": _counted(api_keys.page(uow, number, limit=MOST + 1)),
        "lines": told(audit.recent(uow, Filters(concerning=number, events=SIGN_INS), limit=LAST)),
    }
    return Shown("account/home.html", facts)


def _warnings(account: Account, holds: Holds) -> Iterator[Advice]:
    if account.must_change_password:
        yield Advice("Your password was set by somebody else.", "/account/password", "Choose your own")
    if not holds.passkeys and not holds.codes:
        yield Advice(
            "Whoever knows your password is in: nothing else is asked for.",
            "/account/factors",
            "Add a passkey or codes",
        )
    if holds.codes and holds.recovery_codes < FEW:
        yield Advice("You are running out of recovery codes.", "/account/factors", "Make new ones")
    if account.email is None:
        yield Advice(
            "You have no e-mail address, so nobody can tell you when something about your account changes.",
            "/account/profile/names",
            "Add one",
        )


def _counted(found: Sequence[object]) -> str:
    return str(len(found)) if len(found) <= MOST else f"over {MOST}"


PAGES = (
    Page("GET", "/", root, Who.ANYBODY),
    Page("GET", HOME, show, room="Overview"),
)
