"""Shoko's sign-in and its neighbours, exactly as release 4.2 prints them.

Paths, fields and statuses: contract §0-§3, §6. The names of operations and shapes are the product's document's;
where that has none, they are made as its generator makes them, of method and path.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from dragoman.dialects.shoko.fields import Text
from dragoman.releases import Release
from dragoman.wire import (
    OMITTED,
    UNSEEN,
    Access,
    Api,
    Array,
    Described,
    Endpoint,
    InQuery,
    Nothing,
    WholeBody,
    Wire,
    Work,
)

A_STRING = WithJsonSchema({"type": "string"})
MOST_CHARACTERS = 1024
CAPITALS = {"id": "ID", "api": "API", "webui": "WebUI"}


def pascal(name: str) -> str:
    """`startup_message` as `StartupMessage`, `user_id` as `UserID`."""
    return "".join(CAPITALS.get(part, part.capitalize()) for part in name.split("_"))


def bare(name: str) -> str:
    """A name without the underline that keeps it from being a word of Python's: `pass_` is `pass`."""
    return name.rstrip("_")


class Pascal(Wire):
    """A shape whose names are written as C# has them."""

    model_config = ConfigDict(alias_generator=pascal)


class AuthUser(Wire):
    model_config = ConfigDict(alias_generator=bare)

    user: Annotated[str, Text("Username is required"), A_STRING]
    pass_: Annotated[str, Text("Password is required", may_be_blank=True), A_STRING, UNSEEN]
    device: Annotated[str, Text("Device is required"), A_STRING]


class AuthKey(Wire):
    apikey: Annotated[str, UNSEEN]


def first(given: Any) -> Any:
    """The first of several query parameters with one name."""
    if not isinstance(given, list):
        return given
    several: list[Any] = given
    return several[0]


class KeyToDelete(Wire):
    """By query the key; by body, as 5.x has it, the key or the name of a device."""

    apikey: Annotated[str | None, InQuery(), BeforeValidator(first), A_STRING, UNSEEN] = None
    key_or_device: Annotated[str | None, WholeBody(), UNSEEN] = None


class NewPassword(Wire):
    new_password: Annotated[
        str, WholeBody(), Text("Password is required", may_be_blank=True), A_STRING, UNSEEN
    ]


class AuthUserDevice(Pascal):
    user_id: int
    username: str
    device: str


class AuthUserDevices(Array[AuthUserDevice]):
    """Every key's user and device, without the keys."""


class BlockedDatabase(Pascal):
    progress: str | None = None
    blocked: bool = False
    status: str | None = None


class ServerStatus(Pascal):
    """`state`: 1 starting, 2 started, 3 failed, 4 waiting for set-up."""

    state: int
    startup_message: str | None
    uptime: str | None
    database_blocked: BlockedDatabase


class ComponentVersion(Pascal):
    version: str
    commit: str | None
    release_channel: str
    release_date: str | None


class ComponentVersions(Pascal):
    server: ComponentVersion
    webui: ComponentVersion


class Credentials(Pascal):
    username: Annotated[str, Text("The Username field is required."), A_STRING]
    password: Annotated[str, Text("The Password field is required.", may_be_blank=True), A_STRING, UNSEEN]


class DefaultUser(Pascal):
    """What the first administrator may be called, and the password of nobody yet."""

    username: str
    password: Annotated[str, UNSEEN]


class User(Pascal):
    id: int
    username: str
    is_admin: bool
    community_sites: tuple[str, ...]
    restricted_tags: tuple[int, ...]


class ChangePasswordBody(Pascal):
    password: Annotated[
        str,
        Text("The Password field is required.", may_be_blank=True, longest=MOST_CHARACTERS),
        A_STRING,
        UNSEEN,
    ]
    revoke_api_keys: Annotated[bool, OMITTED] = True


class NamedVersion(Wire):
    name: str
    version: str


class NamedVersions(Array[NamedVersion]):
    """The components of v2, by name."""


class StartupStatus(Wire):
    startup_state: str
    server_started: bool
    server_uptime: str
    first_run: bool
    startup_failed: bool
    startup_failed_error_message: str


class Pong(Wire):
    response: str


class ProblemDetails(Wire):
    """RFC 7807, as ASP.NET Core prints it; refusals have further members."""

    type: str | None = None
    title: str | None = None
    status: Annotated[int | None, Field(json_schema_extra={"format": "int32"})] = None
    detail: str | None = None
    instance: str | None = None


# The order is the document's (contract §6).
BODY_MEDIA = ("application/json-patch+json", "application/json", "text/json", "application/*+json")
REFUSAL_MEDIA = ("text/plain", "application/json", "text/json")
SECURED = ("ApiKey",)

SIGNING_IN = Described(
    summary="Get an authentication token for the user.",
    responses={400: "Bad Request", 401: "Unauthorized", 200: "Success"},
    body_media=BODY_MEDIA,
    body_required=False,
    secured_by=SECURED,
    shown=False,
    refusals={400: ProblemDetails, 401: ProblemDetails},
    refusal_media=REFUSAL_MEDIA,
)
DELETING = Described(
    summary="Delete an APIKey from the database.",
    responses={200: "Success"},
    body_media=(),
    secured_by=SECURED,
)
CHANGING_PASSWORD = Described(
    summary="Change the password. Invalidates the current user's apikeys. Reauth after using this!",
    responses={200: "Success"},
    body_media=BODY_MEDIA,
    body_required=False,
)


class AuthApi(Api):
    """`/api/auth`, in every version at the same place; also below the address that the document has."""

    api_auth_post = Endpoint(
        "POST",
        "/api/auth",
        AuthUser,
        AuthKey,
        access=Access.PUBLIC,
        work=Work.HASHES,
        described=SIGNING_IN,
        also=("/api/v3/api/auth",),
    )
    api_auth_delete = Endpoint(
        "DELETE",
        "/api/auth",
        KeyToDelete,
        Nothing,
        access=Access.WELCOME,
        work=Work.WRITES,
        described=DELETING,
        also=("/api/v3/api/auth",),
    )
    api_auth_change_password_post = Endpoint(
        "POST",
        "/api/auth/ChangePassword",
        NewPassword,
        Nothing,
        work=Work.HASHES,
        described=CHANGING_PASSWORD,
        also=("/api/v3/api/auth/ChangePassword",),
    )
    api_auth_get = Endpoint("GET", "/api/auth", Nothing, AuthUserDevices, also=("/api/v3/api/auth",))


class InitApi(Api):
    """`/api/v3/Init`: what clients ask before they sign in, and the first administrator."""

    init_status_get = Endpoint(
        "GET", "/api/v3/Init/Status", Nothing, ServerStatus, access=Access.PUBLIC, tag="Init"
    )
    init_version_get = Endpoint(
        "GET",
        "/api/v3/Init/Version",
        Nothing,
        ComponentVersions,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="Init",
    )
    init_default_user_get = Endpoint(
        "GET", "/api/v3/Init/DefaultUser", Nothing, DefaultUser, access=Access.PUBLIC, tag="Init"
    )
    init_default_user_post = Endpoint(
        "POST",
        "/api/v3/Init/DefaultUser",
        Credentials,
        Nothing,
        access=Access.PUBLIC,
        work=Work.HASHES,
        tag="Init",
    )


class UserApi(Api):
    """`/api/v3/User/Current`."""

    user_current_get = Endpoint("GET", "/api/v3/User/Current", Nothing, User, work=Work.GLANCES, tag="User")
    user_current_change_password_post = Endpoint(
        "POST",
        "/api/v3/User/Current/ChangePassword",
        ChangePasswordBody,
        Nothing,
        work=Work.HASHES,
        tag="User",
    )


class OlderApi(Api):
    """What clients still ask of version 2."""

    api_version_get = Endpoint(
        "GET",
        "/api/version",
        Nothing,
        NamedVersions,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="ApiV2",
    )
    api_init_status_get = Endpoint(
        "GET", "/api/init/status", Nothing, StartupStatus, access=Access.PUBLIC, tag="ApiV2"
    )
    api_ping_get = Endpoint("GET", "/api/ping", Nothing, Pong, tag="ApiV2")


class ShokoApi(AuthApi, InitApi, UserApi, OlderApi):
    title = "Shoko Server API."
    description = "Shoko Server API."
    version = "3.0"
    base = "/api/v3"
    address = ""
    by_alphabet = False
    tag = "Auth"
    security: ClassVar = {"ApiKey": {"type": "apiKey", "name": "apikey", "in": "header"}}


# The schemas by the names of the product's document.
RELEASE = Release("4.2", "4.2.2.0", called={AuthUser: "core.AuthUser", ProblemDetails: "Mvc.ProblemDetails"})
