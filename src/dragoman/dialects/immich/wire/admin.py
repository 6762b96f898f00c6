"""The shapes of `/admin/users`: contract §4.1 and §8."""

from __future__ import annotations

from typing import Annotated

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.wire.fields import (
    A_BOOLEAN,
    A_STRING,
    AN_EMAIL,
    ImmichWire,
    Int64,
    MaybeEmail,
    MaybeFlag,
    MaybeName,
)
from dragoman.dialects.immich.wire.library import AssetStatsDto, AssetStatsResponseDto, MaybeFilter
from dragoman.dialects.immich.wire.sessions import SessionResponses
from dragoman.dialects.immich.wire.users import Color, Id, MaybeNewPassword, OfUser, UserAdminResponseDto
from dragoman.wire import OMITTED, UNSEEN, Access, Array, Endpoint, InQuery, Work

AdminPinCode = Annotated[str | None, rules.PIN_BY_ADMIN, UNSEEN]
StorageLabel = Annotated[str | None, rules.STORAGE_LABEL]
Quota = Annotated[Int64 | None, rules.QUOTA]


class UserAdminSearchDto(ImmichWire):
    id: Annotated[str | None, InQuery(), rules.UUID, A_STRING, OMITTED] = None
    with_deleted: MaybeFilter = None


class UserAdminCreateDto(ImmichWire):
    email: Annotated[str, rules.EMAIL, AN_EMAIL]
    password: Annotated[str, rules.TEXT, UNSEEN]
    name: Annotated[str, rules.NAME_BY_ADMIN]
    avatar_color: Color = None
    pin_code: AdminPinCode = None
    storage_label: StorageLabel = None
    quota_size_in_bytes: Quota = None
    should_change_password: MaybeFlag = None
    notify: Annotated[bool | None, rules.NOTIFY, A_BOOLEAN, OMITTED] = None
    is_admin: MaybeFlag = None


class UserAdminUpdateDto(ImmichWire):
    id: Id
    email: MaybeEmail = None
    password: MaybeNewPassword = None
    pin_code: AdminPinCode = None
    name: MaybeName = None
    avatar_color: Color = None
    storage_label: StorageLabel = None
    should_change_password: MaybeFlag = None
    quota_size_in_bytes: Quota = None
    is_admin: MaybeFlag = None


class UserStatsDto(AssetStatsDto):
    id: Id


class UserAdminDeleteDto(ImmichWire):
    id: Id
    force: MaybeFlag = None


class UserAdminResponses(Array[UserAdminResponseDto]):
    """A bare array."""


class AdminApi:
    """`/admin/users`, for administrators."""

    search_users_admin = Endpoint(
        "GET",
        "/api/admin/users",
        UserAdminSearchDto,
        UserAdminResponses,
        access=Access.ADMIN,
        permission="admin.user.read",
        tag="Users (admin)",
    )
    create_user_admin = Endpoint(
        "POST",
        "/api/admin/users",
        UserAdminCreateDto,
        UserAdminResponseDto,
        status=201,
        access=Access.ADMIN,
        work=Work.HASHES,
        permission="admin.user.create",
        tag="Users (admin)",
    )
    get_user_admin = Endpoint(
        "GET",
        "/api/admin/users/{id}",
        OfUser,
        UserAdminResponseDto,
        access=Access.ADMIN,
        permission="admin.user.read",
        tag="Users (admin)",
    )
    update_user_admin = Endpoint(
        "PUT",
        "/api/admin/users/{id}",
        UserAdminUpdateDto,
        UserAdminResponseDto,
        access=Access.ADMIN,
        work=Work.HASHES,
        permission="admin.user.update",
        tag="Users (admin)",
    )
    delete_user_admin = Endpoint(
        "DELETE",
        "/api/admin/users/{id}",
        UserAdminDeleteDto,
        UserAdminResponseDto,
        access=Access.ADMIN,
        work=Work.WRITES,
        permission="admin.user.delete",
        tag="Users (admin)",
    )
    restore_user_admin = Endpoint(
        "POST",
        "/api/admin/users/{id}/restore",
        OfUser,
        UserAdminResponseDto,
        access=Access.ADMIN,
        work=Work.WRITES,
        permission="admin.user.delete",
        tag="Users (admin)",
    )
    get_user_sessions_admin = Endpoint(
        "GET",
        "/api/admin/users/{id}/sessions",
        OfUser,
        SessionResponses,
        access=Access.ADMIN,
        tag="Users (admin)",
    )
    get_user_statistics_admin = Endpoint(
        "GET",
        "/api/admin/users/{id}/statistics",
        UserStatsDto,
        AssetStatsResponseDto,
        access=Access.ADMIN,
        tag="Users (admin)",
    )
