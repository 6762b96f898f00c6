"""Handlers of users' second factors (contract §5): everybody's own, and who manages users those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import factors, permissions
from dragoman.core.secrets import Secret
from dragoman.dialects.elements.users import get_account
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.dialects.elements.wire.groups import EnableTOTPRequest, SyncTOTP, SyncTOTPRequest
from dragoman.dialects.elements.wire.users import MANAGE, OfUser
from dragoman.handlers import Call, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.work import Core, UnitOfWork


def enable_user_totp(uow: UnitOfWork, call: Call, ask: EnableTOTPRequest) -> Nothing:
    account = guarded(uow, call, ask.id)
    factors.enable(uow, account, Secret(ask.key), Secret(ask.otp), by=call.caller)
    return Nothing()


def sync_user_totp(core: Core, call: Call, ask: SyncTOTPRequest) -> SyncTOTP:
    with core.begin(call.origin, writes=False) as uow:
        account = guarded(uow, call, ask.id)
    return SyncTOTP(drift=factors.synchronise(core, call.origin, account, Secret(ask.otp), by=call.caller))


def disable_user_totp(uow: UnitOfWork, call: Call, ask: OfUser) -> Nothing:
    factors.disable(uow, guarded(uow, call, ask.id), by=call.caller)
    return Nothing()


def guarded(uow: UnitOfWork, call: Call, number: int) -> Account:
    """The account whose second factor the caller may change. Refuses `PermissionMissing`, `PermissionsExceeded`."""
    if number != call.caller.account.number:
        permissions.require(uow, call.caller, MANAGE)
    account = get_account(uow, number)
    permissions.require_over(uow, call.caller, account)
    return account


BOUND = (
    serve(ElementsApi.enable_user_totp, enable_user_totp),
    serve_hashing(ElementsApi.sync_user_totp, sync_user_totp),
    serve(ElementsApi.disable_user_totp, disable_user_totp),
)
