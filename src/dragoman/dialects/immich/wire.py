"""Immich's authentication API and its neighbours at sign-in, exactly as release 1.134 prints them.

Paths, fields, their order and their statuses: contract §0-§4, §7. Names of classes are Immich's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, PlainSerializer, WithJsonSchema
from typing_extensions import TypeAliasType

from dragoman.dialects.immich.rules import (
    IS_EMAIL,
    IS_PIN,
    IS_STRING,
    NOT_ABSURD,
    NOT_EMPTY,
    Rules,
    at_least,
    one_of,
)
from dragoman.wire import OMITTED, UNSEEN, Access, Api, Endpoint, Nothing, Wire, Work, camel

AvatarColor = Literal[
    "primary", "pink", "red", "yellow", "blue", "green", "purple", "orange", "gray", "amber"
]
AVATAR_COLORS: tuple[AvatarColor, ...] = (
    "primary",
    "pink",
    "red",
    "yellow",
    "blue",
    "green",
    "purple",
    "orange",
    "gray",
    "amber",
)

# Schemas of their own in the OpenAPI document, by these names (§7).
UserAvatarColor = TypeAliasType("UserAvatarColor", AvatarColor)
UserStatus = TypeAliasType("UserStatus", Literal["active", "removing", "deleted"])


def iso(moment: datetime) -> str:
    """A moment as JavaScript prints it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


Moment = Annotated[datetime, PlainSerializer(iso), WithJsonSchema({"type": "string", "format": "date-time"})]
Int64 = Annotated[int, WithJsonSchema({"type": "integer", "format": "int64"})]

# The document says less than the rules do, and no more than the product's (§3, §7).
AN_EMAIL = WithJsonSchema({"type": "string", "format": "email"})
EIGHT_LONG = WithJsonSchema({"type": "string", "minLength": 8})
A_STRING = WithJsonSchema({"type": "string"})

Email = Annotated[str, Rules(NOT_EMPTY, IS_EMAIL, lower=True), AN_EMAIL]
Password = Annotated[str, Rules(NOT_EMPTY, IS_STRING, NOT_ABSURD), UNSEEN]
NewPassword = Annotated[str, Rules(at_least(8), NOT_EMPTY, IS_STRING, NOT_ABSURD), EIGHT_LONG, UNSEEN]
Name = Annotated[str, Rules(NOT_EMPTY, IS_STRING)]
PinCode = Annotated[str, Rules(IS_STRING, NOT_EMPTY, IS_PIN), UNSEEN]
# Optional means absent: a null breaks the rules as a missing required field would (contract §1.8).
MaybeEmail = Annotated[str | None, Rules(IS_EMAIL, lower=True), AN_EMAIL, OMITTED]
MaybePassword = Annotated[str | None, Rules(NOT_EMPTY, IS_STRING, NOT_ABSURD), A_STRING, UNSEEN, OMITTED]
MaybeName = Annotated[str | None, Rules(NOT_EMPTY, IS_STRING), A_STRING, OMITTED]
MaybePinCode = Annotated[str | None, Rules(IS_STRING, NOT_EMPTY, IS_PIN), A_STRING, UNSEEN, OMITTED]
MaybeMoment = Annotated[Moment | None, A_STRING, OMITTED]


class ImmichWire(Wire):
    model_config = ConfigDict(alias_generator=camel)


class LoginCredentialDto(ImmichWire):
    email: Email
    password: Password


class LoginResponseDto(ImmichWire):
    access_token: Annotated[str, UNSEEN]
    user_id: str
    user_email: str
    name: str
    is_admin: bool
    profile_image_path: str
    should_change_password: bool


class SignUpDto(ImmichWire):
    name: Name
    email: Email
    password: Password


class ChangePasswordDto(ImmichWire):
    password: Password
    new_password: NewPassword


class PinCodeSetupDto(ImmichWire):
    pin_code: PinCode


class PinCodeChangeDto(ImmichWire):
    new_pin_code: PinCode
    pin_code: MaybePinCode = None
    password: MaybePassword = None


class PinCodeResetDto(ImmichWire):
    pin_code: MaybePinCode = None
    password: MaybePassword = None


class SessionUnlockDto(ImmichWire):
    pin_code: MaybePinCode = None
    password: MaybePassword = None


class LogoutResponseDto(ImmichWire):
    successful: bool
    redirect_uri: str


class ValidateAccessTokenResponseDto(ImmichWire):
    auth_status: bool


class AuthStatusResponseDto(ImmichWire):
    pin_code: bool
    password: bool
    is_elevated: bool
    expires_at: MaybeMoment = None
    pin_expires_at: MaybeMoment = None


class UserLicense(ImmichWire):
    license_key: str
    activation_key: str
    activated_at: Moment


class UserAdminResponseDto(ImmichWire):
    id: str
    email: str
    name: str
    profile_image_path: str
    avatar_color: UserAvatarColor
    profile_changed_at: Moment
    storage_label: str | None
    should_change_password: bool
    is_admin: bool
    created_at: Moment
    updated_at: Moment
    deleted_at: Moment | None
    oauth_id: str
    quota_size_in_bytes: Int64 | None
    quota_usage_in_bytes: Int64 | None
    status: UserStatus
    license: UserLicense | None


class UserUpdateMeDto(ImmichWire):
    email: MaybeEmail = None
    password: MaybePassword = None
    name: MaybeName = None
    avatar_color: Annotated[UserAvatarColor | None, Rules(one_of(None, *AVATAR_COLORS))] = None


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


class ApiEndpoint(ImmichWire):
    endpoint: str


class WellKnownImmich(ImmichWire):
    api: ApiEndpoint


class ImmichApi(Api):
    """Immich 1.134's operations at sign-in. The first eleven are the page "AuthenticationApi"."""

    title = "Immich"
    description = "Immich API"
    version = "1.134.0"
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
        "POST", "/api/auth/validateToken", Nothing, ValidateAccessTokenResponseDto
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
    get_my_user = Endpoint("GET", "/api/users/me", Nothing, UserAdminResponseDto, tag="Users")
    update_my_user = Endpoint(
        "PUT", "/api/users/me", UserUpdateMeDto, UserAdminResponseDto, work=Work.HASHES, tag="Users"
    )
    get_my_preferences = Endpoint(
        "GET", "/api/users/me/preferences", Nothing, UserPreferencesResponseDto, tag="Users"
    )
