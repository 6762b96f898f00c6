"""What credentials are good for, read in one statement: for gateways, which ask before each request.

This is `principals.identify` without what only an operation needs: no elevation is moved, nothing is written.
Who acts as somebody else, which is seldom, takes further statements (core/impersonation.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import ARRAY, String, and_, any_, bindparam, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from dragoman.core import accounts, api_keys, impersonation, keys, sessions
from dragoman.core.access_tokens import access_tokens as links
from dragoman.core.columns import Instant
from dragoman.core.errors import (
    ApiKeyOwnerGone,
    ApiKeyRefused,
    CredentialRefused,
    SessionRefused,
    SharedLinkRefused,
)
from dragoman.core.impersonation import Impersonation, impersonations
from dragoman.core.last_seen import Sighting
from dragoman.core.permissions import account_groups, group_members
from dragoman.core.prepared import Prepared
from dragoman.core.principals import Named, Presented
from dragoman.core.secrets import digest

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement
    from sqlalchemy.sql.compiler import SQLCompiler

    from dragoman.core.database import AnySelect
    from dragoman.core.work import UnitOfWork

Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Holder:
    """Whose a credential is, as far as others are told. `groups` are names, in order."""

    number: int
    id: uuid.UUID
    username: str
    email: str | None
    is_admin: bool
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Pass:
    """A credential that is good until `ends_at`, and whose it is; `actor` is who acts as the holder, if anybody.

    `limits` None: it may do all that its holder may; else no more than these names say.
    """

    holder: Holder
    ends_at: datetime | None
    actor: Holder | None = None
    limits: Collection[str] | None = None


class lines(FunctionElement[str]):  # noqa: N801 - named as functions of SQL are
    """An aggregate: texts, a line each. `aggregate_strings` has its separator written into the text at each run."""

    inherit_cache = True
    type = String()


@compiles(lines)
def _lines(element: lines, compiler: SQLCompiler, **named: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **named)}, chr(10))"


@compiles(lines, "sqlite")
def _lines_on_sqlite(element: lines, compiler: SQLCompiler, **named: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **named)}, char(10))"


_S, _K, _A = sessions.sessions.c, api_keys.api_keys.c, accounts.accounts.c
_GROUPS = (
    select(lines(account_groups.c.name))
    .join(group_members, group_members.c.group_number == account_groups.c.number)
    .where(group_members.c.account_number == _A.number)
    .scalar_subquery()
)
_HOLDER = (_A.number, _A.id, _A.username, _A.email, _A.is_admin, _GROUPS)
_IS_ACTIVE = and_(_A.disabled_at.is_(None), _A.deleted_at.is_(None))
_SESSION = (
    *(_IS_ACTIVE, _S.id, _S.seen_at, _S.idle_until, _S.expires_at, _S.access_token_id, links.c.permissions),
    *impersonation.COLUMNS,
)
_SESSION_WIDTH = len(_SESSION)
_KEY = (_IS_ACTIVE, _K.id, _K.used_at, _K.expires_at, _K.permissions)
_KEY_WIDTH = len(_KEY)
_NOW = bindparam("now", type_=Instant)


def _by_session(column: Column[Any], *, many: bool) -> AnySelect:
    """A live session of a dialect, and whose it is; as whom it acts; what the link that opened it allows."""
    return (
        _found_by(column, many=many, facts=_SESSION)
        .join(accounts.accounts, _A.number == _S.account_number)
        .outerjoin(impersonations, impersonations.c.session_id == _S.id)
        .outerjoin(links, links.c.id == _S.access_token_id)
        .where(_S.dialect == bindparam("dialect"), sessions.LIVES_NOW)
    )


def _by_key(*, many: bool) -> AnySelect:
    """A key of a dialect that has not expired, and whose it is."""
    return (
        _found_by(_K.digest, many=many, facts=_KEY)
        .join(accounts.accounts, _A.number == _K.account_number)
        .where(_K.dialect == bindparam("dialect"))
        .where(or_(_K.expires_at.is_(None), _K.expires_at > _NOW))
    )


def _found_by(column: Column[Any], *, many: bool, facts: Sequence[ColumnElement[Any]]) -> AnySelect:
    """These facts and the holder's, by what is `wanted`; of many, each row begins with what it was found by."""
    if not many:
        return select(*facts, *_HOLDER).where(column == bindparam("wanted"))
    wanted = bindparam("wanted", type_=ARRAY(column.type))
    return select(column, *facts, *_HOLDER).where(column == any_(wanted))


_ONE = {
    "session": Prepared(_by_session(_S.digest, many=False)),
    "named": Prepared(_by_session(_S.id, many=False)),
    "api_key": Prepared(_by_key(many=False)),
}
# On PostgreSQL alone, and so not made before.
_MANY = {
    "session": Prepared(lambda _: _by_session(_S.digest, many=True)),
    "named": Prepared(lambda _: _by_session(_S.id, many=True)),
    "api_key": Prepared(lambda _: _by_key(many=True)),
}
BY_NUMBER = Prepared(select(*_HOLDER).where(_A.number == bindparam("number")))


def look_up(uow: UnitOfWork, shown: Sequence[Presented | Named]) -> list[Pass | CredentialRefused]:
    """What credentials of the unit's dialect are good for, each or why it is refused; that they were seen is noted.

    Of several that one request presents the first alone.
    """
    return [_judged(uow, each, row) for each, row in zip(shown, _rows(uow, shown), strict=True)]


def _judged(uow: UnitOfWork, shown: Presented | Named, row: Row | None) -> Pass | CredentialRefused:
    try:
        if isinstance(shown, Named):
            return _in_session(uow, row, shown.expires_at, keys.believed_until(uow))
        if shown.kind == "session":
            return _in_session(uow, row)
        if shown.kind == "api_key":
            return _by_api_key(uow, row)
        raise SharedLinkRefused  # nobody can share anything yet
    except CredentialRefused as refusal:
        return refusal


def _rows(uow: UnitOfWork, shown: Sequence[Presented | Named]) -> list[Row | None]:
    """What is stored of credentials. Of one kind with one statement, where another machine is asked."""
    if uow.db.dialect.name == "sqlite" or len(shown) == 1:
        return [_row(uow, each) for each in shown]
    found: dict[tuple[str, object], Row] = {}
    for kind, query in _MANY.items():
        wanted = [known_by for each in shown for known_by in [_known_by(each)] if known_by[0] == kind]
        facts = {"wanted": [value for _, value in wanted], "dialect": uow.origin.dialect, "now": uow.now}
        rows = query.rows(uow.db, facts) if wanted else []
        found |= {(kind, row[0]): row[1:] for row in rows}
    return [found.get(_known_by(each)) for each in shown]


def _row(uow: UnitOfWork, shown: Presented | Named) -> Row | None:
    kind, value = _known_by(shown)
    query = _ONE.get(kind)
    facts = {"wanted": value, "dialect": uow.origin.dialect, "now": uow.now}
    return None if query is None else query.find(uow.db, facts)


def _known_by(shown: Presented | Named) -> tuple[str, object]:
    """The kind of a credential, and by what it is found."""
    return ("named", shown.session_id) if isinstance(shown, Named) else (shown.kind, digest(shown.secret))


def _in_session(uow: UnitOfWork, row: Row | None, *until: datetime) -> Pass:
    """The pass of a session that was found, whose token ends at these instants besides."""
    if row is None:
        raise SessionRefused
    is_active, session, seen_at, idle_until, expires_at, link, allowed, *acting = row[:_SESSION_WIDTH]
    if not is_active:
        raise SessionRefused
    holder, actor = _holder(row[_SESSION_WIDTH:]), None
    ends = [idle_until, *until] if expires_at is None else [idle_until, expires_at, *until]
    limits = None if link is None else [name for name, is_given in allowed.items() if is_given]
    if acting[0] is not None:
        running = Impersonation(*acting)
        holder, actor = _subject(uow, holder, running), holder
        ends.append(running.ends_at)
    lifetime = uow.rules.lifetime(uow.origin.dialect)
    if uow.now - seen_at >= lifetime.seen_every:
        uow.seen.note("session", session, Sighting(uow.now, lifetime.idle_until(uow.now)))
    return Pass(holder, min(ends), actor, limits)


def _subject(uow: UnitOfWork, actor: Holder, running: Impersonation) -> Holder:
    """As whom somebody acts. Refuses `SessionRefused` when that is over."""
    owner = accounts.find_by_number(uow, actor.number)
    row = BY_NUMBER.find(uow.db, {"number": running.subject_number})
    if owner is None or row is None:
        raise SessionRefused
    impersonation.subject_of(uow, owner, running)
    return _holder(row)


def _by_api_key(uow: UnitOfWork, row: Row | None) -> Pass:
    if row is None:
        raise ApiKeyRefused
    is_active, key, used_at, expires_at, allowed = row[:_KEY_WIDTH]
    if not is_active:
        raise ApiKeyOwnerGone
    if used_at is None or uow.now - used_at >= api_keys.USED_EVERY:
        uow.seen.note("api_key", key, Sighting(uow.now))
    return Pass(_holder(row[_KEY_WIDTH:]), expires_at, limits=None if api_keys.ALL in allowed else allowed)


def _holder(facts: Row) -> Holder:
    number, account_id, username, email, is_admin, groups = facts
    # Names have no line breaks in them (core/names.py).
    names = tuple(sorted(groups.split("\n"))) if groups else ()
    return Holder(number, account_id, username, email, is_admin, names)
