"""Handlers of `/sessions` (contract §2.7, §4.1)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dragoman.core import session_ends, sessions
from dragoman.core.principals import Principal
from dragoman.core.sessions import Device, Session
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.dialects.immich.wire.sessions import (
    OfSession,
    SessionCreateDto,
    SessionCreateResponseDto,
    SessionResponseDto,
    SessionResponses,
    SessionUpdateDto,
)
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.work import UnitOfWork

SYNC_RESET = "isPendingSyncReset"


def shown(session: Session, caller: Principal) -> dict[str, Any]:
    """What Immich tells of a session."""
    return {
        "id": str(session.id),
        "created_at": session.created_at,
        "updated_at": session.seen_at,
        "expires_at": session.expires_at,
        "current": caller.session is not None and caller.session.id == session.id,
        "app_version": session.app_version,
        "device_os": session.os,
        "device_type": session.device,
        "is_pending_sync_reset": bool(session.attributes.get(SYNC_RESET, False)),
    }


def get_sessions(uow: UnitOfWork, call: Call, _ask: Nothing) -> SessionResponses:
    return listed(uow, call, call.caller.account)


def listed(uow: UnitOfWork, call: Call, account: Account) -> SessionResponses:
    """An account's, the newest `updatedAt` first; the caller's own as this very request has left it."""
    own = call.caller.session
    found = sessions.owned(uow, account.number, uow.origin.dialect)
    current = [own if own is not None and own.id == session.id else session for session in found]
    current.sort(key=lambda session: session.seen_at, reverse=True)
    return SessionResponses([SessionResponseDto(**shown(session, call.caller)) for session in current])


def create_session(uow: UnitOfWork, call: Call, ask: SessionCreateDto) -> SessionCreateResponseDto:
    """A child of the caller's session: it dies with that, and may end before."""
    parent = call.caller.require_session()
    device = Device(ask.device_type or "", ask.device_os or "")
    duration = None if ask.duration is None else timedelta(seconds=ask.duration)
    session, secret = sessions.open_session(
        uow, call.caller.account.number, device, parent=parent, duration=duration
    )
    return SessionCreateResponseDto(**shown(session, call.caller), token=secret.reveal())


def update_session(uow: UnitOfWork, call: Call, ask: SessionUpdateDto) -> SessionResponseDto:
    mine = (call.caller.account.number, uow.origin.dialect, uuid.UUID(ask.id))
    if ask.is_pending_sync_reset is None:
        session = sessions.get_owned(uow, *mine)
    else:
        session = sessions.set_attributes(uow, *mine, {SYNC_RESET: ask.is_pending_sync_reset})
    return SessionResponseDto(**shown(session, call.caller))


def delete_session(uow: UnitOfWork, call: Call, ask: OfSession) -> Nothing:
    caller = call.caller
    session_ends.end_one(uow, caller.account.number, uow.origin.dialect, uuid.UUID(ask.id), via=caller.via)
    return Nothing()


def delete_all_sessions(uow: UnitOfWork, call: Call, _ask: Nothing) -> Nothing:
    """All but the caller's own; a caller with a key has none, so that all end."""
    caller = call.caller
    session_ends.end_all(uow, caller.account.number, but=caller.session, dialects=[uow.origin.dialect])
    return Nothing()


def lock_session(uow: UnitOfWork, call: Call, ask: OfSession) -> Nothing:
    caller = call.caller
    sessions.lock_one(uow, caller.account.number, uow.origin.dialect, uuid.UUID(ask.id), via=caller.via)
    return Nothing()


BOUND = (
    serve(ImmichApi.create_session, create_session),
    serve(ImmichApi.get_sessions, get_sessions),
    serve(ImmichApi.delete_all_sessions, delete_all_sessions),
    serve(ImmichApi.update_session, update_session),
    serve(ImmichApi.delete_session, delete_session),
    serve(ImmichApi.lock_session, lock_session),
)
