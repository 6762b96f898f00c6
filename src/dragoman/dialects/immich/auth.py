"""Handlers of `/auth`: the eleven operations of the page (contract §1, §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import elevation, login, password_change, session_ends, setup
from dragoman.core.accounts import NewAccount
from dragoman.core.secrets import Secret
from dragoman.dialects.immich.credentials import CLEARED, cookies, device_of, secret
from dragoman.dialects.immich.users import is_onboarded, user_admin
from dragoman.dialects.immich.wire import (
    AuthStatusResponseDto,
    ChangePasswordDto,
    ImmichApi,
    LoginCredentialDto,
    LoginResponseDto,
    LogoutResponseDto,
    PinCodeChangeDto,
    PinCodeResetDto,
    PinCodeSetupDto,
    SessionUnlockDto,
    SignUpDto,
    UserAdminResponseDto,
    ValidateAccessTokenResponseDto,
)
from dragoman.handlers import Call, Reply, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork


def log_in(core: Core, call: Call, ask: LoginCredentialDto) -> Reply[LoginResponseDto]:
    signed_in = login.log_in(core, call.origin, ask.email, Secret(ask.password), device_of(call.exchange))
    account = signed_in.account
    answer = LoginResponseDto(
        access_token=signed_in.secret.reveal(),
        user_id=str(account.id),
        user_email=account.address,
        name=account.display_name,
        is_admin=account.is_admin,
        profile_image_path="",
        should_change_password=account.must_change_password,
        is_onboarded=is_onboarded(account),
    )
    return Reply(answer, cookies(call.exchange, signed_in.secret, signed_in.session.created_at))


def sign_up_admin(core: Core, call: Call, ask: SignUpDto) -> UserAdminResponseDto:
    new = NewAccount(
        email=ask.email,
        display_name=ask.name,
        is_admin=True,
        must_change_password=True,
        attributes={"immich": {"storageLabel": "admin"}},
    )
    open_to_caller = call.exchange.setup_open
    return user_admin(
        setup.create_first_admin(core, call.origin, new, Secret(ask.password), open_to_caller=open_to_caller)
    )


def validate_access_token(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> ValidateAccessTokenResponseDto:
    return ValidateAccessTokenResponseDto(auth_status=True)


def change_password(core: Core, call: Call, ask: ChangePasswordDto) -> UserAdminResponseDto:
    """What `invalidateSessions` is documented to do, not what some releases do (contract §2.1); §1.4 for the rest."""
    old, new = Secret(ask.password), Secret(ask.new_password)
    sign_out = bool(ask.invalidate_sessions)
    return user_admin(
        password_change.change_password(
            core, call.origin, call.caller, old, new, sign_out_others=sign_out, stays_due=True
        )
    )


def logout(uow: UnitOfWork, call: Call, _ask: Nothing) -> Reply[LogoutResponseDto]:
    if call.caller.session is not None:
        session_ends.end(uow, call.caller.session)
    return Reply(LogoutResponseDto(successful=True, redirect_uri="/auth/login?autoLaunch=0"), CLEARED)


def get_auth_status(uow: UnitOfWork, call: Call, _ask: Nothing) -> AuthStatusResponseDto:
    account, session = call.caller.account, call.caller.session
    until = session.elevated_until if session else None
    return AuthStatusResponseDto(
        pin_code=elevation.has_pin(uow, account.number),
        password=account.has_password,
        is_elevated=until is not None and until > uow.now,
        expires_at=session.expires_at if session else None,
        pin_expires_at=until,
    )


def setup_pin_code(core: Core, call: Call, ask: PinCodeSetupDto) -> Nothing:
    elevation.set_pin(core, call.origin, call.caller, Secret(ask.pin_code))
    return Nothing()


def change_pin_code(core: Core, call: Call, ask: PinCodeChangeDto) -> Nothing:
    password, pin = secret(ask.password), secret(ask.pin_code)
    elevation.change_pin(core, call.origin, call.caller, Secret(ask.new_pin_code), password=password, pin=pin)
    return Nothing()


def reset_pin_code(core: Core, call: Call, ask: PinCodeResetDto) -> Nothing:
    elevation.reset_pin(
        core, call.origin, call.caller, password=secret(ask.password), pin=secret(ask.pin_code)
    )
    return Nothing()


def unlock_auth_session(core: Core, call: Call, ask: SessionUnlockDto) -> Nothing:
    elevation.unlock(core, call.origin, call.caller, secret(ask.pin_code))
    return Nothing()


def lock_auth_session(uow: UnitOfWork, call: Call, _ask: Nothing) -> Nothing:
    elevation.lock(uow, call.caller)
    return Nothing()


BOUND = (
    serve_hashing(ImmichApi.login, log_in),
    serve_hashing(ImmichApi.sign_up_admin, sign_up_admin),
    serve(ImmichApi.validate_access_token, validate_access_token),
    serve_hashing(ImmichApi.change_password, change_password),
    serve(ImmichApi.logout, logout),
    serve(ImmichApi.get_auth_status, get_auth_status),
    serve_hashing(ImmichApi.setup_pin_code, setup_pin_code),
    serve_hashing(ImmichApi.change_pin_code, change_pin_code),
    serve_hashing(ImmichApi.reset_pin_code, reset_pin_code),
    serve_hashing(ImmichApi.unlock_auth_session, unlock_auth_session),
    serve(ImmichApi.lock_auth_session, lock_auth_session),
)
