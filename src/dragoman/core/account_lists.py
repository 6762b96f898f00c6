"""Lists of accounts: found, in an order, and in pages that cost little more at the end than at the beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, false, func, or_, select, union_all

from dragoman.core import names
from dragoman.core.accounts import AT_A_TIME, COLUMNS, Account, accounts, of
from dragoman.core.name_beginnings import LONGEST, name_beginnings
from dragoman.core.names import account_names

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

    from dragoman.core.database import AnySelect
    from dragoman.core.lists import Order
    from dragoman.core.work import UnitOfWork

_A = accounts.c
# What a list can be ordered by; for the first three there is an index. `own_name` is what somebody is called, if that
# is not the username.
ORDERS: Mapping[str, ColumnElement[Any]] = {
    "number": _A.number,
    "username": _A.username,
    "display_name": _A.display_name,
    "own_name": func.nullif(_A.display_name, _A.username),
    "email": _A.email,
    "is_active": and_(_A.disabled_at.is_(None), _A.deleted_at.is_(None)),
    "signed_in_at": _A.signed_in_at,
}
_LAST = "\U0010ffff"
_FOUND_BY = (account_names, name_beginnings)
_WITHOUT_NULLS = {"number", "username", "display_name", "is_active"}


def listed(
    uow: UnitOfWork,
    *,
    search: str = "",
    username: str | None = None,
    orders: Sequence[Order] = (),
    after: int = 0,
    offset: int = 0,
    limit: int | None = None,
    deleted: bool = False,
) -> Sequence[Account]:
    """Accounts in these orders, one within the other, and last by their numbers.

    `search` is a part of a username, an e-mail address or a display name, in whatever case; `username` a whole one as
    it is written. Only numbers above `after` count, which is how all are read in order of their numbers; in other
    orders pages are an `offset` and a `limit`. Deleted accounts are passed over unless asked for.
    """
    those = [*_matching(search, username), *([] if deleted else [_A.deleted_at.is_(None)])]
    if after:
        those.append(_A.number > after)
    query = select(*COLUMNS).order_by(*_in(orders))
    if orders or offset:
        # The numbers first: to sort or to pass over a hundred thousand of them is quick, with their rows it is not.
        which = select(_A.number).where(*those).order_by(*_in(orders)).offset(offset).limit(limit)
        query = query.where(_A.number.in_(which))
    else:
        query = query.where(*those).limit(limit)
    return [of(row) for row in uow.db.execute(query)]


def beginning(uow: UnitOfWork, begins: str, *, after: int = 0, limit: int) -> Sequence[Account]:
    """Accounts with a username, an e-mail address or a word of their display name that begins so, in whatever case.

    In the order of what begins so; deleted ones are among them. Only those past the account with the number `after`
    count. Indexes have all of it in this order: what is read is little more than the page, but for accounts of whom
    something else begins so as well, which is passed over.
    """
    start = " ".join(names.looked_up(begins).split())[:LONGEST]
    if not start:
        return []
    place = _place(uow, start, after) if after else (start, 0)
    if place is None:
        return []
    page = union_all(*(_from(place, start, table) for table in _FOUND_BY))
    which = page.order_by("name", "number").limit(limit).subquery()
    query = select(*COLUMNS).join(which, which.c.number == _A.number).order_by(which.c.name, _A.number)
    return [of(row) for row in uow.db.execute(query)]


def _place(uow: UnitOfWork, start: str, number: int) -> tuple[str, int] | None:
    """Where an account stands among those of whom something begins so; None: not there any more."""
    firsts = [
        uow.db.scalar(select(func.min(t.c.folded)).where(_begins(t, start), t.c.account_number == number))
        for t in _FOUND_BY
    ]
    found = [each for each in firsts if each is not None]
    return (min(found), number) if found else None


def _from(place: tuple[str, int], start: str, table: Table) -> AnySelect:
    """What begins so past a place, with whose it is: of each account the first of all it has, and only that."""
    name, number = table.c.folded, table.c.account_number
    query = select(name.label("name"), number.label("number")).where(
        _begins(table, start), name >= place[0], or_(name > place[0], number > place[1])
    )
    for other in _FOUND_BY:
        o = other.alias()
        # What is in both tables is taken from the first.
        sooner = o.c.folded <= name if other is not table and other is _FOUND_BY[0] else o.c.folded < name
        query = query.where(~exists().where(o.c.account_number == number, o.c.folded >= start, sooner))
    return query


def _begins(table: Table, start: str) -> ColumnElement[bool]:
    return and_(table.c.folded >= start, table.c.folded < start + _LAST)


def everybody(uow: UnitOfWork, *, deleted: bool = False) -> Iterator[Account]:
    """Every account, in the order of their numbers, for products whose lists have no pages."""
    after = 0
    while found := listed(uow, after=after, limit=AT_A_TIME, deleted=deleted):
        yield from found
        after = found[-1].number


def _matching(search: str, username: str | None) -> Iterator[ColumnElement[bool]]:
    if username is not None:
        yield _A.username == username if names.looked_up(username) else false()
    if search:
        part = names.looked_up(search)
        theirs = select(account_names.c.account_number).where(
            account_names.c.folded.contains(part, autoescape=True)
        )
        called = _A.display_name.icontains(search, autoescape=True)
        yield or_(_A.number.in_(theirs), called) if part else false()


def _in(orders: Sequence[Order]) -> Iterator[ColumnElement[Any]]:
    """What has no value comes first, and last when descending. Said, for the two engines think differently of it."""
    for order in orders:
        column = ORDERS[order.by]
        if order.by in _WITHOUT_NULLS:
            yield column.desc() if order.descending else column.asc()
        else:
            yield column.desc().nulls_last() if order.descending else column.asc().nulls_first()
        if order.by == "number":
            return
    yield _A.number.asc()
