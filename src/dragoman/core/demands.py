"""What an account is asked for besides its password: as its owner chose, an administrator decided, or all are asked.

Of these the strictest holds. A passkey is a second factor like the codes of an app. Where one is asked for and there is
none yet, the pages lead to setting one up before all else, and apps are refused (docs/decisions/0047-who-is-asked-for-a-second-factor.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from sqlalchemy import Boolean, Column, ForeignKey, String, Table, bindparam, exists, select

from dragoman.core import audit
from dragoman.core.accounts import accounts
from dragoman.core.columns import Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import AdminOnly, FactorMissing
from dragoman.core.factors import totp_factors
from dragoman.core.passkeys import passkeys
from dragoman.core.prepared import Prepared

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

# In order. "if set": where the account has one. "passkey": always, and on the pages no code will do.
Demand: TypeAlias = Literal["never", "if set", "always", "passkey"]
DEMANDS: tuple[Demand, ...] = get_args(Demand)
USUAL: Demand = "if set"

second_factor_demands = Table(
    "second_factor_demands",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("demand", String(16), nullable=False),
    Column("is_imposed", Boolean, nullable=False),  # an administrator decided: its owner does not choose
)

_D = second_factor_demands.c
_OF_ACCOUNT = Prepared(
    select(
        _D.demand,
        _D.is_imposed,
        exists().where(totp_factors.c.account_number == accounts.c.number),
        exists().where(passkeys.c.account_number == accounts.c.number),
    )
    .select_from(accounts)
    .outerjoin(second_factor_demands, _D.account_number == accounts.c.number)
    .where(accounts.c.number == bindparam("account"))
)


@dataclass(frozen=True)
class Guard:
    """What guards an account besides its password: what was `chosen` for it, the `demand` that holds, and what it has.

    `is_imposed`: an administrator chose.
    """

    chosen: Demand
    is_imposed: bool
    demand: Demand
    has_codes: bool
    has_passkey: bool

    @property
    def asks(self) -> bool:
        """Whether a sign-in by password shows a second factor."""
        return self.demand in ("always", "passkey") or (self.demand == "if set" and self.has_any)

    @property
    def takes_codes(self) -> bool:
        """Whether a code of an app will do."""
        return self.has_codes and self.demand != "passkey"

    @property
    def has_any(self) -> bool:
        """Whether the account has a second factor of a kind that will do."""
        return self.has_passkey or self.takes_codes

    @property
    def lacks_one(self) -> bool:
        """Whether one is asked for that the account has not."""
        return self.asks and not self.has_any


def guard(uow: UnitOfWork, account: Account) -> Guard:
    """What guards an account now."""
    row = _OF_ACCOUNT.find(uow.db, {"account": account.number})
    chosen, is_imposed, has_codes, has_passkey = row or (None, None, False, False)
    own: Demand = chosen or USUAL
    demand = max(own, uow.rules.demand_on(is_admin=account.is_admin), key=DEMANDS.index)
    return Guard(own, bool(is_imposed), demand, bool(has_codes), bool(has_passkey))


def require_one(uow: UnitOfWork, principal: Principal) -> None:
    """Refuses `FactorMissing` to a caller of whom a second factor is asked that they have not set up."""
    if principal.actor is None and guard(uow, principal.account).lacks_one:
        raise FactorMissing


def choose(uow: UnitOfWork, demand: Demand, *, by: Principal) -> None:
    """Have the caller asked for a second factor like this. Refuses as `ways.choose` does, and `AdminOnly`.

    That is where an administrator has decided: that is not the owner's to undo.
    """
    by.require_in_person()
    by.require_maker(uow)
    if guard(uow, by.account).is_imposed:
        raise AdminOnly
    _put(uow, by.account.number, demand, is_imposed=False, by=by)


def impose(uow: UnitOfWork, number: int, demand: Demand | None, *, by: Principal | None = None) -> None:
    """Decide for an account's owner; None: leave it to them again, as usual. `by` None: the operator does.

    Refuses to a caller `AdminOnly`, and as `ways.choose` does.
    """
    if by is not None:
        by.require_in_person()
        by.require_maker(uow)
        by.require_admin()
    _put(uow, number, demand or USUAL, is_imposed=demand is not None, by=by)


def _put(uow: UnitOfWork, number: int, demand: Demand, *, is_imposed: bool, by: Principal | None) -> None:
    values = {"demand": demand, "is_imposed": is_imposed}
    fresh = insert(uow.db, second_factor_demands).values(account_number=number, **values)
    uow.db.execute(fresh.on_conflict_do_update(index_elements=[_D.account_number], set_=values))
    audit.record(uow, "second factor demanded", account=number, by=by, demand=demand, imposed=is_imposed)
