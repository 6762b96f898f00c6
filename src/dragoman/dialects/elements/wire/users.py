"""The shapes of `/users`: contract §2, §5. A superset that clients of every release read (§7)."""

from __future__ import annotations

from typing import Annotated

from dragoman.dialects.elements.wire.fields import (
    INT64,
    LARGEST_SHAPER,
    NOT_NULL,
    ElementsWire,
    Flag,
    Id,
    Language,
    Listed,
    MaybeEmail,
    MaybeText,
    Moment,
    Name,
    Numbers,
    Password,
    Text,
    Texts,
    UnixId,
    Whole,
)
from dragoman.wire import UNSEEN, Access, Array, Endpoint, InQuery, Nothing, Work

MANAGE = "users:manage"
Shaper = Annotated[int, Whole(least=0, most=LARGEST_SHAPER)]


class OfUser(ElementsWire):
    """An ask about one user, by the path."""

    id: Id


class LDAPServer(ElementsWire):
    id: int
    name: str
    winbind_separator: str | None = None
    nt_domain: str | None = None


class ElementsUserMini(ElementsWire):
    """A user as others mention them. The avatar is "" where there is none, which alone every release reads (§6)."""

    id: int
    avatar: str | None
    display_name: str
    email: str | None
    full_name: str | None
    is_external: bool
    is_cloud: bool
    username: str


class ElementsUser(ElementsWire):
    """A user in a list."""

    id: int
    allow_changing_password: bool
    allow_wan_login: bool
    allowed_fs_paths: list[str] | None
    allowed_fs_write_paths: list[str] | None
    avatar: str | None
    default_page: str
    display_name: str
    effective_permissions: list[str]
    email: str | None
    expiry: Moment | None
    fm_bookmarks: list[str]
    full_name: str | None
    gid: int | None
    group_permissions: list[str]
    has_password: bool
    home: int | None
    is_external: bool
    is_cloud: bool
    is_cloud_default: bool
    is_enabled: bool
    language: str | None
    last_seen: Moment | None
    ldap: LDAPServer | None
    ldap_dn: str | None
    ldap_guid: str | None
    password_change_required: bool
    permissions: list[str]
    shaper_ceiling: int | None
    shaper_rate: int | None
    sync_id: str
    totp_enabled: bool
    uid: int | None
    unix_username: str | None
    username: str


class ElementsUserDetail(ElementsUser):
    """A user by themselves."""

    groups: list[int]


class ListUsers(Listed):
    username: Annotated[str | None, InQuery()] = None


class UserFields(ElementsWire):
    """What of a user can be written. Only what is given is."""

    allow_changing_password: Annotated[Flag | None, NOT_NULL] = None
    allow_wan_login: Annotated[Flag | None, NOT_NULL] = None
    default_page: Annotated[Name | None, NOT_NULL] = None
    email: MaybeEmail | None = None
    expiry: Moment | None = None
    fm_bookmarks: Annotated[Texts | None, NOT_NULL] = None
    full_name: MaybeText | None = None
    gid: UnixId | None = None
    groups: Annotated[Numbers | None, NOT_NULL] = None
    home: Annotated[int, Whole(most=INT64)] | None = None
    is_cloud: Annotated[Flag | None, NOT_NULL] = None
    is_enabled: Annotated[Flag | None, NOT_NULL] = None
    is_external: Annotated[Flag | None, NOT_NULL] = None
    language: Language | None = None
    password_change_required: Annotated[Flag | None, NOT_NULL] = None
    permissions: Annotated[Texts | None, NOT_NULL] = None
    shaper_ceiling: Shaper | None = None
    shaper_rate: Shaper | None = None
    uid: UnixId | None = None
    unix_username: MaybeText | None = None


class NewElementsUser(UserFields):
    username: Name


class ElementsUserDetailUpdate(NewElementsUser):
    id: Id


class ElementsUserDetailPartialUpdate(UserFields):
    id: Id
    username: Annotated[Name | None, NOT_NULL] = None


class ElementsUserProfile(ElementsWire):
    """Users as they see themselves."""

    avatar: str | None
    default_page: str
    full_name: str | None
    language: str | None
    fm_bookmarks: list[str]
    id: int
    username: str
    unix_username: str | None
    display_name: str
    email: str | None
    ldap: LDAPServer | None
    effective_permissions: list[str]
    has_password: bool
    allow_changing_password: bool
    allowed_fs_paths: list[str] | None
    allowed_fs_write_paths: list[str] | None
    is_cloud: bool
    is_external: bool
    totp_enabled: bool
    shaper_rate: int | None
    shaper_ceiling: int | None


class ElementsUserProfileUpdate(ElementsWire):
    """What users can write of themselves. Only what is given is."""

    default_page: Annotated[Name | None, NOT_NULL] = None
    full_name: MaybeText | None = None
    language: Language | None = None
    fm_bookmarks: Annotated[Texts | None, NOT_NULL] = None


class ChangeOwnPasswordRequest(ElementsWire):
    current_password: Annotated[Password, UNSEEN]
    current_otp: Annotated[str, Text(blank=True)] | None = None
    password: Annotated[Password, UNSEEN]


class ChangePasswordRequest(OfUser):
    password: Annotated[Password, UNSEEN]


class ElementsUsers(Array[ElementsUser]):
    """A bare array."""


class ProfileApi:
    """What users see and change of themselves (§5)."""

    get_profile = Endpoint(
        "GET",
        "/api/2/users/me",
        Nothing,
        ElementsUserProfile,
        access=Access.VISITOR,
        work=Work.GLANCES,
        tag="main",
    )
    update_profile = Endpoint(
        "PUT",
        "/api/2/users/me",
        ElementsUserProfileUpdate,
        ElementsUserProfile,
        work=Work.WRITES,
        tag="main",
    )
    patch_profile = Endpoint(
        "PATCH",
        "/api/2/users/me",
        ElementsUserProfileUpdate,
        ElementsUserProfile,
        work=Work.WRITES,
        tag="main",
    )
    set_my_password = Endpoint(
        "POST", "/api/2/users/me/password", ChangeOwnPasswordRequest, Nothing, work=Work.HASHES, tag="main"
    )


class UsersApi:
    """Everybody reads users; who manages them may write (§5)."""

    get_all_users = Endpoint("GET", "/api/2/users", ListUsers, ElementsUsers, tag="main")
    create_user = Endpoint(
        "POST",
        "/api/2/users",
        NewElementsUser,
        ElementsUserDetail,
        permission=MANAGE,
        work=Work.HASHES,
        status=201,
        tag="main",
    )
    get_user = Endpoint("GET", "/api/2/users/{id}", OfUser, ElementsUserDetail, tag="main")
    update_user = Endpoint(
        "PUT",
        "/api/2/users/{id}",
        ElementsUserDetailUpdate,
        ElementsUserDetail,
        permission=MANAGE,
        work=Work.HASHES,
        tag="main",
    )
    patch_user = Endpoint(
        "PATCH",
        "/api/2/users/{id}",
        ElementsUserDetailPartialUpdate,
        ElementsUserDetail,
        permission=MANAGE,
        work=Work.HASHES,
        tag="main",
    )
    delete_user = Endpoint(
        "DELETE",
        "/api/2/users/{id}",
        OfUser,
        Nothing,
        permission=MANAGE,
        work=Work.WRITES,
        tag="main",
    )
    set_user_password = Endpoint(
        "POST",
        "/api/2/users/{id}/password",
        ChangePasswordRequest,
        Nothing,
        permission=MANAGE,
        work=Work.HASHES,
        tag="main",
    )
