"""The shapes of `/groups` and of `/users/{id}/totp`: contract §5."""

from __future__ import annotations

from typing import Annotated

from dragoman.dialects.elements.wire.fields import (
    NOT_NULL,
    ElementsWire,
    Id,
    Listed,
    MaybeText,
    Name,
    Numbers,
    Text,
    Texts,
    UnixId,
)
from dragoman.dialects.elements.wire.users import MANAGE, ElementsUser, LDAPServer, OfUser
from dragoman.wire import UNSEEN, Array, Endpoint, Nothing, Work

VIEW = "users:view"
Otp = Annotated[str, Text(), UNSEEN]


class MemberPreview(ElementsWire):
    id: int
    avatar: str | None
    email: str | None


class ElementsGroup(ElementsWire):
    """A group in a list: its members are numbers there."""

    id: int
    permissions: list[str]
    members_preview: list[MemberPreview]
    effective_permissions: list[str]
    name: str
    ldap_dn: str | None
    ldap_guid: str | None
    unix_groupname: str | None
    gid: int | None
    ldap: int | None
    members: list[int]


class ElementsGroups(Array[ElementsGroup]):
    """A bare array."""


class ElementsGroupDetail(ElementsWire):
    """A group by itself, with its members."""

    id: int
    permissions: list[str]
    members_preview: list[MemberPreview]
    effective_permissions: list[str]
    members: list[ElementsUser]
    ldap: LDAPServer | None
    name: str
    ldap_dn: str | None
    ldap_guid: str | None
    unix_groupname: str | None
    gid: int | None


class OfGroup(ElementsWire):
    """An ask about one group, by the path."""

    id: Id


class GroupFields(ElementsWire):
    """What of a group can be written. Only what is given is."""

    permissions: Annotated[Texts | None, NOT_NULL] = None
    members: Annotated[Numbers | None, NOT_NULL] = None
    unix_groupname: MaybeText | None = None
    gid: UnixId | None = None


class NewElementsGroup(GroupFields):
    name: Name


class ElementsGroupDetailUpdate(NewElementsGroup):
    id: Id


class ElementsGroupDetailPartialUpdate(GroupFields):
    id: Id
    name: Annotated[Name | None, NOT_NULL] = None


class EnableTOTPRequest(OfUser):
    """`key` is the seed in Base32 that the user's device was given."""

    key: Annotated[str, Text(longest=255), UNSEEN]
    otp: Otp


class SyncTOTPRequest(OfUser):
    otp: Otp


class SyncTOTP(ElementsWire):
    """How many steps of time the device's clock is off."""

    drift: int


class GroupsApi:
    """Groups: who views users reads them, who manages users writes (§5)."""

    get_all_groups = Endpoint("GET", "/api/2/groups", Listed, ElementsGroups, permission=VIEW, tag="main")
    create_group = Endpoint(
        "POST",
        "/api/2/groups",
        NewElementsGroup,
        ElementsGroupDetail,
        permission=MANAGE,
        work=Work.WRITES,
        status=201,
        tag="main",
    )
    get_group = Endpoint(
        "GET", "/api/2/groups/{id}", OfGroup, ElementsGroupDetail, permission=VIEW, tag="main"
    )
    update_group = Endpoint(
        "PUT",
        "/api/2/groups/{id}",
        ElementsGroupDetailUpdate,
        ElementsGroupDetail,
        permission=MANAGE,
        work=Work.WRITES,
        tag="main",
    )
    patch_group = Endpoint(
        "PATCH",
        "/api/2/groups/{id}",
        ElementsGroupDetailPartialUpdate,
        ElementsGroupDetail,
        permission=MANAGE,
        work=Work.WRITES,
        tag="main",
    )
    delete_group = Endpoint(
        "DELETE",
        "/api/2/groups/{id}",
        OfGroup,
        Nothing,
        permission=MANAGE,
        work=Work.WRITES,
        tag="main",
    )


class TotpApi:
    """The second factor of a user (§5)."""

    enable_user_totp = Endpoint(
        "POST", "/api/2/users/{id}/totp", EnableTOTPRequest, Nothing, work=Work.WRITES, tag="main"
    )
    sync_user_totp = Endpoint(
        "PUT", "/api/2/users/{id}/totp", SyncTOTPRequest, SyncTOTP, work=Work.HASHES, tag="main"
    )
    disable_user_totp = Endpoint(
        "DELETE", "/api/2/users/{id}/totp", OfUser, Nothing, work=Work.WRITES, tag="main"
    )
