"""Lists of links: filtered, in an order, and in pages that cost no more at the end than at the beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, select

from dragoman.core.access_tokens import (
    COLUMNS,
    OneTimeAccessToken,
    access_tokens,
    of,
    shared_objects,
    storable,
)
from dragoman.core.lists import Order

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, UnaryExpression

    from dragoman.core.access_tokens import Kind
    from dragoman.core.database import AnySelect
    from dragoman.core.work import UnitOfWork

_T = access_tokens.c
# What a list can be ordered by. Never by what is secret: an order tells, question by question, what it is of.
ORDERS: Mapping[str, Column[Any]] = {
    name: _T[name]
    for name in (
        "id",
        "account_number",
        "creator_number",
        "url",
        "is_limited",
        "views_left",
        "expires_at",
        "requires_sign_in",
        "created_at",
    )
}


@dataclass(frozen=True)
class Filters:
    """Which links: those that match all of these; None leaves one out. Of several objects any will do."""

    bundles: Sequence[int] | None = None
    directories: Sequence[int] | None = None
    account_number: int | None = None
    creator_number: int | None = None


ALL = Filters()
NEWEST_FIRST = Order("id", descending=True)


def page(
    uow: UnitOfWork,
    *,
    visible_to: int | None,
    filters: Filters = ALL,
    orders: Sequence[Order] = (),
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[OneTimeAccessToken]:
    """The links of the unit's dialect, the newest first unless ordered otherwise; `visible_to` as for `get`.

    What never expires comes after all that does, and first when descending.
    """
    those = _visible(uow, visible_to)
    which = select(those.c.id).where(*_matching(those, filters)).order_by(*_in_order(those, orders))
    which = which.offset(storable(offset)).limit(None if limit is None else storable(limit))
    # The ids first: to pass over a hundred thousand of them in an index is quick, to read their rows is not.
    rows = uow.db.execute(
        select(*COLUMNS).where(_T.id.in_(which)).order_by(*_in_order(access_tokens, orders))
    )
    return [of(row) for row in rows]


def newest(
    uow: UnitOfWork,
    number: int | None = None,
    *,
    dialect: str | None = None,
    limit: int,
    after: int | None = None,
) -> Sequence[OneTimeAccessToken]:
    """The links of everybody, or those that somebody made or that are opened as them, of all dialects or of one.

    The newest first, below the id `after`.
    """
    query = select(*COLUMNS).order_by(_T.id.desc()).limit(limit)
    if number is not None:
        # Two look-ups, as in `_visible`.
        made, as_them = (
            select(_T.id).where(mine == number) for mine in (_T.creator_number, _T.account_number)
        )
        query = query.where(_T.id.in_(made.union(as_them)))
    if dialect is not None:
        query = query.where(_T.dialect == dialect)
    if after is not None:
        query = query.where(_T.id < storable(after))
    return [of(row) for row in uow.db.execute(query)]


def _visible(uow: UnitOfWork, visible_to: int | None) -> FromClause:
    """What somebody sees, by the columns of `ORDERS`."""
    all_of_them = select(*ORDERS.values()).where(_T.dialect == uow.origin.dialect)
    if visible_to is None:
        return all_of_them.subquery("those")
    # Two look-ups, each in its index. With an "or" the database would walk through everybody's.
    made, as_me = (all_of_them.where(mine == visible_to) for mine in (_T.creator_number, _T.account_number))
    return made.union(as_me).subquery("those")


def _in_order(those: FromClause, orders: Sequence[Order]) -> Iterator[UnaryExpression[Any]]:
    for order in (*orders, NEWEST_FIRST):
        column = those.c[ORDERS[order.by].name]
        if not ORDERS[order.by].nullable:
            yield column.desc() if order.descending else column.asc()
        else:  # said, for the two engines think differently of it
            yield column.desc().nulls_first() if order.descending else column.asc().nulls_last()


def _matching(those: FromClause, filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.account_number is not None:
        yield those.c.account_number == storable(filters.account_number)
    if filters.creator_number is not None:
        yield those.c.creator_number == storable(filters.creator_number)
    if filters.bundles is not None:
        yield those.c.id.in_(_sharing("bundle", filters.bundles))
    if filters.directories is not None:
        yield those.c.id.in_(_sharing("directory", filters.directories))


def _sharing(kind: Kind, object_ids: Sequence[int]) -> AnySelect:
    s = shared_objects.c
    wanted = [storable(each) for each in object_ids]
    return select(s.access_token_id).where(s.kind == kind, s.object_id.in_(wanted))
