"""What accounts may do, by names: those given to them, and those of the groups they are in.

A name means what a dialect makes of it. The core knows two rules. An administrator may do everything, and nobody
gives or takes what they may not do themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, String, Table, bindparam, delete, select

from dragoman.core import audit
from dragoman.core.accounts import AT_A_TIME, accounts
from dragoman.core.columns import Bag, Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import NotFound, PermissionMissing, PermissionsExceeded, TooMany
from dragoman.core.names import checked
from dragoman.core.prepared import Prepared

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

account_permissions = Table(
    "account_permissions",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("name", String(128), primary_key=True),
)
account_groups = Table(
    "account_groups",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("name", String(256), nullable=False, unique=True),
    Column("permissions", Bag, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("attributes", Bag, nullable=False),
    sqlite_autoincrement=True,  # a number is never given twice
)
group_members = Table(
    "group_members",
    metadata,
    Column("group_number", Number, ForeignKey(account_groups.c.number, ondelete="CASCADE"), primary_key=True),
    Column(
        "account_number",
        Number,
        ForeignKey(accounts.c.number, ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)

LONGEST_NAME = 128
MOST = 200  # of an account or a group
MOST_GROUPS = 1000


@dataclass(frozen=True)
class Rights:
    """What one account may do: its `own` names, and those `by_group`, of the `groups` with these numbers.

    All are in order. `of_admin`: an administrator's, who may do everything.
    """

    own: tuple[str, ...] = ()
    by_group: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    of_admin: bool = False

    @property
    def effective(self) -> Sequence[str]:
        """Own and by group, each once."""
        return sorted({*self.own, *self.by_group})

    def allows(self, name: str) -> bool:
        """Whether whoever has these may do what this names."""
        return self.of_admin or name in self.effective

    def covers(self, other: Rights) -> bool:
        """Whether whoever has these may do all that the other may."""
        return self.of_admin or (not other.of_admin and set(self.effective).issuperset(other.effective))


_OWN = Prepared(
    select(account_permissions.c.name)
    .where(account_permissions.c.account_number == bindparam("account"))
    .order_by(account_permissions.c.name)
)
_BY_GROUP = Prepared(
    select(account_groups.c.number, account_groups.c.permissions)
    .join(group_members, account_groups.c.number == group_members.c.group_number)
    .where(group_members.c.account_number == bindparam("account"))
    .order_by(account_groups.c.number)
)


def of(uow: UnitOfWork, account: Account) -> Rights:
    """What an account may do now."""
    facts = {"account": account.number}
    return _rights(account, [name for (name,) in _OWN.rows(uow.db, facts)], _BY_GROUP.rows(uow.db, facts))


def of_all(uow: UnitOfWork, those: Sequence[Account]) -> Mapping[int, Rights]:
    """What each of some accounts may do now, by their numbers. Two statements for some hundreds of them."""
    found: dict[int, Rights] = {}
    for start in range(0, len(those), AT_A_TIME):
        found |= _of_some(uow, those[start : start + AT_A_TIME])
    return found


def _of_some(uow: UnitOfWork, those: Sequence[Account]) -> Mapping[int, Rights]:
    own, g, m = account_permissions.c, account_groups.c, group_members.c
    names: dict[int, list[str]] = {account.number: [] for account in those}
    groups: dict[int, list[tuple[int, Sequence[str]]]] = {account.number: [] for account in those}
    given = select(own.account_number, own.name).where(own.account_number.in_(names)).order_by(own.name)
    for number, name in uow.db.execute(given):
        names[number].append(name)
    joined = select(m.account_number, g.number, g.permissions).join(
        account_groups, g.number == m.group_number
    )
    for number, group, permissions in uow.db.execute(
        joined.where(m.account_number.in_(names)).order_by(g.number)
    ):
        groups[number].append((group, permissions))
    return {
        account.number: _rights(account, names[account.number], groups[account.number]) for account in those
    }


def _rights(account: Account, own: Sequence[str], groups: Sequence[tuple[int, Sequence[str]]]) -> Rights:
    by_group = {name for _, permissions in groups for name in permissions}
    return Rights(
        own=tuple(own),
        by_group=tuple(sorted(by_group)),
        groups=tuple(number for number, _ in groups),
        of_admin=account.is_admin,
    )


def require(uow: UnitOfWork, caller: Principal, name: str) -> None:
    """Refuses `PermissionMissing` to whoever may not do what this names, by their account or by their key."""
    caller.require_permission(name)
    if not of(uow, caller.account).allows(name):
        raise PermissionMissing(name)


def require_within(uow: UnitOfWork, by: Principal | None, names: Iterable[str]) -> None:
    """Refuses `PermissionsExceeded` to a caller who may not do all that these name. The operator may."""
    if by is None:
        return
    rights = of(uow, by.account)
    for name in names:
        if not rights.allows(name) or (by.api_key is not None and not by.api_key.allows(name)):
            raise PermissionsExceeded


def require_over(uow: UnitOfWork, by: Principal, account: Account) -> None:
    """Refuses `PermissionsExceeded` to a caller who may not do all that an account may, and would change it."""
    if by.account.number != account.number and not of(uow, by.account).covers(of(uow, account)):
        raise PermissionsExceeded


def give(uow: UnitOfWork, account: Account, names: Iterable[str], *, by: Principal | None = None) -> None:
    """Make these names an account's own permissions, and no others.

    Refuses `PermissionsExceeded` for one that is given or taken and that the caller lacks; `NameRefused`, `TooMany`.
    """
    wanted, has = checked_names(names), set(of(uow, account).own)
    require_within(uow, by, wanted ^ has)
    own = account_permissions.c
    gone = (own.account_number == account.number, own.name.in_(has - wanted))
    uow.db.execute(delete(account_permissions).where(*gone))
    for name in sorted(wanted - has):
        row = insert(uow.db, account_permissions).values(account_number=account.number, name=name)
        uow.db.execute(row.on_conflict_do_nothing())
    if wanted != has:
        audit.record(
            uow,
            "permissions changed",
            account=account.number,
            by=by,
            given=sorted(wanted - has),
            taken=sorted(has - wanted),
        )


def checked_names(names: Iterable[str]) -> set[str]:
    """Names that permissions can have, each once. Refuses `NameRefused`, `TooMany`."""
    found = {checked("permissions", name, LONGEST_NAME) for name in names}
    if len(found) > MOST:
        raise TooMany("permission", MOST)
    return found


def join(uow: UnitOfWork, account: Account, groups: Iterable[int], *, by: Principal | None = None) -> None:
    """Let an account be in the groups with these numbers, and in no others.

    Refuses `NotFound` for a group that is not there, and `PermissionsExceeded` for one that is joined or left
    and may do what the caller may not.
    """
    wanted, before = set(groups), set(of(uow, account).groups)
    require_groups_within(uow, by, wanted ^ before)
    m = group_members.c
    uow.db.execute(
        delete(group_members).where(m.account_number == account.number, m.group_number.in_(before - wanted))
    )
    for number in sorted(wanted - before):
        add_member(uow, number, account.number)
    if wanted != before:
        joined, left = sorted(wanted - before), sorted(before - wanted)
        audit.record(uow, "groups changed", account=account.number, by=by, joined=joined, left=left)


def require_groups_within(uow: UnitOfWork, by: Principal | None, numbers: Collection[int]) -> None:
    """Refuses `NotFound` for groups that are not there, and `PermissionsExceeded` as `require_within` does.

    The groups are kept from being deleted before this unit ends.
    """
    if len(numbers) > MOST_GROUPS:
        raise NotFound("group")
    g = account_groups.c
    found = uow.db.execute(
        select(g.number, g.permissions)
        .where(g.number.in_(numbers))
        .order_by(g.number)
        .with_for_update(read=True, key_share=True)
    ).all()
    if len(found) < len(numbers):
        raise NotFound("group")
    require_within(uow, by, {name for row in found for name in row.permissions})


def add_member(uow: UnitOfWork, group: int, account: int) -> None:
    """Put an account into a group, if it is not in it."""
    row = insert(uow.db, group_members).values(group_number=group, account_number=account)
    uow.db.execute(row.on_conflict_do_nothing())
