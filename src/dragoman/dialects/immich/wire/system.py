"""The shapes of `/server` and what stands beside it: contract §4.1."""

from __future__ import annotations

from dragoman.dialects.immich.wire.fields import ImmichWire


class ServerPingResponse(ImmichWire):
    res: str


class ServerVersionResponseDto(ImmichWire):
    major: int
    minor: int
    patch: int


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


class ServerAboutResponseDto(ImmichWire):
    version: str
    version_url: str
    licensed: bool


class ApiEndpoint(ImmichWire):
    endpoint: str


class WellKnownImmich(ImmichWire):
    api: ApiEndpoint
