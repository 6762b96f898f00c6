"""Handlers of `/server`, `/system-metadata` and what stands beside them (contract §4.1, §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import account_lists, accounts, facts
from dragoman.core.accounts import Account
from dragoman.dialects.immich.releases import spoken_by
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.dialects.immich.wire.system import (
    AdminOnboardingUpdateDto,
    ApiEndpoint,
    ReverseGeocodingStateResponseDto,
    ServerAboutResponseDto,
    ServerApkLinksDto,
    ServerConfigDto,
    ServerFeaturesDto,
    ServerMediaTypesResponseDto,
    ServerPingResponse,
    ServerStatsResponseDto,
    ServerStorageResponseDto,
    ServerThemeDto,
    ServerVersionHistory,
    ServerVersionResponseDto,
    UsageByUserDto,
    VersionCheckStateResponseDto,
    WellKnownImmich,
)
from dragoman.handlers import Call, serve, serve_plain
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

PROJECT = "https://github.com/immich-app/immich/releases"
# What the product reads: programs choose by it what to upload.
IMAGES = (
    ".3fr .ari .arw .avif .bmp .cap .cin .cr2 .cr3 .crw .dcr .dng .erf .fff .gif .heic .heif .hif .iiq .insp"
    " .jp2 .jpe .jpeg .jpg .jxl .k25 .kdc .mrw .nef .nrw .orf .ori .pef .png .psd .raf .raw .rw2 .rwl .sr2"
    " .srf .srw .svg .tif .tiff .webp .x3f"
)
VIDEOS = ".3gp .3gpp .avi .flv .insv .m2ts .m4v .mkv .mov .mp4 .mpe .mpeg .mpg .mts .vob .webm .wmv"
SIDECARS = ".xmp"


def version_of(call: Call) -> str:
    """The version of the release that is spoken: "1.134.0"."""
    return spoken_by(call.exchange.release).version


def get_well_known(_: None, call: Call, _ask: Nothing) -> WellKnownImmich:
    return WellKnownImmich(api=ApiEndpoint(endpoint=f"{call.exchange.mount}/api"))


def ping_server(_: None, _call: Call, _ask: Nothing) -> ServerPingResponse:
    return ServerPingResponse(res="pong")


def get_server_version(_: None, call: Call, _ask: Nothing) -> ServerVersionResponseDto:
    major, minor, patch = map(int, version_of(call).split("."))
    return ServerVersionResponseDto(major=major, minor=minor, patch=patch, prerelease=None)


def get_server_features(uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerFeaturesDto:
    return ServerFeaturesDto(
        smart_search=False,
        duplicate_detection=False,
        config_file=False,
        facial_recognition=False,
        map=False,
        trash=False,
        reverse_geocoding=False,
        import_faces=False,
        oauth=False,
        oauth_auto_launch=False,
        password_login=uow.rules.password_login,
        sidecar=False,
        search=False,
        email=False,
        ocr=False,
        realtime_transcoding=False,
    )


def get_server_config(uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerConfigDto:
    return ServerConfigDto(
        oauth_button_text="Login with OAuth",
        login_page_message="",
        trash_days=30,
        user_delete_delay=7,
        is_initialized=accounts.has_admin(uow),
        is_onboarded=is_onboarded(uow),
        external_domain="",
        public_users=True,
        map_dark_style_url="https://tiles.immich.cloud/v1/style/dark.json",
        map_light_style_url="https://tiles.immich.cloud/v1/style/light.json",
        maintenance_mode=False,
        min_faces=3,
    )


def is_onboarded(uow: UnitOfWork) -> bool:
    """Whether an administrator has set the server up, as apps see it.

    The set-up of a photo library is not ours to ask for: until somebody says otherwise, it is done, and apps
    go straight on to sign-in.
    """
    return bool(facts.told(uow, "isOnboarded", True))


def get_about_info(_uow: UnitOfWork, call: Call, _ask: Nothing) -> ServerAboutResponseDto:
    version = f"v{version_of(call)}"
    return ServerAboutResponseDto(version=version, version_url=f"{PROJECT}/tag/{version}", licensed=False)


def get_theme(_: None, _call: Call, _ask: Nothing) -> ServerThemeDto:
    return ServerThemeDto(custom_css="")


def get_storage(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerStorageResponseDto:
    """An empty disk: no photo is stored here, and how full our own is, is the operator's to know."""
    return ServerStorageResponseDto(
        disk_available="0 B",
        disk_size="0 B",
        disk_use="0 B",
        disk_available_raw=0,
        disk_size_raw=0,
        disk_use_raw=0,
        disk_usage_percentage=0,
    )


def get_supported_media_types(_: None, _call: Call, _ask: Nothing) -> ServerMediaTypesResponseDto:
    return ServerMediaTypesResponseDto(video=VIDEOS.split(), image=IMAGES.split(), sidecar=SIDECARS.split())


def get_server_statistics(uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerStatsResponseDto:
    return ServerStatsResponseDto(
        photos=0,
        videos=0,
        usage=0,
        usage_photos=0,
        usage_videos=0,
        usage_by_user=[usage(account) for account in account_lists.everybody(uow)],
    )


def usage(account: Account) -> UsageByUserDto:
    """What an account has stored: nothing."""
    return UsageByUserDto(
        user_id=str(account.id),
        user_name=account.display_name,
        photos=0,
        videos=0,
        usage=0,
        usage_photos=0,
        usage_videos=0,
        quota_size_in_bytes=account.attributes.get("immich", {}).get("quotaSizeInBytes"),
    )


def get_version_check(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> VersionCheckStateResponseDto:
    """Never checked: this server asks nobody about newer ones."""
    return VersionCheckStateResponseDto(checked_at=None, release_version=None)


def get_version_history(_: None, _call: Call, _ask: Nothing) -> ServerVersionHistory:
    return ServerVersionHistory([])


def get_apk_links(_uow: UnitOfWork, call: Call, _ask: Nothing) -> ServerApkLinksDto:
    """Where the project has its Android app, for the kind of processor in a phone."""
    base = f"{PROJECT}/download/v{version_of(call)}"
    return ServerApkLinksDto(
        arm64v8a=f"{base}/app-arm64-v8a-release.apk",
        armeabiv7a=f"{base}/app-armeabi-v7a-release.apk",
        universal=f"{base}/app-release.apk",
        x86_64=f"{base}/app-x86_64-release.apk",
    )


def get_admin_onboarding(uow: UnitOfWork, _call: Call, _ask: Nothing) -> AdminOnboardingUpdateDto:
    return AdminOnboardingUpdateDto(is_onboarded=is_onboarded(uow))


def update_admin_onboarding(uow: UnitOfWork, _call: Call, ask: AdminOnboardingUpdateDto) -> Nothing:
    facts.tell(uow, "isOnboarded", ask.is_onboarded)
    return Nothing()


def get_reverse_geocoding_state(
    _uow: UnitOfWork, _call: Call, _ask: Nothing
) -> ReverseGeocodingStateResponseDto:
    return ReverseGeocodingStateResponseDto(last_update=None, last_import_file_name=None)


BOUND = (
    serve_plain(ImmichApi.get_well_known, get_well_known),
    serve_plain(ImmichApi.ping_server, ping_server),
    serve_plain(ImmichApi.get_server_version, get_server_version),
    serve(ImmichApi.get_server_features, get_server_features),
    serve(ImmichApi.get_server_config, get_server_config),
    serve(ImmichApi.get_about_info, get_about_info),
    serve_plain(ImmichApi.get_theme, get_theme),
    serve(ImmichApi.get_storage, get_storage),
    serve_plain(ImmichApi.get_supported_media_types, get_supported_media_types),
    serve(ImmichApi.get_server_statistics, get_server_statistics),
    serve(ImmichApi.get_version_check, get_version_check),
    serve_plain(ImmichApi.get_version_history, get_version_history),
    serve(ImmichApi.get_apk_links, get_apk_links),
    serve(ImmichApi.get_admin_onboarding, get_admin_onboarding),
    serve(ImmichApi.update_admin_onboarding, update_admin_onboarding),
    serve(ImmichApi.get_reverse_geocoding_state, get_reverse_geocoding_state),
    serve(ImmichApi.get_version_check_state, get_version_check),
)
