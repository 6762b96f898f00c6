"""Removes what has expired, in bounded batches, and writes what was seen.

Each batch is a unit of its own, so that nobody waits for the broom.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Table, bindparam, delete, or_, select, update

from dragoman.core import api_keys, epochs, outbox, rollups, sessions
from dragoman.core.access_tokens import access_tokens
from dragoman.core.approvals import approvals
from dragoman.core.audit import audit_log
from dragoman.core.columns import Instant
from dragoman.core.devices import REMEMBERED, known_devices
from dragoman.core.invitations import KEPT as INVITATIONS_KEPT
from dragoman.core.invitations import invitations
from dragoman.core.keys import signing_keys
from dragoman.core.passkeys import spent_challenges
from dragoman.core.refresh import refresh_tokens
from dragoman.core.resets import password_resets
from dragoman.core.sessions import Device
from dragoman.core.tally import Figure
from dragoman.core.throttle import throttles
from dragoman.core.tickets import tickets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from dragoman.core.epochs import Ended
    from dragoman.core.work import Core, Origin, UnitOfWork

EXPIRED_KEYS_KEPT = timedelta(days=30)  # so that their owner sees why a program stopped
EXPIRED_LINKS_KEPT = timedelta(days=30)  # so that their owner sees who came
# Sessions in one unit: each is in six indexes, and a thousand at once keep other writers for 0.2 s.
MOST_ENDED = 250

SWEPT = Figure("swept_rows", "counter", "Rows that were removed since they had expired", ("table",))

_S = sessions.sessions.c
_SEEN = {"seen_at": bindparam("at", type_=Instant), "idle_until": bindparam("idle", type_=Instant)}
_SAID = {name: bindparam(f"said_{name}", type_=_S[name].type) for name in Device().stored}
_THIS = update(sessions.sessions).where(_S.id == bindparam("credential"))
SEEN = _THIS.where(_S.seen_at < bindparam("at", type_=Instant)).values(**_SEEN)
# At the same instant, too: what else was written then did not say what the device is.
SEEN_ON = _THIS.where(_S.seen_at <= bindparam("at", type_=Instant)).values(**_SEEN, **_SAID)


def sweep(core: Core, origin: Origin, *, batch: int = 1000, most_batches: int = 100) -> Mapping[str, int]:
    """Remove what has expired, at most `batch` rows at a time; how many of each table."""
    swept: dict[str, int] = {}
    for table, is_over in _expired(core, core.tools.clock()):
        swept[table.name] = 0
        for _ in range(most_batches):
            found, removed = _sweep_batch(core, origin, table, is_over, batch)
            swept[table.name] += removed
            if found < batch:
                break
    swept[sessions.sessions.name] += _sweep_ended(core, origin, batch, most_batches)
    for name, rows in swept.items():
        core.tally.count(SWEPT, name, by=rows)
    return swept


def _sweep_ended(core: Core, origin: Origin, batch: int, most_batches: int) -> int:
    """Remove sessions of epochs past; how many, those not counted that went with their parents."""
    removed, at_once = 0, min(batch, MOST_ENDED)
    for _ in range(batch * most_batches // at_once):
        with core.begin(origin, writes=True) as uow:
            ended = epochs.unswept(uow, limit=1)
            if not ended:
                break
            removed += _sweep_epochs(uow, ended[0], at_once)
    return removed


def _sweep_epochs(uow: UnitOfWork, ended: Ended, batch: int) -> int:
    s = sessions.sessions.c
    past = (s.account_number == ended.account_number, s.dialect == ended.dialect, s.epoch < ended.epoch)
    rows = uow.db.scalars(select(s.id).where(*past).limit(batch)).all()
    if len(rows) < batch:
        epochs.is_swept(uow, ended)
    return uow.db.execute(delete(sessions.sessions).where(s.id.in_(rows))).rowcount


def _expired(core: Core, now: datetime) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    s, k = sessions.sessions.c, api_keys.api_keys.c
    yield sessions.sessions, or_(s.idle_until <= now, s.expires_at <= now)
    yield api_keys.api_keys, k.expires_at <= now - EXPIRED_KEYS_KEPT
    yield throttles, throttles.c.forget_at <= now
    yield known_devices, known_devices.c.seen_at <= now - REMEMBERED
    yield refresh_tokens, refresh_tokens.c.grace_until <= now
    yield tickets, tickets.c.expires_at <= now
    yield access_tokens, access_tokens.c.expires_at <= now - EXPIRED_LINKS_KEPT
    yield signing_keys, signing_keys.c.gone_at <= now
    yield outbox.outbox, outbox.is_forgotten(now)
    yield invitations, invitations.c.expires_at <= now - INVITATIONS_KEPT
    yield password_resets, password_resets.c.expires_at <= now
    yield spent_challenges, spent_challenges.c.forget_at <= now
    yield approvals, approvals.c.until <= now
    yield rollups.hourly_counts, rollups.is_forgotten(now)
    yield audit_log, audit_log.c.at <= now - core.rules.audit_retention


def _sweep_batch(
    core: Core, origin: Origin, table: Table, is_over: ColumnElement[bool], batch: int
) -> tuple[int, int]:
    """One unit of work: how many rows were found to be over, and how many of them were removed."""
    key = list(table.primary_key.columns)
    removed = 0
    with core.begin(origin, writes=True) as uow:
        rows = uow.db.execute(select(*key).where(is_over).limit(batch)).all()
        for row in rows:
            # The condition again: a row may have been seen, and so be alive, since it was chosen.
            mine = [column == value for column, value in zip(key, row, strict=True)]
            removed += uow.db.execute(delete(table).where(*mine, is_over)).rowcount
    return len(rows), removed


def write_last_seen(core: Core, origin: Origin) -> int:
    """Write what was seen since the last time; how many credentials. Nothing is lost if it cannot."""
    taken = core.seen.take()
    if not taken:
        return 0
    # Always in the same order, so that two nodes that saw the same sessions do not lock each other out.
    in_order = sorted(taken.items(), key=lambda item: item[0][1])
    seen, seen_on, used = [], [], []
    for (kind, credential), sighting in in_order:
        facts = {"credential": credential, "at": sighting.at}
        if kind == "api_key":
            used.append(facts)
        elif sighting.device is None:
            seen.append({**facts, "idle": sighting.idle_until})
        else:
            said = {f"said_{name}": value for name, value in sighting.device.stored.items()}
            seen_on.append({**facts, "idle": sighting.idle_until, **said})
    try:
        with core.begin(origin, writes=True) as uow:
            if seen:
                uow.db.execute(SEEN, seen)
            if seen_on:
                uow.db.execute(SEEN_ON, seen_on)
            if used:
                uow.db.execute(api_keys.USED, used)
    except BaseException:
        core.seen.put_back(taken)
        raise
    return len(taken)
