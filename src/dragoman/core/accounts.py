"""People and robots known to us: one store, one namespace of names, whatever dialect they speak.

An account has two names for programs, a UUID and an integer `number`, and two for people, a username and
an e-mail address (core/names.py).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
    and_,
    delete,
    false,
    func,
    literal,
    select,
    update,
)

from dragoman.core import audit, name_beginnings, names
from dragoman.core.columns import WHERE, Bag, Instant, Number, metadata
from dragoman.core.database import AnyRow
from dragoman.core.errors import LastAdmin, NameRefused, NotFound
from dragoman.core.names import account_names

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

NOT_DELETED = "deleted_at IS NULL"
accounts = Table(
    "accounts",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("username", String(256), nullable=False),
    Column("email", String(320)),
    Column("display_name", String(256), nullable=False),
    Column("is_admin", Boolean, nullable=False, server_default=false()),
    Column("must_change_password", Boolean, nullable=False, server_default=false()),
    Column("password", Text),  # a hash in PHC or crypt form; read by core/login.py and core/proofs.py alone
    Column("password_version", Integer, nullable=False, server_default="0"),
    Column("password_changed_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("signed_in_at", Instant),
    Column("disabled_at", Instant),
    Column("deleted_at", Instant),
    Column("attributes", Bag, nullable=False),
    # For lists in order (core/account_lists.py).
    *(
        Index(
            f"ix_accounts_{name}_number",
            name,
            "number",
            info={WHERE: NOT_DELETED},
        )
        for name in ("username", "display_name")
    ),
    sqlite_autoincrement=True,  # a number is never given twice
)

AT_A_TIME = 500


@dataclass(frozen=True)
class Account:
    """One account as it was read. Dates are in UTC; `attributes` holds product-only facts by dialect."""

    number: int
    id: uuid.UUID
    username: str
    email: str | None
    display_name: str
    is_admin: bool
    must_change_password: bool
    password_version: int
    password_changed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None
    deleted_at: datetime | None
    attributes: Mapping[str, Any]
    has_password: bool

    @property
    def is_active(self) -> bool:
        """Neither disabled nor deleted: may sign in and be signed in."""
        return self.disabled_at is None and self.deleted_at is None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name a password must not be."""
        return tuple(name for name in (self.username, self.email, self.display_name) if name)

    @property
    def address(self) -> str:
        """The e-mail address, or what stands in for one where a product demands it. It signs in, either way."""
        return names.address(self.email, self.username, self.id)


_HAS_PASSWORD = accounts.c.password.is_not(None).label("has_password")
# What an `Account` is made of, in its order: everything but the hash.
COLUMNS = tuple(
    _HAS_PASSWORD if name == "has_password" else accounts.c[name] for name in Account.__dataclass_fields__
)


@dataclass(frozen=True)
class NewAccount:
    """What is asked of a new account. At least one of `email` and `username`; the rest has defaults."""

    email: str | None = None
    username: str | None = None
    display_name: str | None = None
    is_admin: bool = False
    must_change_password: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name its password must not be."""
        return tuple(name for name in (self.username, self.email, self.display_name) if name)


def of(row: AnyRow) -> Account:
    """The account in a row that has `COLUMNS` by their names."""
    return Account(**{name: getattr(row, name) for name in Account.__dataclass_fields__})


def find_by_number(uow: UnitOfWork, number: int) -> Account | None:
    """The account with this number, deleted ones included."""
    row = uow.db.execute(select(*COLUMNS).where(accounts.c.number == number)).one_or_none()
    return None if row is None else of(row)


def find_all(uow: UnitOfWork, numbers: Collection[int]) -> Mapping[int, Account]:
    """The accounts with these numbers, at most some hundreds, deleted ones included."""
    rows = uow.db.execute(select(*COLUMNS).where(accounts.c.number.in_(numbers)))
    return {row.number: of(row) for row in rows}


def find_by_id(uow: UnitOfWork, account_id: uuid.UUID) -> Account | None:
    """The account with this UUID, deleted ones included."""
    row = uow.db.execute(select(*COLUMNS).where(accounts.c.id == account_id)).one_or_none()
    return None if row is None else of(row)


def find_by_name(uow: UnitOfWork, name: str) -> Account | None:
    """The account with this e-mail address or username, ignoring case, deleted ones included."""
    mine = and_(
        account_names.c.account_number == accounts.c.number, account_names.c.folded == names.looked_up(name)
    )
    row = uow.db.execute(select(*COLUMNS).join(account_names, mine)).one_or_none()
    return None if row is None else of(row)


def find(uow: UnitOfWork, name: str) -> Account | None:
    """The account meant by an e-mail address, a username, a number or a UUID."""
    found = find_by_name(uow, name)
    if found is None and name.isascii() and name.isdigit() and len(name) < 19:
        found = find_by_number(uow, int(name))
    if found is None and re.fullmatch(r"[0-9a-fA-F-]{32,36}", name):
        try:
            found = find_by_id(uow, uuid.UUID(name))
        except ValueError:
            found = None
    return found


def get(uow: UnitOfWork, name: str) -> Account:
    """The same. Refuses `NotFound`."""
    found = find(uow, name)
    if found is None:
        raise NotFound("account")
    return found


def number_of(uow: UnitOfWork, name: str) -> int | None:
    """The number of the account that is meant. What is on record of it outlasts it: then only its number names it."""
    found = find(uow, name)
    if found is not None:
        return found.number
    return int(name) if name.isascii() and name.isdigit() and len(name) < 19 else None


def has_admin(uow: UnitOfWork) -> bool:
    """Whether there is an administrator who is not deleted."""
    admin = select(accounts.c.number).where(accounts.c.is_admin.is_(True), accounts.c.deleted_at.is_(None))
    return uow.db.scalar(admin.limit(1)) is not None


def is_active(number: ColumnElement[int]) -> ColumnElement[bool]:
    """That the account which another table's column names is neither disabled nor deleted, in a statement."""
    a = accounts.c
    theirs = select(literal(1)).where(a.number == number, a.disabled_at.is_(None), a.deleted_at.is_(None))
    return theirs.exists()


def lock(uow: UnitOfWork, number: int) -> None:
    """Let nobody else write the account's row before this unit ends: what is counted of it then stays so."""
    uow.db.execute(select(accounts.c.number).where(accounts.c.number == number).with_for_update())


def add(
    uow: UnitOfWork,
    new: NewAccount,
    password_hash: str | None,
    *,
    by: Principal | None = None,
    via: str = "",
) -> Account:
    """Store a new account. Refuses `NameRefused` and `NameTaken`; of two that race for a name one wins.

    `by` is the caller who makes it, and `via` what does where nobody is signed in.
    """
    email = None if new.email is None else names.checked_email(new.email)
    username = None if new.username is None else names.checked_username(new.username)
    if email is None and username is None:
        raise NameRefused("username", "must not be empty")
    display_name = names.checked(
        "display_name", new.display_name or username or (email or "").partition("@")[0]
    )
    account_id = uow.new_id()
    number = uow.db.execute(
        accounts.insert()
        .values(
            id=account_id,
            username=username or "",
            email=email,
            display_name=display_name,
            is_admin=new.is_admin,
            must_change_password=new.must_change_password,
            password=password_hash,
            password_version=1,
            password_changed_at=None if password_hash is None else uow.now,
            created_at=uow.now,
            updated_at=uow.now,
            attributes=dict(new.attributes),
        )
        .returning(accounts.c.number)
    ).scalar_one()
    if username is not None:
        names.take_all(uow, number, email, username, account_id)
    elif email is not None:
        names.take(uow, number, "email", email)
        free = names.free_username(uow, number, email.rpartition("@")[0])
        uow.db.execute(update(accounts).where(accounts.c.number == number).values(username=free))
    name_beginnings.write(uow, number, display_name)
    audit.record(uow, "account added", account=number, by=by, via=via, admin=new.is_admin)
    return _written(uow, number)


def _written(uow: UnitOfWork, number: int) -> Account:
    """An account that this unit has just written, as it is now."""
    return of(uow.db.execute(select(*COLUMNS).where(accounts.c.number == number)).one())


@dataclass(frozen=True)
class Changes:
    """What is to change of an account; None means: as it is."""

    email: str | None = None
    username: str | None = None
    display_name: str | None = None
    is_admin: bool | None = None
    must_change_password: bool | None = None
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def change(uow: UnitOfWork, number: int, changes: Changes, *, by: Principal | None = None) -> Account:
    """Change an account and return it as it is then.

    Refuses `NotFound`, `NameRefused`, `NameTaken`, and to a caller `LastAdmin`; other names or addresses as
    `Principal.require_in_person` and `require_maker` do.
    """
    if changes.is_admin is False:
        _require_another_admin(uow, number, by)
    # The lock first: attributes are read, merged and written, and nobody may write between.
    row = uow.db.execute(select(accounts).where(accounts.c.number == number).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("account")
    _require_may_rename(uow, row, changes, by)
    values: dict[str, Any] = {}
    if changes.email is not None:
        values["email"] = names.checked_email(changes.email)
    if changes.username is not None:
        values["username"] = names.checked_username(changes.username)
    if "email" in values or "username" in values:
        email, username = values.get("email", row.email), values.get("username", row.username)
        names.rename(uow, number, email, username, row.id)
    if changes.display_name is not None:
        values["display_name"] = names.checked("display_name", changes.display_name)
        name_beginnings.write(uow, number, values["display_name"])
    if changes.is_admin is not None:
        values["is_admin"] = changes.is_admin
    if changes.must_change_password is not None:
        values["must_change_password"] = changes.must_change_password
    if changes.attributes:
        values["attributes"] = merged(row.attributes, changes.attributes)
    uow.db.execute(update(accounts).where(accounts.c.number == number).values(**values, updated_at=uow.now))
    audit.record(uow, "account changed", account=number, by=by, fields=sorted(values))
    return _written(uow, number)


def _require_may_rename(uow: UnitOfWork, row: AnyRow, changes: Changes, by: Principal | None) -> None:
    renamed = changes.email not in (None, row.email) or changes.username not in (None, row.username)
    if by is not None and renamed:
        # Whose mail is read can have a password set: an API key that could lead it elsewhere would be worth as much.
        by.require_in_person()
        by.require_maker(uow)


def merged(bag: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A bag of attributes with each dialect's changes laid over its facts."""
    return {**bag, **{dialect: {**bag.get(dialect, {}), **facts} for dialect, facts in changes.items()}}


def disable(uow: UnitOfWork, number: int, *, by: Principal | None = None) -> None:
    """Let nobody in by this account, from now on, in any dialect; sessions and keys stop answering.

    Refuses `NotFound`, and `LastAdmin` to a caller.
    """
    _require_another_admin(uow, number, by)
    since = func.coalesce(accounts.c.disabled_at, _literal(uow.now))
    _mark(uow, number, "account disabled", by, disabled_at=since)


def enable(uow: UnitOfWork, number: int, *, by: Principal | None = None) -> None:
    """Undo `disable`. What was revoked meanwhile stays revoked. Refuses `NotFound`."""
    _mark(uow, number, "account enabled", by, disabled_at=None)


def delete_softly(uow: UnitOfWork, number: int, *, by: Principal | None = None) -> None:
    """Delete an account so that it can be restored: it keeps its names, and nothing of it answers.

    Refuses `NotFound`, and `LastAdmin` to a caller.
    """
    _require_another_admin(uow, number, by)
    since = func.coalesce(accounts.c.deleted_at, _literal(uow.now))
    _mark(uow, number, "account deleted", by, deleted_at=since)


def restore(uow: UnitOfWork, number: int, *, by: Principal | None = None) -> None:
    """Undo `delete_softly`. Refuses `NotFound`."""
    _mark(uow, number, "account restored", by, deleted_at=None)


def purge(uow: UnitOfWork, number: int, *, by: Principal | None = None) -> None:
    """Delete an account for good, with everything it owns. Its lines in the audit log stay.

    Refuses `NotFound`, and `LastAdmin` to a caller.
    """
    _require_another_admin(uow, number, by)
    audit.record(uow, "account purged", account=number, by=by)
    if uow.db.execute(delete(accounts).where(accounts.c.number == number)).rowcount == 0:
        raise NotFound("account")


def _literal(moment: datetime) -> Any:
    return literal(moment, Instant)


def _require_another_admin(uow: UnitOfWork, number: int, by: Principal | None) -> None:
    """Callers leave an administrator who can sign in; the operator, who can make another, need not.

    All are locked, so that of two who would depose each other one is refused.
    """
    if by is None:
        return
    a = accounts.c
    admins = select(a.number).where(a.is_admin.is_(True), a.disabled_at.is_(None), a.deleted_at.is_(None))
    if uow.db.scalars(admins.order_by(a.number).with_for_update()).all() == [number]:
        raise LastAdmin


def _mark(uow: UnitOfWork, number: int, event: str, by: Principal | None, **values: Any) -> None:
    marked = update(accounts).where(accounts.c.number == number).values(**values, updated_at=uow.now)
    if uow.db.execute(marked).rowcount == 0:
        raise NotFound("account")
    audit.record(uow, event, account=number, by=by)
