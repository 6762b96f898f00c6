"""In which ways an account's second factor may be shown by apps that have no field for a code: its owner chooses.

An account that has chosen nothing allows all (docs/decisions/0038-three-ways-for-apps.md).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, Column, ForeignKey, Table, select

from dragoman.core import audit
from dragoman.core.accounts import accounts
from dragoman.core.columns import Number, metadata
from dragoman.core.database import insert

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

second_factor_ways = Table(
    "second_factor_ways",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("app_passwords", Boolean, nullable=False),
    Column("codes", Boolean, nullable=False),
    Column("approvals", Boolean, nullable=False),
)


@dataclass(frozen=True)
class Ways:
    """Which are allowed: a password for one app; a code behind the password; approving it on the account's pages."""

    app_passwords: bool = True
    codes: bool = True
    approvals: bool = True


_CHOSEN = [second_factor_ways.c[name] for name in Ways.__dataclass_fields__]


def allowed(uow: UnitOfWork, number: int) -> Ways:
    """What an account allows."""
    row = uow.db.execute(select(*_CHOSEN).where(second_factor_ways.c.account_number == number)).one_or_none()
    return Ways() if row is None else Ways(*row)


def choose(uow: UnitOfWork, ways: Ways, *, by: Principal) -> None:
    """Allow the caller's account these and no others. Refuses `SessionRequired`, `WhileImpersonating`."""
    by.require_in_person()
    by.require_maker(uow)
    number, chosen = by.account.number, asdict(ways)
    fresh = insert(uow.db, second_factor_ways).values(account_number=number, **chosen)
    key = [second_factor_ways.c.account_number]
    uow.db.execute(fresh.on_conflict_do_update(index_elements=key, set_=chosen))
    audit.record(uow, "second factor ways chosen", account=number, by=by, **chosen)
