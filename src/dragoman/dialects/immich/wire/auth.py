"""The shapes of `/auth`: contract §1 and §3."""

from __future__ import annotations

from typing import Annotated

from dragoman.dialects.immich.wire.fields import (
    Email,
    ImmichWire,
    MaybeFlag,
    MaybeMoment,
    MaybePassword,
    MaybePinCode,
    Name,
    NewPassword,
    Password,
    PinCode,
)
from dragoman.wire import UNSEEN, Later


class LoginCredentialDto(ImmichWire):
    email: Email
    password: Password


class LoginResponseDto(ImmichWire):
    access_token: Annotated[str, UNSEEN]
    user_id: str
    user_email: str
    name: str
    is_admin: bool
    profile_image_path: str
    should_change_password: bool
    is_onboarded: Annotated[bool | None, Later()] = None


class SignUpDto(ImmichWire):
    name: Name
    email: Email
    password: Password


class ChangePasswordDto(ImmichWire):
    password: Password
    new_password: NewPassword
    invalidate_sessions: MaybeFlag = None


class PinCodeSetupDto(ImmichWire):
    pin_code: PinCode


class PinCodeChangeDto(ImmichWire):
    new_pin_code: PinCode
    pin_code: MaybePinCode = None
    password: MaybePassword = None


class PinCodeResetDto(ImmichWire):
    pin_code: MaybePinCode = None
    password: MaybePassword = None


class SessionUnlockDto(ImmichWire):
    pin_code: MaybePinCode = None
    password: MaybePassword = None


class LogoutResponseDto(ImmichWire):
    successful: bool
    redirect_uri: str


class ValidateAccessTokenResponseDto(ImmichWire):
    auth_status: bool


class AuthStatusResponseDto(ImmichWire):
    pin_code: bool
    password: bool
    is_elevated: bool
    expires_at: MaybeMoment = None
    pin_expires_at: MaybeMoment = None
