"""`/server` and `/system-metadata`, and the shapes of what stands beside them: contract §4.1 and §8."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.wire.fields import A_STRING, ImmichWire, Int64, Moment
from dragoman.wire import OMITTED, Access, Array, Endpoint, Later, Nothing, Work


class ServerPingResponse(ImmichWire):
    res: str


class ServerVersionResponseDto(ImmichWire):
    major: int
    minor: int
    patch: int
    prerelease: Annotated[int | None, Later(nullable=True)] = None


class ServerFeaturesDto(ImmichWire):
    smart_search: bool
    duplicate_detection: bool
    config_file: bool
    facial_recognition: bool
    map: bool
    trash: bool
    reverse_geocoding: bool
    import_faces: bool
    oauth: bool
    oauth_auto_launch: bool
    password_login: bool
    sidecar: bool
    search: bool
    email: bool
    ocr: Annotated[bool | None, Later()] = None
    realtime_transcoding: Annotated[bool | None, Later()] = None


class ServerConfigDto(ImmichWire):
    oauth_button_text: str
    login_page_message: str
    trash_days: int
    user_delete_delay: int
    is_initialized: bool
    is_onboarded: bool
    external_domain: str
    public_users: bool
    map_dark_style_url: str
    map_light_style_url: str
    maintenance_mode: Annotated[bool | None, Later()] = None
    min_faces: Annotated[int | None, Later()] = None
    oauth_account_management_url: Annotated[str | None, A_STRING, OMITTED] = None


class ServerAboutResponseDto(ImmichWire):
    version: str
    version_url: str
    licensed: bool


class ApiEndpoint(ImmichWire):
    endpoint: str


class WellKnownImmich(ImmichWire):
    api: ApiEndpoint


class ServerThemeDto(ImmichWire):
    custom_css: str


class ServerStorageResponseDto(ImmichWire):
    disk_available: str
    disk_size: str
    disk_use: str
    disk_available_raw: Int64
    disk_size_raw: Int64
    disk_use_raw: Int64
    disk_usage_percentage: float


class ServerMediaTypesResponseDto(ImmichWire):
    video: list[str]
    image: list[str]
    sidecar: list[str]


class UsageByUserDto(ImmichWire):
    user_id: str
    user_name: str
    photos: int
    videos: int
    usage: Int64
    usage_photos: Int64
    usage_videos: Int64
    quota_size_in_bytes: Int64 | None


class ServerStatsResponseDto(ImmichWire):
    photos: int
    videos: int
    usage: Int64
    usage_photos: Int64
    usage_videos: Int64
    usage_by_user: list[UsageByUserDto]


class VersionCheckStateResponseDto(ImmichWire):
    checked_at: str | None
    release_version: str | None


class ServerVersionHistoryResponseDto(ImmichWire):
    id: str
    created_at: Moment
    version: str


class ServerVersionHistory(Array[ServerVersionHistoryResponseDto]):
    """A bare array, the newest first."""


class ServerApkLinksDto(ImmichWire):
    arm64v8a: str
    armeabiv7a: str
    universal: str
    x86_64: Annotated[str, Field(alias="x86_64")]


class AdminOnboardingUpdateDto(ImmichWire):
    is_onboarded: Annotated[bool, rules.ONBOARDED]


class ReverseGeocodingStateResponseDto(ImmichWire):
    last_update: str | None
    last_import_file_name: str | None


class SystemApi:
    """What an installation tells of itself."""

    get_theme = Endpoint(
        "GET",
        "/api/server/theme",
        Nothing,
        ServerThemeDto,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="Server",
    )
    get_storage = Endpoint("GET", "/api/server/storage", Nothing, ServerStorageResponseDto, tag="Server")
    get_supported_media_types = Endpoint(
        "GET",
        "/api/server/media-types",
        Nothing,
        ServerMediaTypesResponseDto,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="Server",
    )
    get_server_statistics = Endpoint(
        "GET",
        "/api/server/statistics",
        Nothing,
        ServerStatsResponseDto,
        access=Access.ADMIN,
        tag="Server",
    )
    get_version_check = Endpoint(
        "GET", "/api/server/version-check", Nothing, VersionCheckStateResponseDto, tag="Server"
    )
    get_version_history = Endpoint(
        "GET",
        "/api/server/version-history",
        Nothing,
        ServerVersionHistory,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="Server",
    )
    get_apk_links = Endpoint("GET", "/api/server/apk-links", Nothing, ServerApkLinksDto, tag="Server")
    get_admin_onboarding = Endpoint(
        "GET",
        "/api/system-metadata/admin-onboarding",
        Nothing,
        AdminOnboardingUpdateDto,
        access=Access.ADMIN,
        tag="System Metadata",
    )
    update_admin_onboarding = Endpoint(
        "POST",
        "/api/system-metadata/admin-onboarding",
        AdminOnboardingUpdateDto,
        Nothing,
        status=204,
        access=Access.ADMIN,
        work=Work.WRITES,
        tag="System Metadata",
    )
    get_reverse_geocoding_state = Endpoint(
        "GET",
        "/api/system-metadata/reverse-geocoding-state",
        Nothing,
        ReverseGeocodingStateResponseDto,
        access=Access.ADMIN,
        tag="System Metadata",
    )
    get_version_check_state = Endpoint(
        "GET",
        "/api/system-metadata/version-check-state",
        Nothing,
        VersionCheckStateResponseDto,
        access=Access.ADMIN,
        tag="System Metadata",
    )
