"""Immich's client: every operation of its sign-in API, against Dragoman or against Immich 1.134 and later.

    from dragoman.dialects import immich

    with immich.Client("https://photos.example.org") as client:
        client.login(email="me@example.org", password=getpass())
        client.setup_pin_code(pin_code="314159")
        client.logout()

    async with immich.AsyncClient("https://photos.example.org", api_key=key) as client:
        me = await client.get_my_user()

The base URL may end in `/api` or not. `login` keeps the token, `logout` forgets it; while there is one it is
sent rather than the API key. An argument that is None is as good as left out, except for `avatar_color`.
Releases differ: `Client(url, release="3.2")` is told which one it speaks to, and then sends nothing that it
does not have; what only later releases answer is None. What goes wrong is a `ClientError`: `dragoman.client`
draws the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dragoman import client
from dragoman.client import (
    ClientError,
    Forbidden,
    NotInRelease,
    Refused,
    TimedOut,
    TryLater,
    Unauthorized,
    Unintelligible,
    Unreachable,
)
from dragoman.dialects.immich.behaviour import CORRELATION_HEADER
from dragoman.dialects.immich.choices import AvatarColor
from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.wire import (
    AlbumsUpdate,
    AuthStatusResponseDto,
    AvatarUpdate,
    CastUpdate,
    ChangePasswordDto,
    DownloadUpdate,
    EmailNotificationsUpdate,
    FoldersUpdate,
    ImmichApi,
    LicenseKeyDto,
    LicenseResponseDto,
    LoginCredentialDto,
    LoginResponseDto,
    LogoutResponseDto,
    MemoriesUpdate,
    OfUser,
    OnboardingDto,
    OnboardingResponseDto,
    PeopleUpdate,
    PinCodeChangeDto,
    PinCodeResetDto,
    PinCodeSetupDto,
    PurchaseUpdate,
    RatingsUpdate,
    RecentlyAddedUpdate,
    ServerAboutResponseDto,
    ServerConfigDto,
    ServerFeaturesDto,
    ServerPingResponse,
    ServerVersionResponseDto,
    SessionUnlockDto,
    SharedLinksUpdate,
    SignUpDto,
    TagsUpdate,
    UserAdminCreateDto,
    UserAdminDeleteDto,
    UserAdminResponseDto,
    UserAdminResponses,
    UserAdminSearchDto,
    UserAdminUpdateDto,
    UserPreferencesOfDto,
    UserPreferencesResponseDto,
    UserPreferencesUpdateDto,
    UserResponseDto,
    UserResponses,
    UserStatsDto,
    UserUpdateMeDto,
    ValidateAccessTokenResponseDto,
    WellKnownImmich,
)
from dragoman.dialects.immich.wire.keys import (
    APIKeyCreateDto,
    APIKeyCreateResponseDto,
    APIKeyResponseDto,
    APIKeyResponses,
    APIKeyUpdateDto,
    OfApiKey,
)
from dragoman.dialects.immich.wire.library import (
    AlbumSearch,
    AlbumStatisticsResponseDto,
    AssetStatsDto,
    AssetStatsResponseDto,
    MetadataSearchDto,
    PartnerSearch,
    PeopleResponseDto,
    SearchResponseDto,
    Things,
)
from dragoman.dialects.immich.wire.sessions import (
    OfSession,
    SessionCreateDto,
    SessionCreateResponseDto,
    SessionResponseDto,
    SessionResponses,
    SessionUpdateDto,
)
from dragoman.dialects.immich.wire.system import (
    AdminOnboardingUpdateDto,
    ReverseGeocodingStateResponseDto,
    ServerApkLinksDto,
    ServerMediaTypesResponseDto,
    ServerStatsResponseDto,
    ServerStorageResponseDto,
    ServerThemeDto,
    ServerVersionHistory,
    VersionCheckStateResponseDto,
)
from dragoman.wire import Nothing, Wire

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "APIKeyCreateDto",
    "APIKeyCreateResponseDto",
    "APIKeyResponseDto",
    "APIKeyResponses",
    "APIKeyUpdateDto",
    "AdminOnboardingUpdateDto",
    "AlbumSearch",
    "AlbumStatisticsResponseDto",
    "AlbumsUpdate",
    "AssetStatsDto",
    "AssetStatsResponseDto",
    "AsyncClient",
    "AuthStatusResponseDto",
    "AvatarColor",
    "AvatarUpdate",
    "CastUpdate",
    "ChangePasswordDto",
    "Client",
    "ClientError",
    "DownloadUpdate",
    "EmailNotificationsUpdate",
    "FoldersUpdate",
    "Forbidden",
    "ImmichApi",
    "LicenseKeyDto",
    "LicenseResponseDto",
    "LoginCredentialDto",
    "LoginResponseDto",
    "LogoutResponseDto",
    "MemoriesUpdate",
    "MetadataSearchDto",
    "NotInRelease",
    "Nothing",
    "OfApiKey",
    "OfSession",
    "OfUser",
    "OnboardingDto",
    "OnboardingResponseDto",
    "PartnerSearch",
    "PeopleResponseDto",
    "PeopleUpdate",
    "PinCodeChangeDto",
    "PinCodeResetDto",
    "PinCodeSetupDto",
    "PurchaseUpdate",
    "RatingsUpdate",
    "RecentlyAddedUpdate",
    "Refused",
    "ReverseGeocodingStateResponseDto",
    "SearchResponseDto",
    "ServerAboutResponseDto",
    "ServerApkLinksDto",
    "ServerConfigDto",
    "ServerFeaturesDto",
    "ServerMediaTypesResponseDto",
    "ServerPingResponse",
    "ServerStatsResponseDto",
    "ServerStorageResponseDto",
    "ServerThemeDto",
    "ServerVersionHistory",
    "ServerVersionResponseDto",
    "SessionCreateDto",
    "SessionCreateResponseDto",
    "SessionResponseDto",
    "SessionResponses",
    "SessionUnlockDto",
    "SessionUpdateDto",
    "SharedLinksUpdate",
    "SignUpDto",
    "TagsUpdate",
    "Things",
    "TimedOut",
    "TryLater",
    "Unauthorized",
    "Unintelligible",
    "Unreachable",
    "UserAdminCreateDto",
    "UserAdminDeleteDto",
    "UserAdminResponseDto",
    "UserAdminResponses",
    "UserAdminSearchDto",
    "UserAdminUpdateDto",
    "UserPreferencesOfDto",
    "UserPreferencesResponseDto",
    "UserPreferencesUpdateDto",
    "UserResponseDto",
    "UserResponses",
    "UserStatsDto",
    "UserUpdateMeDto",
    "ValidateAccessTokenResponseDto",
    "VersionCheckStateResponseDto",
    "WellKnownImmich",
]


def token_in(answer: BaseModel) -> str | None:
    return answer.access_token if isinstance(answer, LoginResponseDto) else None


class Issue(Wire):
    """What is wrong with one field, in 3.x's words."""

    path: tuple[str | int, ...] = ()
    message: str = ""


class Refusal(Wire):
    """A refusal's JSON in any release (contract §0.2, §0.3).

    `error` alone is Dragoman's own, before it knows which dialect is meant.
    """

    message: str | tuple[str, ...] = ""
    error: str = ""
    errors: tuple[Issue, ...] = ()


def complaints(body: object) -> Sequence[str]:
    """The sentences in a refusal: 3.x's every issue as `email: …`, else the message or messages."""
    try:
        refusal = Refusal.model_validate(body)
    except ValidationError:
        return ()
    said = refusal.message or refusal.error
    issues = [": ".join(filter(None, [".".join(map(str, i.path)), i.message])) for i in refusal.errors]
    return issues or ([said] if isinstance(said, str) else said)


def sign_in(immich: Client, name: str, password: str) -> LoginResponseDto:
    return immich.login(email=name, password=password)


def whoami(immich: Client) -> client.Person:
    me = immich.get_my_user()
    return client.Person(str(me.id), me.email, me.name, me.is_admin)


MANNERS = client.Manners(
    # A session's token before a key, as Immich itself reads them (contract §0.5).
    credentials=client.bearer_or_key,
    complaints=complaints,
    token_in=token_in,
    signs_out=(ImmichApi.logout,),
    request_ids=tuple(CORRELATION_HEADER.since.values()),
    base=ImmichApi.base,
    releases=RELEASES,
    sign_in=sign_in,
    whoami=whoami,
)


class Client(ImmichApi, client.SyncClient):
    """Immich, call by call: `Client(base_url, token=…)`, `Client(base_url, api_key=…)` or neither."""

    manners = MANNERS


class AsyncClient(ImmichApi, client.AsyncClient):
    """Immich, awaited: made as `Client` is."""

    manners = MANNERS
