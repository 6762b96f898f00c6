"""The first administrator: exactly one wins, and whoever comes later is told that there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, Table, select, update

from dragoman.core import accounts, policy
from dragoman.core.accounts import Account, NewAccount
from dragoman.core.columns import Instant, metadata
from dragoman.core.database import insert
from dragoman.core.errors import SetupClosed, SetupDone
from dragoman.core.passwords import LegacyHash

if TYPE_CHECKING:
    from collections.abc import Callable

    from dragoman.core.principals import Principal
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Core, Origin, UnitOfWork

installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("installed_at", Instant, nullable=False),
    Column("first_account_at", Instant),
)

ONLY = 1


def is_done(uow: UnitOfWork) -> bool:
    """Whether an account was ever made here."""
    made = select(installation.c.first_account_at).where(installation.c.id == ONLY)
    return uow.db.scalar(made) is not None


def claim(uow: UnitOfWork) -> bool:
    """Whether this unit makes the first account ever. The database decides who was first."""
    row = insert(uow.db, installation).values(id=ONLY, installed_at=uow.now)
    uow.db.execute(row.on_conflict_do_nothing())
    first = update(installation).where(installation.c.id == ONLY, installation.c.first_account_at.is_(None))
    return uow.db.scalar(first.values(first_account_at=uow.now).returning(installation.c.id)) is not None


def require_open(uow: UnitOfWork, *, open_to_caller: bool) -> None:
    """Refuses `SetupDone` once there was an account, and `SetupClosed` to whoever may not make the first."""
    if is_done(uow):
        raise SetupDone
    if not open_to_caller:
        raise SetupClosed


def create_account(
    core: Core,
    origin: Origin,
    new: NewAccount,
    password: Secret | LegacyHash | None,
    *,
    by: Principal | None = None,
    also: Callable[[UnitOfWork, int], None] | None = None,
) -> Account:
    """Create an account, by a caller or the operator. What is written `also` is so with it, or not at all.

    Refuses `PasswordRefused`, `PasswordTooLong`, `HashRefused`, `NameRefused`, `NameTaken`; with a password as
    `Principal.require_maker` does.
    """
    hashed = hash_of(core, origin, new, password)
    with core.begin(origin, writes=True) as uow:
        if by is not None and hashed is not None:
            by.require_maker(uow)
        claim(uow)
        account = accounts.add(uow, new, hashed, by=by)
        if also is not None:
            also(uow, account.number)
        return account


def create_first_admin(
    core: Core, origin: Origin, new: NewAccount, password: Secret | LegacyHash, *, open_to_caller: bool
) -> Account:
    """Create the first administrator, if nobody ever made an account and the caller may.

    Refuses `SetupDone`, `SetupClosed`, and as `create_account`. Of any number of racing calls one wins.
    """
    with core.begin(origin, writes=False) as uow:
        require_open(uow, open_to_caller=open_to_caller)
    hashed = hash_of(core, origin, new, password)
    with core.begin(origin, writes=True) as uow:
        if not claim(uow):
            raise SetupDone
        return accounts.add(uow, new, hashed, via="setup")


def hash_of(core: Core, origin: Origin, new: NewAccount, password: Secret | LegacyHash | None) -> str | None:
    """What is stored of a new account's password, if the policy allows it. Refuses as `create_account` does."""
    if password is None:
        return None
    if isinstance(password, LegacyHash):
        return core.tools.hasher.adopt(password.value)
    policy.require_fit(core, origin, password, new.names)
    return core.tools.hasher.hash(password.reveal())
