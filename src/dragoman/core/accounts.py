"""People and robots known to us: one store, one namespace of names, whatever dialect they speak.

An account has two names for programs, a UUID and an integer `number`, and two for people, a username and
an e-mail address. Both of the latter live in `account_names`, folded, where the primary key decides every
race for a name.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
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

from dragoman.core import audit
from dragoman.core.database import AnyRow, Bag, Instant, Number, insert, metadata
from dragoman.core.errors import NameRefused, NameTaken, NotFound

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

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
    sqlite_autoincrement=True,  # a number is never given twice
)

account_names = Table(
    "account_names",
    metadata,
    Column("folded", String(320), primary_key=True),
    Column(
        "account_number",
        Number,
        ForeignKey(accounts.c.number, ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("kind", String(8), nullable=False),
)

# What an `Account` is made of: everything but the hash.
COLUMNS = (
    *(column for column in accounts.c if column.name != "password"),
    accounts.c.password.is_not(None).label("has_password"),
)
LONGEST_NAME = 256
LONGEST_EMAIL = 320


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


def fold(name: str) -> str:
    """The form in which names are compared: NFKC, case folded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def looked_up(name: str) -> str:
    """The folded form to look a name up by; "", which nobody has, for what cannot be a name."""
    folded = fold(name) if len(name) <= 2 * LONGEST_EMAIL else ""
    return "" if any(unicodedata.category(c) in {"Cc", "Cs"} for c in folded) else folded


def checked(kind: str, value: str, longest: int = LONGEST_NAME) -> str:
    """`value` in NFC. `NameRefused` when empty, too long, or with control or formatting characters."""
    # At most four characters become one. More is not even normalised: sorting half a million accents takes minutes.
    value = unicodedata.normalize("NFC", value[: 4 * longest + 1])
    if not value.strip():
        raise NameRefused(kind, "must not be empty")
    # What people sign in with is stored folded, too, and one character may fold into eighteen.
    if len(value) > longest or (kind in {"email", "username"} and len(fold(value)) > LONGEST_EMAIL):
        raise NameRefused(kind, f"must be at most {longest} characters long")
    # Controls and line separators break logs and headers; surrogates break UTF-8; overrides fool readers.
    if any(
        unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}
        or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        for c in value
    ):
        raise NameRefused(kind, "must not contain control characters")
    return value


def checked_username(value: str) -> str:
    """A username: as `checked`, and without blanks at its ends."""
    value = checked("username", value)
    if value != value.strip():
        raise NameRefused("username", "must not begin or end with blanks")
    return value


def checked_email(value: str) -> str:
    """An e-mail address: as `checked`, with something on both sides of an @ and no blanks."""
    value = checked("email", value, LONGEST_EMAIL)
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or re.search(r"\s", domain) or value != value.strip():
        raise NameRefused("email", "must be an e-mail address")
    return value


def find_by_number(uow: UnitOfWork, number: int) -> Account | None:
    """The account with this number, deleted ones included."""
    row = uow.db.execute(select(*COLUMNS).where(accounts.c.number == number)).one_or_none()
    return None if row is None else of(row)


def find_by_id(uow: UnitOfWork, account_id: uuid.UUID) -> Account | None:
    """The account with this UUID, deleted ones included."""
    row = uow.db.execute(select(*COLUMNS).where(accounts.c.id == account_id)).one_or_none()
    return None if row is None else of(row)


def find_by_name(uow: UnitOfWork, name: str) -> Account | None:
    """The account with this e-mail address or username, ignoring case, deleted ones included."""
    mine = and_(
        account_names.c.account_number == accounts.c.number, account_names.c.folded == looked_up(name)
    )
    row = uow.db.execute(select(*COLUMNS).join(account_names, mine)).one_or_none()
    return None if row is None else of(row)


def get(uow: UnitOfWork, name: str) -> Account:
    """The account meant by an e-mail address, a username, a number or a UUID. Refuses: `NotFound`."""
    found = find_by_name(uow, name)
    if found is None and name.isascii() and name.isdigit() and len(name) < 19:
        found = find_by_number(uow, int(name))
    if found is None and re.fullmatch(r"[0-9a-fA-F-]{32,36}", name):
        try:
            found = find_by_id(uow, uuid.UUID(name))
        except ValueError:
            found = None
    if found is None:
        raise NotFound("account")
    return found


def has_admin(uow: UnitOfWork) -> bool:
    """Whether there is an administrator who is not deleted."""
    admin = select(accounts.c.number).where(accounts.c.is_admin.is_(True), accounts.c.deleted_at.is_(None))
    return uow.db.scalar(admin.limit(1)) is not None


def page(uow: UnitOfWork, *, after: int = 0, limit: int = 100, deleted: bool = False) -> Sequence[Account]:
    """Up to `limit` accounts with numbers above `after`, in the order of their numbers."""
    query = select(*COLUMNS).where(accounts.c.number > after).order_by(accounts.c.number).limit(limit)
    if not deleted:
        query = query.where(accounts.c.deleted_at.is_(None))
    return [of(row) for row in uow.db.execute(query)]


def add(uow: UnitOfWork, new: NewAccount, password_hash: str | None) -> Account:
    """Store a new account. Refuses `NameRefused` and `NameTaken`; of two that race for a name one wins."""
    email = None if new.email is None else checked_email(new.email)
    username = None if new.username is None else checked_username(new.username)
    if email is None and username is None:
        raise NameRefused("username", "must not be empty")
    display_name = checked("display_name", new.display_name or username or (email or "").partition("@")[0])
    number = uow.db.execute(
        accounts.insert()
        .values(
            id=uow.new_id(),
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
    if email is not None:
        _take_name(uow, number, "email", email)
    if username is not None:
        _take_name(uow, number, "username", username)
    else:
        free = _free_username(uow, number, (email or "").rpartition("@")[0])
        uow.db.execute(update(accounts).where(accounts.c.number == number).values(username=free))
    audit.record(uow, "account added", account=number, admin=new.is_admin)
    return _written(uow, number)


def _written(uow: UnitOfWork, number: int) -> Account:
    """An account that this unit has just written, as it is now."""
    return of(uow.db.execute(select(*COLUMNS).where(accounts.c.number == number)).one())


def _claim(uow: UnitOfWork, number: int, kind: str, name: str) -> bool:
    """Whether `name` is this account's now (it may have been before: a username may be the e-mail)."""
    folded = fold(name)
    claim = insert(uow.db, account_names).values(folded=folded, account_number=number, kind=kind)
    if uow.db.scalar(claim.on_conflict_do_nothing().returning(account_names.c.folded)) is not None:
        return True
    owner = uow.db.scalar(select(account_names.c.account_number).where(account_names.c.folded == folded))
    return owner == number


def _take_name(uow: UnitOfWork, number: int, kind: str, name: str) -> None:
    if not _claim(uow, number, kind, name):
        raise NameTaken(kind)


def _free_username(uow: UnitOfWork, number: int, wanted: str) -> str:
    """A username like `wanted` that nobody has: it, it with 2 to 99 behind, then with random digits."""
    stem = wanted.strip()[: LONGEST_NAME - 20] or "user"
    while len(fold(stem)) > LONGEST_NAME:
        stem = stem[:-1]
    candidates = [stem, *(f"{stem}{n}" for n in range(2, 100)), f"{stem}-{uow.new_id().hex[:12]}"]
    for candidate in candidates:
        if _claim(uow, number, "username", candidate):
            return candidate
    raise NameTaken("username")


@dataclass(frozen=True)
class Changes:
    """What is to change of an account; None means: as it is."""

    email: str | None = None
    username: str | None = None
    display_name: str | None = None
    is_admin: bool | None = None
    must_change_password: bool | None = None
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def change(uow: UnitOfWork, number: int, changes: Changes, *, via: str = "") -> Account:
    """Change an account and return it as it is then. Refuses `NotFound`, `NameRefused`, `NameTaken`."""
    # The lock first: attributes are read, merged and written, and nobody may write between.
    row = uow.db.execute(select(accounts).where(accounts.c.number == number).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("account")
    values: dict[str, Any] = {}
    if changes.email is not None:
        values["email"] = checked_email(changes.email)
    if changes.username is not None:
        values["username"] = checked_username(changes.username)
    if "email" in values or "username" in values:
        _rename(uow, number, values.get("email", row.email), values.get("username", row.username))
    if changes.display_name is not None:
        values["display_name"] = checked("display_name", changes.display_name)
    if changes.is_admin is not None:
        values["is_admin"] = changes.is_admin
    if changes.must_change_password is not None:
        values["must_change_password"] = changes.must_change_password
    if changes.attributes:
        values["attributes"] = merged(row.attributes, changes.attributes)
    uow.db.execute(update(accounts).where(accounts.c.number == number).values(**values, updated_at=uow.now))
    audit.record(uow, "account changed", account=number, via=via, fields=sorted(values))
    return _written(uow, number)


def _rename(uow: UnitOfWork, number: int, email: str | None, username: str) -> None:
    names = {"username": username} if email is None else {"email": email, "username": username}
    # By name, not by kind: a username that is also the e-mail address is one row for both.
    kept = [fold(name) for name in names.values()]
    theirs = account_names.c.account_number == number
    uow.db.execute(delete(account_names).where(theirs, account_names.c.folded.not_in(kept)))
    for kind, name in names.items():
        _take_name(uow, number, kind, name)


def merged(bag: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A bag of attributes with each dialect's changes laid over its facts."""
    return {**bag, **{dialect: {**bag.get(dialect, {}), **facts} for dialect, facts in changes.items()}}


def disable(uow: UnitOfWork, number: int) -> None:
    """Let nobody in by this account, from now on, in any dialect; sessions and keys stop answering."""
    _mark(
        uow, number, "account disabled", disabled_at=func.coalesce(accounts.c.disabled_at, _literal(uow.now))
    )


def enable(uow: UnitOfWork, number: int) -> None:
    """Undo `disable`. What was revoked meanwhile stays revoked."""
    _mark(uow, number, "account enabled", disabled_at=None)


def delete_softly(uow: UnitOfWork, number: int) -> None:
    """Delete an account so that it can be restored: it keeps its names, and nothing of it answers."""
    _mark(uow, number, "account deleted", deleted_at=func.coalesce(accounts.c.deleted_at, _literal(uow.now)))


def restore(uow: UnitOfWork, number: int) -> None:
    """Undo `delete_softly`."""
    _mark(uow, number, "account restored", deleted_at=None)


def purge(uow: UnitOfWork, number: int) -> None:
    """Delete an account for good, with everything it owns. Its lines in the audit log stay."""
    audit.record(uow, "account purged", account=number)
    if uow.db.execute(delete(accounts).where(accounts.c.number == number)).rowcount == 0:
        raise NotFound("account")


def _literal(moment: datetime) -> Any:
    return literal(moment, Instant)


def _mark(uow: UnitOfWork, number: int, event: str, **values: Any) -> None:
    marked = update(accounts).where(accounts.c.number == number).values(**values, updated_at=uow.now)
    if uow.db.execute(marked).rowcount == 0:
        raise NotFound("account")
    audit.record(uow, event, account=number)
