"""The shapes of `/users` and `/admin/users`: contract §3 and §4.1."""

from __future__ import annotations

from typing import Annotated

from dragoman.dialects.immich.rules import Rules, one_of
from dragoman.dialects.immich.wire.fields import (
    AVATAR_COLORS,
    ImmichWire,
    Int64,
    MaybeEmail,
    MaybeName,
    MaybePassword,
    Moment,
    UserAvatarColor,
    UserStatus,
)


class UserLicense(ImmichWire):
    license_key: str
    activation_key: str
    activated_at: Moment


class UserAdminResponseDto(ImmichWire):
    id: str
    email: str
    name: str
    profile_image_path: str
    avatar_color: UserAvatarColor
    profile_changed_at: Moment
    storage_label: str | None
    should_change_password: bool
    is_admin: bool
    created_at: Moment
    updated_at: Moment
    deleted_at: Moment | None
    oauth_id: str
    quota_size_in_bytes: Int64 | None
    quota_usage_in_bytes: Int64 | None
    status: UserStatus
    license: UserLicense | None


class UserUpdateMeDto(ImmichWire):
    email: MaybeEmail = None
    password: MaybePassword = None
    name: MaybeName = None
    avatar_color: Annotated[UserAvatarColor | None, Rules(one_of(None, *AVATAR_COLORS))] = None
