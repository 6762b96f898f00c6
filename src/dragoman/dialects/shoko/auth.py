"""Handlers of `/api/auth`: contract §1, §2."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dragoman.core import login, password_change, session_ends, sessions, setup, standing
from dragoman.core.errors import WrongCredentials
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.dialects.shoko.credentials import guid, normal, queried
from dragoman.dialects.shoko.refusals import NothingToDelete, NotRunning, UnknownKey
from dragoman.dialects.shoko.wire import (
    AuthKey,
    AuthUser,
    AuthUserDevice,
    AuthUserDevices,
    KeyToDelete,
    NewPassword,
    ShokoApi,
)
from dragoman.handlers import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork


def api_auth_post(core: Core, call: Call, ask: AuthUser) -> AuthKey:
    """The device's key: the one it has, or a new one (§2.2). Device names are kept in lower case."""
    try:
        return login.log_in_with(
            core,
            call.origin,
            ask.user,
            Secret(ask.pass_),
            Device(ask.device.lower()),
            then=lambda _, signed_in: AuthKey(apikey=signed_in.secret.reveal()),
            opens=partial(standing.open_session, minted=guid),
            may_be_blank=call.settings.blank_passwords,
        )
    except WrongCredentials:
        # Looked at only now: in a running installation every sign-in would pay for it.
        with core.begin(call.origin, writes=False) as uow:
            if not setup.is_done(uow):
                raise NotRunning from None
        raise


def api_auth_delete(uow: UnitOfWork, call: Call, ask: KeyToDelete) -> Nothing:
    """By query whatever it is a success, as in 4.2; by body, as in 5.x, a device of the caller's or a key (§1.2).

    Whoever knows a key may end it, and no other.
    """
    by_query = queried(call.exchange)
    if by_query or "key_or_device" not in ask.model_fields_set:
        for key in by_query[:1]:
            session_ends.end_held(uow, Secret(normal(key)))
        return Nothing()
    named = (ask.key_or_device or "").strip()
    if not named:
        raise NothingToDelete
    caller = call.principal
    if caller is not None and standing.end_device(uow, caller.account.number, named.lower(), via=caller.via):
        return Nothing()
    if not session_ends.end_held(uow, Secret(normal(named))):
        raise UnknownKey
    return Nothing()


def api_auth_change_password_post(core: Core, call: Call, ask: NewPassword) -> Nothing:
    """The old one is not asked for; every key of the account ends, the caller's too (§1.3)."""
    password_change.replace_own_password(
        core,
        call.origin,
        call.caller,
        Secret(ask.new_password),
        may_be_blank=call.settings.blank_passwords,
    )
    return Nothing()


def api_auth_get(uow: UnitOfWork, call: Call, _ask: Nothing) -> AuthUserDevices:
    account = call.caller.account
    owned = sessions.owned(uow, account.number, "shoko")
    return AuthUserDevices(
        [AuthUserDevice(user_id=account.number, username=account.username, device=s.device) for s in owned]
    )


BOUND = (
    serve_hashing(ShokoApi.api_auth_post, api_auth_post),
    serve(ShokoApi.api_auth_delete, api_auth_delete),
    serve_hashing(ShokoApi.api_auth_change_password_post, api_auth_change_password_post),
    serve(ShokoApi.api_auth_get, api_auth_get),
)
