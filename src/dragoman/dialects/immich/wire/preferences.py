"""The shapes of a user's preferences: contract §4.1."""

from __future__ import annotations

from dragoman.dialects.immich.wire.fields import ImmichWire, Int64


class FoldersResponse(ImmichWire):
    enabled: bool
    sidebar_web: bool


class MemoriesResponse(ImmichWire):
    enabled: bool


class PeopleResponse(ImmichWire):
    enabled: bool
    sidebar_web: bool


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


class UserPreferencesResponseDto(ImmichWire):
    folders: FoldersResponse
    memories: MemoriesResponse
    people: PeopleResponse
    ratings: RatingsResponse
    shared_links: SharedLinksResponse
    tags: TagsResponse
    email_notifications: EmailNotificationsResponse
    download: DownloadResponse
    purchase: PurchaseResponse
