"""Lists in pages: each begins after the last row of the one before, so the last costs no more than the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlencode

from dragoman.core import accounts
from dragoman.core.errors import NotFound

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.work import UnitOfWork
    from dragoman.web.pages import Visit

Row = TypeVar("Row")
PER_PAGE = 50


@dataclass(frozen=True)
class Rows(Generic[Row]):
    """One page of a list, and where the next and the first one are; None: this is it."""

    shown: Sequence[Row]
    next: str | None
    first: str | None

    @classmethod
    def of(cls, visit: Visit, found: Sequence[Row], after: Callable[[Row], str]) -> Rows[Row]:
        """The page of what was `found`, one row more than a page holds if there are more. `after` names a row."""
        shown = found[:PER_PAGE]
        more = len(found) > PER_PAGE
        return cls(
            shown,
            next=_address(visit, after(shown[-1])) if more else None,
            first=_address(visit, None) if visit.asked("after") else None,
        )


def _address(visit: Visit, after: str | None) -> str:
    """This list with the same filters, from another row on."""
    kept = {name: value for name, value in visit.exchange.query.items() if name not in ("after", "said")}
    query = urlencode(kept if after is None else {**kept, "after": after})
    return f"{visit.exchange.path}{'?' if query else ''}{query}"


def number_after(visit: Visit) -> int:
    """The number that a page begins after; 0: it is the first."""
    return number_of(visit.asked("after") or "0")


def number_of(text: str) -> int:
    """A number in an address. Refuses `NotFound` to what no row is numbered by."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound("number")
    return int(text)


def account_of(uow: UnitOfWork, visit: Visit) -> Account:
    """The account that a path names. Refuses `NotFound`."""
    found = accounts.find_by_number(uow, number_of(visit.parameters["number"]))
    if found is None:
        raise NotFound("account")
    return found
