"""Who did what, when, from where, through which dialect. Written with the deed, or as its evidence."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Index, String, Table, Uuid, or_, select

from dragoman.core.columns import Bag, Instant, Number, metadata
from dragoman.core.database import AnyRow, insert_on

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Executable
    from sqlalchemy.dialects.postgresql import Insert

    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Uuid, primary_key=True),  # version 7: sorts by instant, and makes a second writing a no-op
    Column("at", Instant, nullable=False),
    Column("event", String(64), nullable=False),
    # No foreign key: what somebody did is on record longer than they are.
    Column("account_number", Number),
    Column("actor_number", Number),
    Column("acting_as", Number),
    Column("via", String(64), nullable=False, server_default=""),
    Column("dialect", String(32), nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(256), nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("detail", Bag),
    Index(None, "at"),
    Index(None, "account_number", "at"),
)


@cache
def _line(engine: str) -> Insert:
    return insert_on(engine, audit_log).on_conflict_do_nothing()


def line(
    uow: UnitOfWork,
    event: str,
    *,
    account: int | None = None,
    actor: int | None = None,
    via: str = "",
    **detail: Any,
) -> Executable:
    """The statement that records `event` (such as "sign-in refused"). Idempotent by its id.

    `account` is whom it concerns, `actor` who acted if that was somebody else, and `acting_as` as whom if that was
    not themselves (core/impersonation.py), which is the unit's to know. `via` is what they held up
    ("session <id>", "key <id>", "cli"). `detail` holds plain facts, and never a secret.
    """
    _touch(uow, account, actor)
    facts = _facts(uow, event, account_number=account, actor_number=actor, via=via, detail=detail or None)
    return _line(uow.db.dialect.name).values(**facts)


def record(
    uow: UnitOfWork,
    event: str,
    *,
    account: int | None = None,
    by: Principal | None = None,
    via: str = "",
    **detail: Any,
) -> None:
    """Record what this unit does, and which caller did it; it is kept if the unit commits."""
    actor = None
    _touch(uow, account, None if by is None else by.account.number)
    if by is not None:
        actor, via = (None if by.account.number == account else by.account.number), by.via
    facts = _facts(uow, event, account_number=account, actor_number=actor, via=via, detail=detail or None)
    uow.db.execute(_line(uow.db.dialect.name), facts)


def _touch(uow: UnitOfWork, *concerned: int | None) -> None:
    acting = uow.origin.acting
    both = () if acting is None else (acting.actor, acting.subject)
    uow.touches(*both, *(number for number in concerned if number is not None))


def _facts(uow: UnitOfWork, event: str, **named: Any) -> dict[str, Any]:
    origin = uow.origin
    if origin.acting is not None:
        named |= {"actor_number": origin.acting.actor, "acting_as": origin.acting.subject}
    return {
        "id": uow.new_ordered_id(),
        "at": uow.now,
        "event": event,
        "dialect": origin.dialect,
        "address": origin.address[:64],
        "agent": origin.agent[:256],
        "request_id": origin.request_id[:128],
        **named,
    }


def recent(
    uow: UnitOfWork,
    *,
    account: int | None = None,
    dialect: str | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> Sequence[AnyRow]:
    """The newest `limit` lines, newest first: those that concern an account, or that were done by it or as it; or all."""
    a = audit_log.c
    query = select(audit_log).order_by(a.at.desc(), a.id.desc()).limit(limit)
    if account is not None:
        theirs = (a.account_number == account, a.actor_number == account, a.acting_as == account)
        query = query.where(or_(*theirs))
    if dialect is not None:
        query = query.where(a.dialect == dialect)
    if since is not None:
        query = query.where(a.at >= since)
    return uow.db.execute(query).all()
