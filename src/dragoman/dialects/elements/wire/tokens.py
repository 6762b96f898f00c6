"""The shapes of tickets and of one-time access tokens, and of what makes and opens them: contract §2, §4, §5."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from dragoman.dialects.elements.wire.described import ALLOW_ANY, AUTHENTICATED, described
from dragoman.dialects.elements.wire.fields import (
    AN_INTEGER,
    INT32,
    NOT_NULL,
    ElementsWire,
    Email,
    Flag,
    Listed,
    Moment,
    Numbers,
    OneNumber,
    Password,
    SomeNumbers,
    Text,
    Whole,
    Words,
    an_object,
    filtered_by,
    one_of,
)
from dragoman.dialects.elements.wire.users import ElementsUserDetail, ElementsUserMini
from dragoman.wire import OMITTED, UNSEEN, Access, Array, Endpoint, InPath, Nothing, Work

TokenId = Annotated[
    int,
    InPath(),
    Whole(),
    Field(description="A unique integer value identifying this one time access token."),
    AN_INTEGER,
]
# What opens a link stands behind this in its address (§4).
FAST_LANE = "/auth/fast-lane/"
# What one shared folder or bundle is known by, of the other product that keeps it.
ObjectId = Annotated[int, InPath(), Whole(), AN_INTEGER]


class Ticket(ElementsWire):
    ticket: Annotated[str, Text(), UNSEEN]


class OneTimeAccessTokenActivity(ElementsWire):
    id: int
    date: Moment
    ip: str
    token: int


class OneTimeAccessTokenSharedObject(ElementsWire):
    id: int
    name: str


class OneTimeAccessToken(ElementsWire):
    """A link. Limits that there are none of are 0 and null; `created_by` is always sent (§2)."""

    id: int
    activity: list[OneTimeAccessTokenActivity]
    user: ElementsUserMini
    created_by: ElementsUserMini
    media_root_permissions: list[int]
    shared_bundles: list[OneTimeAccessTokenSharedObject]
    shared_directories: list[OneTimeAccessTokenSharedObject]
    full_url: Annotated[str, UNSEEN]
    url: str
    token: Annotated[str, UNSEEN]
    view_limit_enabled: bool
    view_limit_left: int
    expires: Moment | None
    require_login: bool
    is_easy_sharing_for_bundle: int | None
    is_easy_sharing_for_directory: int | None
    created_at: Moment
    has_password: bool


class OneTimeAccessTokens(Array[OneTimeAccessToken]):
    """A bare array (§4)."""


class RestrictedOneTimeAccessToken(ElementsWire):
    """What whoever holds a link is told of it."""

    id: int
    has_password: bool
    user: ElementsUserMini
    url: str
    full_url: Annotated[str, UNSEEN]


class AccessTokenFilters(ElementsWire):
    """Which links: those that fit all of these."""

    shared_bundles: Annotated[SomeNumbers, filtered_by("shared_bundles")] = None
    shared_directories: Annotated[SomeNumbers, filtered_by("shared_directories")] = None
    shared_bundles__asset: Annotated[OneNumber, filtered_by("shared_bundles__asset")] = None
    user: Annotated[OneNumber, filtered_by("user")] = None
    created_by: Annotated[OneNumber, filtered_by("created_by")] = None


class ListAccessTokens(Listed, AccessTokenFilters):
    """The filters first, as the product's document has them."""


class OfAccessToken(ElementsWire):
    """An ask about one access token, by the path."""

    id: TokenId


class SendLinkEmailRequest(OfAccessToken):
    email: Annotated[Email | None, NOT_NULL] = None
    subject: Annotated[Words | None, NOT_NULL] = None
    text: Annotated[Words | None, NOT_NULL] = None


class OfSecret(ElementsWire):
    """An ask about one access token, by what opens it."""

    token: Annotated[str, InPath(), UNSEEN]


class MediaRootPermissionAccessOptions(ElementsWire):
    """What a visitor may do with what is shared, for the product that keeps it."""

    show_tags: Flag = False
    show_comments: Flag = False
    show_locations: Flag = False
    show_custom_fields: Flag = False
    show_ratings: Flag = False
    show_subclips: Flag = False
    show_ai_metadata: Flag = False
    show_markers: Flag = False
    show_subtitles: Flag = False
    show_history: Flag = False
    allow_read: Flag = False
    allow_create: Flag = False
    allow_write_fs: Flag = False
    allow_write_db: Flag = False
    allow_proxy_download: Flag = False
    allow_original_download: Flag = False
    allow_upload: Flag = False
    allow_sharing: Flag = False
    allow_delete_fs: Flag = False
    allow_delete_db: Flag = False


# What a link shows first, as release 26.8 has it (§5).
LinkType = Annotated[
    str,
    BeforeValidator(one_of("download-original", "download-proxy", "embed-player", "embed-full", "playlist")),
]


class MediaLibraryShareRequest(ElementsWire):
    bundles: Annotated[Numbers | None, NOT_NULL] = None
    directories: Annotated[Numbers | None, NOT_NULL] = None
    expires: Moment
    view_limit: Annotated[int, Whole(least=0, most=INT32)] | None = None
    permissions: Annotated[MediaRootPermissionAccessOptions, BeforeValidator(an_object)]
    user: Annotated[Annotated[int, Whole()] | None, NOT_NULL] = None
    email: Annotated[Email | None, NOT_NULL] = None
    link_type: LinkType | None = None
    password: Annotated[Password | None, UNSEEN] = None
    # No release's clients can ask for what every release shows.
    require_login: Flag = False


class OfObject(ElementsWire):
    """An ask about the standing link of one bundle or directory, by the path."""

    id: ObjectId


class FastLaneEndpointRequest(OfSecret):
    password: Annotated[Password | None, UNSEEN] = None
    override_redirect: Words | None = None


class FastLaneEndpointResponse(ElementsWire):
    redirect: Annotated[str | None, OMITTED] = None
    login_redirect: Annotated[str | None, OMITTED] = None
    user: Annotated[ElementsUserDetail | None, OMITTED] = None


class TicketsApi:
    """Tickets: whoever holds one learns whose it is, once (§4)."""

    check_auth_ticket = Endpoint(
        "POST",
        "/api/2/auth/ticket/check",
        Ticket,
        ElementsUserDetail,
        access=Access.PUBLIC,
        work=Work.WRITES,
        described=described(ALLOW_ANY),
    )
    create_auth_ticket = Endpoint(
        "POST",
        "/api/2/auth/ticket",
        Nothing,
        Ticket,
        work=Work.WRITES,
        described=described(AUTHENTICATED),
    )


class AccessTokensApi:
    """One-time access tokens, which are links to what is shared (§4)."""

    delete_access_token = Endpoint(
        "DELETE",
        "/api/2/auth/access-tokens/{id}",
        OfAccessToken,
        Nothing,
        work=Work.WRITES,
        described=described(AUTHENTICATED),
    )
    get_access_token = Endpoint(
        "GET",
        "/api/2/auth/access-tokens/{id}",
        OfAccessToken,
        OneTimeAccessToken,
        described=described(AUTHENTICATED),
    )
    get_all_access_tokens = Endpoint(
        "GET",
        "/api/2/auth/access-tokens",
        ListAccessTokens,
        OneTimeAccessTokens,
        described=described(AUTHENTICATED),
    )
    send_access_token_email_notification = Endpoint(
        "POST",
        "/api/2/auth/access-tokens/{id}/email",
        SendLinkEmailRequest,
        Nothing,
        work=Work.WRITES,
        described=described(AUTHENTICATED),
    )


class SharingApi:
    """What makes access tokens, and what opens them (§5)."""

    get_access_token_by_value = Endpoint(
        "GET",
        "/api/2/auth/access-tokens/get/{token}",
        OfSecret,
        RestrictedOneTimeAccessToken,
        access=Access.PUBLIC,
    )
    share_media_library_objects = Endpoint(
        "POST",
        "/api/2/media/share",
        MediaLibraryShareRequest,
        OneTimeAccessToken,
        work=Work.HASHES,
        tag="media_library",
    )
    get_easy_sharing_token_for_bundle = Endpoint(
        "GET",
        "/api/2/media/bundles/{id}/easy-sharing-token",
        OfObject,
        OneTimeAccessToken,
        work=Work.WRITES,
        tag="media_library",
    )
    delete_easy_sharing_token_for_bundle = Endpoint(
        "DELETE",
        "/api/2/media/bundles/{id}/easy-sharing-token",
        OfObject,
        Nothing,
        work=Work.WRITES,
        tag="media_library",
    )
    get_easy_sharing_token_for_directory = Endpoint(
        "GET",
        "/api/2/media/files/{id}/easy-sharing-token",
        OfObject,
        OneTimeAccessToken,
        work=Work.WRITES,
        tag="media_library",
    )
    delete_easy_sharing_token_for_directory = Endpoint(
        "DELETE",
        "/api/2/media/files/{id}/easy-sharing-token",
        OfObject,
        Nothing,
        work=Work.WRITES,
        tag="media_library",
    )
    show_fast_lane = Endpoint(
        "GET",
        f"{FAST_LANE}{{token}}",
        OfSecret,
        RestrictedOneTimeAccessToken,
        access=Access.PUBLIC,
    )
    open_fast_lane = Endpoint(
        "POST",
        f"{FAST_LANE}{{token}}",
        FastLaneEndpointRequest,
        FastLaneEndpointResponse,
        access=Access.WELCOME,
        work=Work.HASHES,
    )
