"""App passwords: made here, shown once, each good for one app on one device in place of password and code.

136 bits each, so a digest is all that has to be kept of one. The first device that signs in by it is the only one that
does from then on. A device is known by what it says of itself, without the versions in that: so an app that was
updated is the same, and a phone in another network too. All of it is hearsay, and so no protection from a thief who
imitates the device; it keeps what was typed into one app from being used in others.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Uuid,
    delete,
    func,
    or_,
    select,
    update,
)

from dragoman.core import accounts, audit
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import NotFound, TooMany, WrongCredentials
from dragoman.core.names import checked
from dragoman.core.secrets import Secret, digest
from dragoman.core.sessions import sessions

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from dragoman.core.principals import Principal
    from dragoman.core.sessions import Device, Session
    from dragoman.core.work import UnitOfWork

app_passwords = Table(
    "app_passwords",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column(
        "account_number", Number, ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"), nullable=False
    ),
    Column("dialect", String(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("device", String(32)),  # whose it is since its first use
    Column("agent", String(256)),  # what that called itself
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "account_number", "created_at"),
)
# Which sessions were opened by which: they end with it.
app_password_sessions = Table(
    "app_password_sessions",
    metadata,
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "app_password_id",
        Uuid,
        ForeignKey("app_passwords.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)

MOST = 50  # of an account
LONGEST_NAME = 64
BYTES = 17
WRITTEN = re.compile(r"[a-z2-7]{28}")
LONGEST = 200  # characters that are looked at
VERSION = re.compile(
    r"(?<=[/_])v?[0-9][\w.+-]*"  # Immich_Android_1.134.0, okhttp/4
    r"|(?<=Android )[0-9][\w.]*|(?<=iOS )[0-9][\w.]*"
    r"|\bv?[0-9]+(?:[._][0-9]+)+[\w.+-]*"  # 10_15_7, but not the 7 of a Pixel 7
)


@dataclass(frozen=True)
class AppPassword:
    """An app password as it was read. `agent` is what its device called itself; None: it was not used yet."""

    id: uuid.UUID
    account_number: int
    dialect: str
    name: str
    agent: str | None
    created_at: datetime
    used_at: datetime | None


_COLUMNS = [app_passwords.c[name] for name in AppPassword.__dataclass_fields__]


def make(uow: UnitOfWork, dialect: str, name: str, *, by: Principal) -> Secret:
    """A new one of the caller's account for an app that speaks a dialect, shown now and never again.

    Refuses `SessionRequired`, `WhileImpersonating`, `NotFound` (no such dialect), `NameRefused`, `TooMany`.
    """
    by.require_in_person()
    by.require_maker(uow)
    number = by.account.number
    if dialect not in uow.rules.products:
        raise NotFound("product")
    accounts.lock(uow, number)  # so that each is counted
    mine = app_passwords.c.account_number == number
    if (uow.db.scalar(select(func.count()).select_from(app_passwords).where(mine)) or 0) >= MOST:
        raise TooMany("app password", MOST)
    secret, made = _written(uow.tools.dice(BYTES)), uow.new_id()
    row = {"id": made, "account_number": number, "dialect": dialect, "created_at": uow.now}
    uow.db.execute(
        app_passwords.insert().values(
            **row, name=checked("name", name)[:LONGEST_NAME], digest=digest(_meant(secret))
        )
    )
    audit.record(uow, "app password made", account=number, by=by, app_password=str(made), of=dialect)
    return secret


def of_account(uow: UnitOfWork, number: int) -> Sequence[AppPassword]:
    """All of an account, the newest first."""
    mine = select(*_COLUMNS).where(app_passwords.c.account_number == number)
    newest = mine.order_by(app_passwords.c.created_at.desc(), app_passwords.c.id)
    return [AppPassword(*row) for row in uow.db.execute(newest)]


def end(
    uow: UnitOfWork, app_password_id: uuid.UUID, *, by: Principal, owner: int | None = None
) -> AppPassword:
    """End one of the caller's account, with the sessions that it opened; what it was. Refuses as `make` does.

    An administrator ends one of an `owner`. Refuses `AdminOnly` to others.
    """
    by.require_in_person()
    number = by.account.number
    if owner is not None:
        by.require_admin()
        number = owner
    mine = (app_passwords.c.id == app_password_id, app_passwords.c.account_number == number)
    opened = select(app_password_sessions.c.session_id).join(app_passwords).where(*mine)
    uow.db.execute(delete(sessions).where(sessions.c.id.in_(opened)))
    row = uow.db.execute(delete(app_passwords).where(*mine).returning(*_COLUMNS)).one_or_none()
    if row is None:
        raise NotFound("app password")
    audit.record(uow, "app password ended", account=number, by=by, app_password=str(app_password_id))
    return AppPassword(*row)


def end_all(uow: UnitOfWork, number: int) -> None:
    """End every one of an account. Its sessions are the caller's to end."""
    gone = uow.db.execute(delete(app_passwords).where(app_passwords.c.account_number == number)).rowcount
    if gone:
        audit.record(uow, "app passwords ended", account=number, count=gone)


def looks_like_one(typed: Secret) -> bool:
    """Whether it is worth looking for, which most passwords are not."""
    return WRITTEN.fullmatch(_meant(typed).reveal()) is not None


def find(uow: UnitOfWork, number: int, typed: Secret, device: Device) -> uuid.UUID | None:
    """The id of an account's own that this is, if it is for the unit's dialect, and this device's or nobody's yet."""
    a = app_passwords.c
    mine = (a.account_number == number, a.dialect == uow.origin.dialect, a.digest == digest(_meant(typed)))
    found: uuid.UUID | None = uow.db.scalar(select(a.id).where(*mine, _is_free_for(_mark(uow, device))))
    return found


def use(uow: UnitOfWork, number: int, app_password_id: uuid.UUID, device: Device) -> None:
    """It is this device's from now on. Refuses `WrongCredentials` if it was ended, or another was faster."""
    mark, a = _mark(uow, device), app_passwords.c
    mine = (a.id == app_password_id, a.account_number == number, _is_free_for(mark))
    used = update(app_passwords).where(*mine)
    said = (device.name or uow.origin.agent)[:256]
    if uow.db.execute(used.values(device=mark, agent=said, used_at=uow.now)).rowcount == 0:
        raise WrongCredentials


def has_opened(uow: UnitOfWork, app_password_id: uuid.UUID, session: Session) -> None:
    """A session was opened by it, or the secret of one that stands was shown to whoever used it."""
    row = {"session_id": session.id, "app_password_id": app_password_id}
    uow.db.execute(insert(uow.db, app_password_sessions).values(**row).on_conflict_do_nothing())


def has_let_in(uow: UnitOfWork, session: Session) -> bool:
    """Whether one of them opened a session, or one of those that it descends from."""
    s, opened = sessions.c, app_password_sessions.c.session_id
    line = select(s.id, s.parent_id).where(s.id == session.id).cte("line", recursive=True)
    line = line.union_all(select(s.id, s.parent_id).join(line, s.id == line.c.parent_id))
    return uow.db.scalar(select(opened).where(opened.in_(select(line.c.id))).limit(1)) is not None


def _is_free_for(mark: str) -> ColumnElement[bool]:
    return or_(app_passwords.c.device.is_(None), app_passwords.c.device == mark)


def _mark(uow: UnitOfWork, device: Device) -> str:
    """What a device is known by here: 128 bits of the digest of what it says of itself, without versions."""
    said = "\n".join(VERSION.sub("", each) for each in (device.name, device.os, uow.origin.agent))
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]


def _written(raw: bytes) -> Secret:
    """Seven groups of four letters and digits (RFC 4648 §6)."""
    text = base64.b32encode(raw).decode().rstrip("=").lower()
    return Secret("-".join(text[at : at + 4] for at in range(0, len(text), 4)))


def _meant(typed: Secret) -> Secret:
    """What was meant, however it was typed."""
    return Secret(re.sub(r"[\s-]", "", typed.reveal()[:LONGEST]).lower())
