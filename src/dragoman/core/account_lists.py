"""Lists of accounts: found, in an order, and in pages that cost little more at the end than at the beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, collate, false, func, or_, select

from dragoman.core import names
from dragoman.core.accounts import AT_A_TIME, COLUMNS, Account, accounts, of
from dragoman.core.names import account_names

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

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
# In the order of bytes, whatever the database's own is. SQLite's own is.
_BYTES = {"sqlite": "BINARY", "postgresql": "C"}
_LAST = "\U0010ffff"
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
    """Accounts with a username or an e-mail address that begins so, in whatever case, in the order of these names.

    Deleted ones are among them. Only those past the account with the number `after` count. On SQLite an index has
    the names in this order, and no more of them are looked at than a page takes.
    """
    start, order = names.looked_up(begins), _BYTES[uow.db.dialect.name]
    if not start:
        return []
    those, others = account_names, account_names.alias()
    name, another = collate(those.c.folded, order), collate(others.c.folded, order)
    # By the first of its names that match each account is in its place, and in no other.
    matching = select(func.min(another)).where(another >= start, another < start + _LAST)
    first = matching.where(others.c.account_number == those.c.account_number).scalar_subquery()
    last = matching.where(others.c.account_number == after).scalar_subquery()
    which = select(those.c.account_number, name.label("name"))
    which = which.where(name >= start, name < start + _LAST, name == first)
    if after:
        which = which.where(name > last)
    page = which.order_by(name).limit(limit).subquery()
    query = select(*COLUMNS).join(page, page.c.account_number == _A.number).order_by(page.c.name)
    return [of(row) for row in uow.db.execute(query)]


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
