"""The shapes of `/users`: contract §3 and §4.1."""

from __future__ import annotations

from typing import Annotated

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.wire.fields import (
    A_STRING,
    ImmichWire,
    Int64,
    MaybeEmail,
    MaybeName,
    Moment,
    UserAvatarColor,
    UserStatus,
)
from dragoman.wire import OMITTED, UNSEEN, Array, Endpoint, InPath, Later, Nothing, Work

Id = Annotated[str, InPath(), rules.UUID]
Color = Annotated[UserAvatarColor | None, rules.COLOR_OR_NULL]
MaybeNewPassword = Annotated[str | None, rules.NEW_PASSWORD_OF_USER, A_STRING, UNSEEN, OMITTED]


class OfUser(ImmichWire):
    """An ask about one user, by the path."""

    id: Id


class UserLicense(ImmichWire):
    license_key: str
    activation_key: str
    activated_at: Moment


class UserResponseDto(ImmichWire):
    id: str
    email: str
    name: str
    profile_image_path: str
    avatar_color: UserAvatarColor
    profile_changed_at: Moment


class UserResponses(Array[UserResponseDto]):
    """A bare array."""


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
    cluster_group_id: Annotated[str | None, Later()] = None


class UserUpdateMeDto(ImmichWire):
    email: MaybeEmail = None
    password: MaybeNewPassword = None
    name: MaybeName = None
    avatar_color: Color = None


class OnboardingDto(ImmichWire):
    is_onboarded: Annotated[bool, rules.ONBOARDED]


class OnboardingResponseDto(ImmichWire):
    is_onboarded: bool


class UsersApi:
    """`/users`; preferences stand by themselves."""

    search_users = Endpoint("GET", "/api/users", Nothing, UserResponses, tag="Users")
    get_my_user = Endpoint(
        "GET", "/api/users/me", Nothing, UserAdminResponseDto, work=Work.GLANCES, tag="Users"
    )
    update_my_user = Endpoint(
        "PUT", "/api/users/me", UserUpdateMeDto, UserAdminResponseDto, work=Work.HASHES, tag="Users"
    )
    get_user_onboarding = Endpoint(
        "GET", "/api/users/me/onboarding", Nothing, OnboardingResponseDto, tag="Users"
    )
    set_user_onboarding = Endpoint(
        "PUT",
        "/api/users/me/onboarding",
        OnboardingDto,
        OnboardingResponseDto,
        work=Work.WRITES,
        tag="Users",
    )
    delete_user_onboarding = Endpoint(
        "DELETE",
        "/api/users/me/onboarding",
        Nothing,
        Nothing,
        status=204,
        work=Work.WRITES,
        tag="Users",
    )
    get_user = Endpoint("GET", "/api/users/{id}", OfUser, UserResponseDto, tag="Users")
