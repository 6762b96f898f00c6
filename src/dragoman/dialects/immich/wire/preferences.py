"""The shapes of a user's preferences: contract §4.1."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.choices import Order
from dragoman.dialects.immich.wire.fields import (
    A_STRING,
    ImmichWire,
    Int64,
    MaybeCount,
    MaybeFlag,
    UserAvatarColor,
)
from dragoman.dialects.immich.wire.users import Id, OfUser
from dragoman.wire import OMITTED, Access, Endpoint, Later, Nothing, Work

AssetOrder = TypeAliasType("AssetOrder", Order)


def _not_null(schema: dict[str, Any]) -> None:
    """Optional means absent: the document does not offer the null that stands for it here."""
    offered = [choice for choice in schema.pop("anyOf") if choice != {"type": "null"}]
    schema.update(*offered)


ABSENT: Any = Field(json_schema_extra=_not_null)
MaybeOrder = Annotated[AssetOrder | None, rules.ORDER, ABSENT, OMITTED]
MaybeColor = Annotated[UserAvatarColor | None, rules.COLOR, ABSENT, OMITTED]
MaybeDate = Annotated[str | None, rules.DATE, A_STRING, OMITTED]


class AlbumsResponse(ImmichWire):
    default_asset_order: AssetOrder


class FoldersResponse(ImmichWire):
    enabled: bool
    sidebar_web: bool


class MemoriesResponse(ImmichWire):
    enabled: bool
    duration: Annotated[int | None, Later()] = None
    sidebar_web: Annotated[bool | None, Later()] = None


class PeopleResponse(ImmichWire):
    enabled: bool
    sidebar_web: bool
    minimum_faces: Annotated[int | None, WithJsonSchema({"type": "integer"}), OMITTED] = None


class RatingsResponse(ImmichWire):
    enabled: bool


class SharedLinksResponse(ImmichWire):
    enabled: bool
    sidebar_web: bool


class TagsResponse(ImmichWire):
    enabled: bool
    sidebar_web: bool


class EmailNotificationsResponse(ImmichWire):
    enabled: bool
    album_invite: bool
    album_update: bool


class DownloadResponse(ImmichWire):
    archive_size: Int64
    include_embedded_videos: bool


class PurchaseResponse(ImmichWire):
    show_support_badge: bool
    hide_buy_button_until: str


class CastResponse(ImmichWire):
    g_cast_enabled: bool


class RecentlyAddedResponse(ImmichWire):
    sidebar_web: bool


class UserPreferencesResponseDto(ImmichWire):
    albums: Annotated[AlbumsResponse | None, Later()] = None
    folders: FoldersResponse
    memories: MemoriesResponse
    people: PeopleResponse
    ratings: RatingsResponse
    shared_links: SharedLinksResponse
    tags: TagsResponse
    email_notifications: EmailNotificationsResponse
    download: DownloadResponse
    purchase: PurchaseResponse
    cast: Annotated[CastResponse | None, Later()] = None
    recently_added: Annotated[RecentlyAddedResponse | None, Later()] = None


class AlbumsUpdate(ImmichWire):
    default_asset_order: MaybeOrder = None


class AvatarUpdate(ImmichWire):
    color: MaybeColor = None


class CastUpdate(ImmichWire):
    g_cast_enabled: MaybeFlag = None


class DownloadUpdate(ImmichWire):
    archive_size: MaybeCount = None
    include_embedded_videos: MaybeFlag = None


class EmailNotificationsUpdate(ImmichWire):
    enabled: MaybeFlag = None
    album_invite: MaybeFlag = None
    album_update: MaybeFlag = None


class FoldersUpdate(ImmichWire):
    enabled: MaybeFlag = None
    sidebar_web: MaybeFlag = None


class MemoriesUpdate(ImmichWire):
    enabled: MaybeFlag = None
    duration: MaybeCount = None
    sidebar_web: MaybeFlag = None


class PeopleUpdate(ImmichWire):
    enabled: MaybeFlag = None
    sidebar_web: MaybeFlag = None
    minimum_faces: MaybeCount = None


class PurchaseUpdate(ImmichWire):
    show_support_badge: MaybeFlag = None
    hide_buy_button_until: MaybeDate = None


class RatingsUpdate(ImmichWire):
    enabled: MaybeFlag = None


class RecentlyAddedUpdate(ImmichWire):
    sidebar_web: MaybeFlag = None


class SharedLinksUpdate(ImmichWire):
    enabled: MaybeFlag = None
    sidebar_web: MaybeFlag = None


class TagsUpdate(ImmichWire):
    enabled: MaybeFlag = None
    sidebar_web: MaybeFlag = None


class UserPreferencesUpdateDto(ImmichWire):
    albums: Annotated[AlbumsUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    folders: Annotated[FoldersUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    memories: Annotated[MemoriesUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    people: Annotated[PeopleUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    ratings: Annotated[RatingsUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    shared_links: Annotated[SharedLinksUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    tags: Annotated[TagsUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    email_notifications: Annotated[EmailNotificationsUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    download: Annotated[DownloadUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    purchase: Annotated[PurchaseUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    cast: Annotated[CastUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    recently_added: Annotated[RecentlyAddedUpdate | None, rules.GROUP, ABSENT, OMITTED] = None
    avatar: Annotated[AvatarUpdate | None, rules.GROUP, ABSENT, OMITTED] = None


class UserPreferencesOfDto(UserPreferencesUpdateDto):
    id: Id


class PreferencesApi:
    """`/users/me/preferences`, and everybody's for an administrator."""

    get_my_preferences = Endpoint(
        "GET", "/api/users/me/preferences", Nothing, UserPreferencesResponseDto, tag="Users"
    )
    update_my_preferences = Endpoint(
        "PUT",
        "/api/users/me/preferences",
        UserPreferencesUpdateDto,
        UserPreferencesResponseDto,
        work=Work.WRITES,
        tag="Users",
    )
    get_user_preferences_admin = Endpoint(
        "GET",
        "/api/admin/users/{id}/preferences",
        OfUser,
        UserPreferencesResponseDto,
        access=Access.ADMIN,
        permission="admin.user.read",
        tag="Users (admin)",
    )
    update_user_preferences_admin = Endpoint(
        "PUT",
        "/api/admin/users/{id}/preferences",
        UserPreferencesOfDto,
        UserPreferencesResponseDto,
        access=Access.ADMIN,
        work=Work.WRITES,
        permission="admin.user.update",
        tag="Users (admin)",
    )
