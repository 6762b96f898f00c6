"""Who did what, when, from where, through which dialect. Written with the deed, or as its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Index, String, Table, Uuid, or_, select

from dragoman.core.columns import Bag, Instant, Number, metadata
from dragoman.core.database import AnyRow, insert_on
from dragoman.core.errors import NotFound

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

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


@dataclass(frozen=True)
class Filters:
    """Which lines: those that match all of these; None leaves one out.

    `account` is whom a line concerns, or who did it, or as whom; `concerning` whom it concerns, whoever did it.
    `event` is how the event's name begins; `events` are whole names.
    """

    account: int | None = None
    dialect: str | None = None
    event: str | None = None
    since: datetime | None = None
    concerning: int | None = None
    events: Sequence[str] | None = None


ALL = Filters()


def recent(
    uow: UnitOfWork, filters: Filters = ALL, *, before: uuid.UUID | None = None, limit: int = 100
) -> Sequence[AnyRow]:
    """The newest `limit` lines, newest first; with `before`, the newest that are older than the line with this id.

    Refuses `NotFound` when that line is not on record any more.
    """
    a = audit_log.c
    query = select(audit_log).order_by(a.at.desc(), a.id.desc()).limit(limit)
    if filters.account is not None:
        number = filters.account
        query = query.where(or_(a.account_number == number, a.actor_number == number, a.acting_as == number))
    if filters.concerning is not None:
        query = query.where(a.account_number == filters.concerning)
    if filters.events is not None:
        query = query.where(a.event.in_(filters.events))
    if filters.dialect is not None:
        query = query.where(a.dialect == filters.dialect)
    if filters.event is not None:
        query = query.where(a.event.startswith(filters.event, autoescape=True))
    if filters.since is not None:
        query = query.where(a.at >= filters.since)
    if before is not None:
        at = uow.db.scalar(select(a.at).where(a.id == before))
        if at is None:
            raise NotFound("line of the audit log")
        query = query.where(a.at <= at, or_(a.at < at, a.id < before))
    return uow.db.execute(query).all()


def told(line: AnyRow) -> dict[str, Any]:
    """A line for programs: plain values by their names, instants in ISO 8601."""
    return {
        "id": str(line.id),
        "at": line.at.isoformat(),
        "event": line.event,
        "account": line.account_number,
        "actor": line.actor_number,
        "acting_as": line.acting_as,
        "via": line.via,
        "dialect": line.dialect,
        "address": line.address,
        "agent": line.agent,
        "request_id": line.request_id,
        "detail": line.detail or {},
    }
