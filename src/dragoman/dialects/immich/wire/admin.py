"""The shapes of `/admin/users`: contract §4.1 and §8."""

from __future__ import annotations

from typing import Annotated

from pydantic import RootModel

from dragoman.dialects.immich import zod
from dragoman.dialects.immich.rules import (
    IS_BOOLEAN,
    IS_EMAIL,
    IS_INT,
    IS_NUMBER,
    IS_PIN,
    IS_STRICTLY_BOOLEAN,
    IS_STRING,
    IS_UUID,
    NOT_ABSURD,
    NOT_EMPTY,
    NOT_UNSAFE,
    Rules,
    blank_as_null,
    no_less_than,
    storage_label,
    whole,
)
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
from dragoman.wire import OMITTED, UNSEEN, Access, Endpoint, InQuery, Work

# Null, and "", take the PIN away.
AdminPinCode = Annotated[
    str | None,
    Rules(IS_PIN, nullable=True, before=blank_as_null, zod=zod.pin()),
    UNSEEN,
]
StorageLabel = Annotated[str | None, Rules(nullable=True, after=storage_label, zod=zod.string())]
# 1.134 takes a fraction of a byte.
Quota = Annotated[
    Int64 | None,
    Rules(
        no_less_than(0),
        IS_NUMBER,
        NOT_UNSAFE,
        since_2_7=(no_less_than(0), IS_INT, NOT_UNSAFE),
        zod=zod.integer(0),
        nullable=True,
        after=whole,
    ),
]


class UserAdminSearchDto(ImmichWire):
    id: Annotated[str | None, InQuery(), Rules(IS_UUID, zod=zod.uuid()), A_STRING, OMITTED] = None
    with_deleted: MaybeFilter = None


class UserAdminCreateDto(ImmichWire):
    email: Annotated[str, Rules(IS_EMAIL, lower=True, zod=zod.email()), AN_EMAIL]
    password: Annotated[str, Rules(IS_STRING, NOT_ABSURD, zod=zod.string()), UNSEEN]
    name: Annotated[str, Rules(IS_STRING, NOT_EMPTY, zod=zod.string())]
    avatar_color: Color = None
    pin_code: AdminPinCode = None
    storage_label: StorageLabel = None
    quota_size_in_bytes: Quota = None
    should_change_password: MaybeFlag = None
    notify: Annotated[
        bool | None,
        Rules(IS_STRICTLY_BOOLEAN, since_2_7=(IS_BOOLEAN,), zod=zod.boolean()),
        A_BOOLEAN,
        OMITTED,
    ] = None
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


class UserAdminResponses(RootModel[list[UserAdminResponseDto]]):
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
