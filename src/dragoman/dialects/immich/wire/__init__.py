"""Immich's authentication API and its neighbours, exactly as it prints them.

Paths, fields, their order and their statuses: contract §0-§4, §7, §8. Names of classes are Immich's own.
What a release lacks or says otherwise stands in `releases.py`, what it asks of a field in `field_rules.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from dragoman.dialects.immich.behaviour import FIRST, VERSION
from dragoman.dialects.immich.wire.admin import (
    AdminApi,
    UserAdminCreateDto,
    UserAdminDeleteDto,
    UserAdminResponses,
    UserAdminSearchDto,
    UserAdminUpdateDto,
    UserStatsDto,
)
from dragoman.dialects.immich.wire.auth import (
    AuthStatusResponseDto,
    ChangePasswordDto,
    LoginCredentialDto,
    LoginResponseDto,
    LogoutResponseDto,
    PinCodeChangeDto,
    PinCodeResetDto,
    PinCodeSetupDto,
    SessionUnlockDto,
    SignUpDto,
    ValidateAccessTokenResponseDto,
)
from dragoman.dialects.immich.wire.fields import ImmichWire, iso
from dragoman.dialects.immich.wire.keys import KeysApi
from dragoman.dialects.immich.wire.library import LibraryApi
from dragoman.dialects.immich.wire.licenses import LicenseApi, LicenseKeyDto, LicenseResponseDto
from dragoman.dialects.immich.wire.preferences import (
    AlbumsResponse,
    AlbumsUpdate,
    AvatarUpdate,
    CastResponse,
    CastUpdate,
    DownloadResponse,
    DownloadUpdate,
    EmailNotificationsResponse,
    EmailNotificationsUpdate,
    FoldersResponse,
    FoldersUpdate,
    MemoriesResponse,
    MemoriesUpdate,
    PeopleResponse,
    PeopleUpdate,
    PreferencesApi,
    PurchaseResponse,
    PurchaseUpdate,
    RatingsResponse,
    RatingsUpdate,
    RecentlyAddedResponse,
    RecentlyAddedUpdate,
    SharedLinksResponse,
    SharedLinksUpdate,
    TagsResponse,
    TagsUpdate,
    UserPreferencesOfDto,
    UserPreferencesResponseDto,
    UserPreferencesUpdateDto,
)
from dragoman.dialects.immich.wire.sessions import SessionsApi
from dragoman.dialects.immich.wire.system import (
    ApiEndpoint,
    ServerAboutResponseDto,
    ServerConfigDto,
    ServerFeaturesDto,
    ServerPingResponse,
    ServerVersionResponseDto,
    SystemApi,
    WellKnownImmich,
)
from dragoman.dialects.immich.wire.users import (
    OfUser,
    OnboardingDto,
    OnboardingResponseDto,
    UserAdminResponseDto,
    UserLicense,
    UserResponseDto,
    UserResponses,
    UsersApi,
    UserUpdateMeDto,
)
from dragoman.wire import Access, Api, Endpoint, Nothing, Work

__all__ = [
    "AlbumsResponse",
    "AlbumsUpdate",
    "ApiEndpoint",
    "AuthStatusResponseDto",
    "AvatarUpdate",
    "CastResponse",
    "CastUpdate",
    "ChangePasswordDto",
    "DownloadResponse",
    "DownloadUpdate",
    "EmailNotificationsResponse",
    "EmailNotificationsUpdate",
    "FoldersResponse",
    "FoldersUpdate",
    "ImmichApi",
    "ImmichWire",
    "LicenseKeyDto",
    "LicenseResponseDto",
    "LoginCredentialDto",
    "LoginResponseDto",
    "LogoutResponseDto",
    "MemoriesResponse",
    "MemoriesUpdate",
    "OfUser",
    "OnboardingDto",
    "OnboardingResponseDto",
    "PeopleResponse",
    "PeopleUpdate",
    "PinCodeChangeDto",
    "PinCodeResetDto",
    "PinCodeSetupDto",
    "PurchaseResponse",
    "PurchaseUpdate",
    "RatingsResponse",
    "RatingsUpdate",
    "RecentlyAddedResponse",
    "RecentlyAddedUpdate",
    "ServerAboutResponseDto",
    "ServerConfigDto",
    "ServerFeaturesDto",
    "ServerPingResponse",
    "ServerVersionResponseDto",
    "SessionUnlockDto",
    "SharedLinksResponse",
    "SharedLinksUpdate",
    "SignUpDto",
    "TagsResponse",
    "TagsUpdate",
    "UserAdminCreateDto",
    "UserAdminDeleteDto",
    "UserAdminResponseDto",
    "UserAdminResponses",
    "UserAdminSearchDto",
    "UserAdminUpdateDto",
    "UserLicense",
    "UserPreferencesOfDto",
    "UserPreferencesResponseDto",
    "UserPreferencesUpdateDto",
    "UserResponseDto",
    "UserResponses",
    "UserStatsDto",
    "UserUpdateMeDto",
    "ValidateAccessTokenResponseDto",
    "WellKnownImmich",
    "iso",
]


class ImmichApi(
    UsersApi, PreferencesApi, AdminApi, KeysApi, SessionsApi, SystemApi, LicenseApi, LibraryApi, Api
):
    """Immich's operations at sign-in. The first eleven are the page "AuthenticationApi"."""

    title = "Immich"
    description = "Immich API"
    version = VERSION.of(FIRST)
    base = "/api"
    tag = "Authentication"
    security: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "bearer": {"scheme": "Bearer", "bearerFormat": "JWT", "type": "http", "in": "header"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "immich_access_token"},
        "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    }

    login = Endpoint(
        "POST",
        "/api/auth/login",
        LoginCredentialDto,
        LoginResponseDto,
        status=201,
        access=Access.PUBLIC,
        work=Work.HASHES,
    )
    sign_up_admin = Endpoint(
        "POST",
        "/api/auth/admin-sign-up",
        SignUpDto,
        UserAdminResponseDto,
        status=201,
        access=Access.PUBLIC,
        work=Work.HASHES,
    )
    validate_access_token = Endpoint(
        "POST", "/api/auth/validateToken", Nothing, ValidateAccessTokenResponseDto, work=Work.GLANCES
    )
    change_password = Endpoint(
        "POST", "/api/auth/change-password", ChangePasswordDto, UserAdminResponseDto, work=Work.HASHES
    )
    logout = Endpoint("POST", "/api/auth/logout", Nothing, LogoutResponseDto, work=Work.WRITES)
    get_auth_status = Endpoint("GET", "/api/auth/status", Nothing, AuthStatusResponseDto)
    setup_pin_code = Endpoint(
        "POST", "/api/auth/pin-code", PinCodeSetupDto, Nothing, status=201, work=Work.HASHES
    )
    change_pin_code = Endpoint("PUT", "/api/auth/pin-code", PinCodeChangeDto, Nothing, work=Work.HASHES)
    reset_pin_code = Endpoint("DELETE", "/api/auth/pin-code", PinCodeResetDto, Nothing, work=Work.HASHES)
    unlock_auth_session = Endpoint(
        "POST", "/api/auth/session/unlock", SessionUnlockDto, Nothing, work=Work.HASHES
    )
    lock_auth_session = Endpoint("POST", "/api/auth/session/lock", Nothing, Nothing, work=Work.WRITES)

    get_well_known = Endpoint(
        "GET",
        "/.well-known/immich",
        Nothing,
        WellKnownImmich,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="Server",
    )
    ping_server = Endpoint(
        "GET",
        "/api/server/ping",
        Nothing,
        ServerPingResponse,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="Server",
    )
    get_server_version = Endpoint(
        "GET",
        "/api/server/version",
        Nothing,
        ServerVersionResponseDto,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="Server",
    )
    get_server_features = Endpoint(
        "GET",
        "/api/server/features",
        Nothing,
        ServerFeaturesDto,
        access=Access.PUBLIC,
        tag="Server",
    )
    get_server_config = Endpoint(
        "GET", "/api/server/config", Nothing, ServerConfigDto, access=Access.PUBLIC, tag="Server"
    )
    get_about_info = Endpoint("GET", "/api/server/about", Nothing, ServerAboutResponseDto, tag="Server")
