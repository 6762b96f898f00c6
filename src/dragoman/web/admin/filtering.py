"""Lists of everybody's, of one account or of one product: what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman.core import accounts

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.work import UnitOfWork
    from dragoman.web.pages import Visit


@dataclass(frozen=True)
class Asked:
    """What was asked for: an account by any of its names, and a dialect. `problem`: there is no such account."""

    typed: Mapping[str, str]
    account: int | None
    dialect: str | None
    problem: str | None


def asked(uow: UnitOfWork, visit: Visit) -> Asked:
    """What the form above a list says."""
    typed = {name: visit.asked(name).strip() for name in ("account", "dialect")}
    number, problem = None, None
    if typed["account"]:
        account = accounts.find(uow, typed["account"])
        if account is not None:
            number = account.number
        else:
            problem = f"Nobody is called “{typed['account']}”."
    return Asked(typed, number, typed["dialect"] or None, problem)


def owners(uow: UnitOfWork, numbers: Sequence[int]) -> Mapping[int, Account]:
    """Whose the rows of a page are."""
    return accounts.find_all(uow, set(numbers))
