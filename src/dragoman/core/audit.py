"""Who did what, when, from where, through which dialect. Written with the deed, or as its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Index, String, Table, Uuid, func, or_, select

from dragoman.core.columns import WHERE, Bag, Instant, Number, metadata
from dragoman.core.database import AnyRow, AnySelect, insert_on
from dragoman.core.errors import NotFound
from dragoman.core.prepared import Prepared

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Executable
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
    # For those who look for some lines among many (`recent`). Hardly a line has an actor.
    Index(None, "account_number", "at"),
    Index(None, "dialect", "event", "at"),
    *(
        Index(f"ix_audit_log_{name}_at", name, "at", info={WHERE: f"{name} IS NOT NULL"})
        for name in ("actor_number", "acting_as")
    ),
)


@cache
def _line(engine: str) -> Insert:
    return insert_on(engine, audit_log).on_conflict_do_nothing()


_RECORD = Prepared(_line)


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
    _RECORD.write(uow.db, facts)


def _touch(uow: UnitOfWork, *concerned: int | None) -> None:
    acting = uow.origin.acting
    both = () if acting is None else (acting.actor, acting.subject)
    uow.touches(*both, *(number for number in concerned if number is not None))


def _facts(uow: UnitOfWork, event: str, **named: Any) -> dict[str, Any]:
    origin = uow.origin
    named["acting_as"] = None
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

    `account` is whom a line concerns, or who did it, or as whom; `concerning` whom it concerns, whoever did it; one of
    them is given at most.
    `event` is how the event's name begins; `events` are whole names.
    """

    account: int | None = None
    dialect: str | None = None
    event: str | None = None
    since: datetime | None = None
    concerning: int | None = None
    events: Sequence[str] | None = None

    def takes(self, dialect: str, event: str) -> bool:
        """Whether they take lines of an event through a dialect."""
        return (
            self.dialect in (None, dialect)
            and (self.events is None or event in self.events)
            and (self.event is None or event.lower().startswith(self.event.lower()))
        )


ALL = Filters()


def recent(
    uow: UnitOfWork, filters: Filters = ALL, *, before: uuid.UUID | None = None, limit: int = 100
) -> Sequence[AnyRow]:
    """The newest `limit` lines, newest first; with `before`, the newest that are older than the line with this id.

    However many lines there are, no more are looked at than some times the limit. Refuses `NotFound` when the line
    `before` is not on record any more.
    """
    a = audit_log.c
    further = list(_further(uow, filters, before))
    found: set[tuple[datetime, uuid.UUID]] = set()
    for look in _looks(uow, filters):
        newest = select(a.at, a.id).where(*look, *further).order_by(a.at.desc(), a.id.desc()).limit(limit)
        found.update((row.at, row.id) for row in uow.db.execute(newest))
    ids = [line for _, line in sorted(found, reverse=True)[:limit]]
    return uow.db.execute(select(audit_log).where(a.id.in_(ids)).order_by(a.at.desc(), a.id.desc())).all()


def _looks(uow: UnitOfWork, filters: Filters) -> Iterator[Sequence[ColumnElement[bool]]]:
    """What to look for, one thing after the other, each in its index: together these are all lines asked for."""
    a = audit_log.c
    if filters.concerning is not None:
        yield [a.account_number == filters.concerning, *_named(filters)]
    elif filters.account is not None:
        for column in (a.account_number, a.actor_number, a.acting_as):
            yield [column == filters.account, *_named(filters)]
    elif filters.dialect is not None or filters.event is not None or filters.events is not None:
        for dialect, event in uow.db.execute(_KINDS).all():
            if filters.takes(dialect, event):
                yield [a.dialect == dialect, a.event == event]
    else:
        yield []


def _kinds_there_are() -> AnySelect:
    """The dialects and events that there are lines of: from each to the next by a look into their index."""
    a = audit_log.c
    dialects = select(func.min(a.dialect).label("dialect")).cte("dialects", recursive=True)
    d = dialects.c
    after = select(func.min(a.dialect)).where(a.dialect > d.dialect).scalar_subquery()
    d = dialects.union_all(select(after).where(d.dialect.is_not(None))).c
    first = select(func.min(a.event)).where(a.dialect == d.dialect).scalar_subquery()
    kinds = select(d.dialect, first.label("event")).where(d.dialect.is_not(None)).cte("kinds", recursive=True)
    k = kinds.c
    after = select(func.min(a.event)).where(a.dialect == k.dialect, a.event > k.event).scalar_subquery()
    k = kinds.union_all(select(k.dialect, after).where(k.event.is_not(None))).c
    return select(k.dialect, k.event).where(k.event.is_not(None))


_KINDS = _kinds_there_are()


def _named(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """Through what, and of what."""
    a = audit_log.c
    if filters.events is not None:
        yield a.event.in_(filters.events)
    if filters.dialect is not None:
        yield a.dialect == filters.dialect
    if filters.event is not None:
        yield a.event.istartswith(filters.event, autoescape=True)


def _further(uow: UnitOfWork, filters: Filters, before: uuid.UUID | None) -> Iterator[ColumnElement[bool]]:
    """From when on, and before which line."""
    a = audit_log.c
    if filters.since is not None:
        yield a.at >= filters.since
    if before is not None:
        at = uow.db.scalar(select(a.at).where(a.id == before))
        if at is None:
            raise NotFound("line of the audit log")
        yield a.at <= at
        yield or_(a.at < at, a.id < before)


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
