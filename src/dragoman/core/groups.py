"""Groups: accounts that may do something together. What that is are plain names (core/permissions.py)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from dragoman.core import accounts, audit, permissions
from dragoman.core.accounts import Account
from dragoman.core.accounts import accounts as account_table
from dragoman.core.changes import EVERYBODY
from dragoman.core.database import AnyRow, insert
from dragoman.core.errors import NameTaken, NotFound, TooMany
from dragoman.core.names import checked
from dragoman.core.permissions import MOST_GROUPS, account_groups, group_members

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

MOST_MEMBERS = 10_000


@dataclass(frozen=True)
class Group:
    """A group as it was read: what its members may do besides what is their own. `attributes`: as an account's."""

    number: int
    name: str
    permissions: Sequence[str]
    created_at: datetime
    attributes: Mapping[str, Any] = field(hash=False)


COLUMNS = tuple(account_groups.c[name] for name in Group.__dataclass_fields__)


def of(row: AnyRow) -> Group:
    """The group in a row of `COLUMNS`, in their order."""
    return Group(*row)


@dataclass(frozen=True)
class Changes:
    """What is to change of a group; None means: as it is. `members` are numbers of accounts, all there are to be."""

    name: str | None = None
    permissions: Iterable[str] | None = None
    members: Collection[int] | None = None
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def everyone(uow: UnitOfWork) -> Sequence[Group]:
    """All groups, in the order of their numbers."""
    return [of(row) for row in uow.db.execute(select(*COLUMNS).order_by(account_groups.c.number))]


def get(uow: UnitOfWork, number: int) -> Group:
    """The group with this number. Refuses `NotFound`."""
    row = uow.db.execute(select(*COLUMNS).where(account_groups.c.number == number)).one_or_none()
    if row is None:
        raise NotFound("group")
    return of(row)


def of_account(uow: UnitOfWork, number: int) -> Sequence[Group]:
    """The groups that an account is in, in the order of their numbers."""
    m, g = group_members.c, account_groups.c
    query = select(*COLUMNS).join(group_members, m.group_number == g.number).where(m.account_number == number)
    return [of(row) for row in uow.db.execute(query.order_by(g.number))]


def members(uow: UnitOfWork, numbers: Collection[int]) -> Mapping[int, Sequence[Account]]:
    """Who is in each of some groups, by the groups' numbers, in the order of their own. Deleted accounts are not."""
    found: dict[int, list[Account]] = {number: [] for number in numbers}
    m, a = group_members.c, account_table.c
    query = select(m.group_number, *accounts.COLUMNS).join(account_table, a.number == m.account_number)
    theirs = query.where(m.group_number.in_(found), a.deleted_at.is_(None)).order_by(a.number)
    for row in uow.db.execute(theirs):
        found[row.group_number].append(accounts.of(row))
    return found


def add(
    uow: UnitOfWork,
    name: str,
    *,
    permits: Iterable[str] = (),
    attributes: Mapping[str, Any] | None = None,
    by: Principal | None = None,
) -> Group:
    """A new group, with nobody in it. Of two that race for a name one wins.

    Refuses `NameTaken`, `NameRefused`, `TooMany`, and `PermissionsExceeded` to a caller who may not do all that
    its members may.
    """
    if (uow.db.scalar(select(func.count()).select_from(account_groups)) or 0) >= MOST_GROUPS:
        raise TooMany("group", MOST_GROUPS)
    names = permissions.checked_names(permits)
    permissions.require_within(uow, by, names)
    fresh = insert(uow.db, account_groups).values(
        name=checked("name", name),
        permissions=sorted(names),
        created_at=uow.now,
        attributes=dict(attributes or {}),
    )
    row = uow.db.execute(fresh.on_conflict_do_nothing().returning(*COLUMNS)).one_or_none()
    if row is None:
        raise NameTaken("name")
    group = of(row)
    audit.record(uow, "group added", by=by, group=group.number, given=group.permissions)
    return group


def change(uow: UnitOfWork, number: int, changes: Changes, *, by: Principal | None = None) -> Group:
    """Change a group and return it as it is then.

    Who changes what it may do may do it, and who changes its members may do all that it may. Refuses
    `PermissionsExceeded`, `NotFound` (also for a member that is not there), `NameTaken`, `NameRefused`, `TooMany`.
    """
    locked = select(*COLUMNS).where(account_groups.c.number == number).with_for_update()
    row = uow.db.execute(locked).one_or_none()
    if row is None:
        raise NotFound("group")
    before, values = of(row), dict[str, Any]()
    if changes.name is not None and changes.name != before.name:
        values["name"] = checked("name", changes.name)
    if changes.permissions is not None:
        names = permissions.checked_names(changes.permissions)
        permissions.require_within(uow, by, names ^ set(before.permissions))
        values["permissions"] = sorted(names)
    if changes.attributes:
        values["attributes"] = accounts.merged(before.attributes, changes.attributes)
    if values:
        _write(uow, number, values)
    if changes.members is not None:
        _put_members(uow, before, set(changes.members), by)
    uow.touches(EVERYBODY)
    audit.record(uow, "group changed", by=by, group=number, fields=sorted(values))
    return get(uow, number)


def _write(uow: UnitOfWork, number: int, values: Mapping[str, Any]) -> None:
    changed = update(account_groups).where(account_groups.c.number == number).values(**values)
    try:
        uow.db.execute(changed)
    except IntegrityError as taken:  # a name is the one thing of a group that there may be only once
        raise NameTaken("name") from taken


def _put_members(uow: UnitOfWork, group: Group, wanted: set[int], by: Principal | None) -> None:
    if len(wanted) > MOST_MEMBERS:
        raise TooMany("member", MOST_MEMBERS)
    m, a = group_members.c, account_table.c
    before = set(uow.db.scalars(select(m.account_number).where(m.group_number == group.number)))
    if wanted == before:
        return
    permissions.require_within(uow, by, group.permissions)
    joining = wanted - before
    known = select(a.number).where(a.number.in_(joining), a.deleted_at.is_(None)).order_by(a.number)
    if len(uow.db.scalars(known.with_for_update(read=True, key_share=True)).all()) < len(joining):
        raise NotFound("account")
    leaving = (m.group_number == group.number, m.account_number.in_(before - wanted))
    uow.db.execute(delete(group_members).where(*leaving))
    for number in sorted(joining):
        permissions.add_member(uow, group.number, number)
    for number in sorted(wanted ^ before):
        joined, left = ([group.number], []) if number in joining else ([], [group.number])
        audit.record(uow, "groups changed", account=number, by=by, joined=joined, left=left)


def remove(uow: UnitOfWork, number: int, *, by: Principal | None = None) -> None:
    """Delete a group; its members are in it no more. Refuses `NotFound`, and `PermissionsExceeded` as `change` does."""
    permissions.require_within(uow, by, get(uow, number).permissions)
    if uow.db.execute(delete(account_groups).where(account_groups.c.number == number)).rowcount == 0:
        raise NotFound("group")
    uow.touches(EVERYBODY)
    audit.record(uow, "group removed", by=by, group=number)
