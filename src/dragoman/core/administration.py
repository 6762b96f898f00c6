"""What an administrator may do to somebody's account that its owner must prove something for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from dragoman.core import accounts, audit
from dragoman.core.database import insert
from dragoman.core.elevation import pins
from dragoman.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from dragoman.core.principals import Principal
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Core, Origin, UnitOfWork


def put_pin(core: Core, origin: Origin, caller: Principal, number: int, pin: Secret | None) -> None:
    """Give an account a PIN, whether or not it has one, or take it away. Elevated sessions stay so.

    Refuses `SessionRequired`, `WhileImpersonating`, `NotFound`.
    """
    put = new_pin(core, caller, pin)
    with core.begin(origin, writes=True) as uow:
        if accounts.find_by_number(uow, number) is None:
            raise NotFound("account")
        put(uow, number)


def new_pin(core: Core, caller: Principal, pin: Secret | None) -> Callable[[UnitOfWork, int], None]:
    """What gives an account this PIN, or takes it away, in the unit that writes the rest of a change.

    It is hashed here, where no unit is under way. Refuses `SessionRequired`.
    """
    caller.require_in_person()
    hashed = None if pin is None else core.tools.hasher.hash(pin.reveal())

    def put(uow: UnitOfWork, number: int) -> None:
        if hashed is None:
            uow.db.execute(delete(pins).where(pins.c.account_number == number))
        else:
            fresh = insert(uow.db, pins).values(
                account_number=number, hash=hashed, version=1, changed_at=uow.now
            )
            changed = {"hash": hashed, "version": pins.c.version + 1, "changed_at": uow.now}
            uow.db.execute(fresh.on_conflict_do_update(index_elements=[pins.c.account_number], set_=changed))
        event = "PIN removed" if hashed is None else "PIN set"
        audit.record(uow, event, account=number, by=caller)

    return put
