"""ELEMENTS' client: its sign-in, users, API tokens and links, against Dragoman or against ELEMENTS.

    from dragoman.dialects import elements

    with elements.Client("https://elements.example.org") as client:
        client.login(username="ann", password=getpass())
        me = client.get_profile()
        made = client.create_api_token(name="backup")

    async with elements.AsyncClient("https://elements.example.org", api_key=made.token) as client:
        async for user in client.each(client.get_all_users, ordering="username"):
            print(user.display_name)

`login` keeps the session's key, which is sent from then on as ELEMENTS' other tokens are; `logout` forgets it. `each`
asks for a list page by page, as far as it is read. What goes wrong is a `ClientError`: `dragoman.client` draws the
tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dragoman import client
from dragoman.client import (
    ClientError,
    Forbidden,
    Refused,
    TimedOut,
    TryLater,
    Unauthorized,
    Unintelligible,
    Unreachable,
)
from dragoman.dialects.elements import paging
from dragoman.dialects.elements.wire import (
    APIToken,
    APITokenPartialUpdate,
    APITokens,
    APITokenUpdate,
    APITokenWithSecret,
    AuthLoginEndpointRequest,
    AuthLoginEndpointResponse,
    ElementsApi,
    EvaluatePasswordEndpointRequest,
    EvaluatePasswordEndpointResponse,
    GeneratePasswordEndpointResponse,
    NewAPIToken,
    OfAPIToken,
    PasswordResetEndpointRequest,
)
from dragoman.dialects.elements.wire.described import ADMIN
from dragoman.dialects.elements.wire.fields import (
    Listed,
)
from dragoman.dialects.elements.wire.system import (
    ElementsVersion,
    EmailStyling,
    GlobalAlert,
    License,
    Parameters,
    SAMLProviderMini,
    SystemInfoEndpointResponse,
)
from dragoman.dialects.elements.wire.tokens import (
    FastLaneEndpointRequest,
    FastLaneEndpointResponse,
    ListAccessTokens,
    MediaLibraryShareRequest,
    MediaRootPermissionAccessOptions,
    OfAccessToken,
    OfObject,
    OfSecret,
    OneTimeAccessToken,
    OneTimeAccessTokenActivity,
    OneTimeAccessTokens,
    OneTimeAccessTokenSharedObject,
    RestrictedOneTimeAccessToken,
    SendLinkEmailRequest,
    Ticket,
)
from dragoman.dialects.elements.wire.users import (
    ChangeOwnPasswordRequest,
    ChangePasswordRequest,
    ElementsUser,
    ElementsUserDetail,
    ElementsUserDetailPartialUpdate,
    ElementsUserDetailUpdate,
    ElementsUserMini,
    ElementsUserProfile,
    ElementsUserProfileUpdate,
    ElementsUsers,
    LDAPServer,
    ListUsers,
    NewElementsUser,
    OfUser,
    UserFields,
)
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "APIToken",
    "APITokenPartialUpdate",
    "APITokenUpdate",
    "APITokenWithSecret",
    "APITokens",
    "AsyncClient",
    "AuthLoginEndpointRequest",
    "AuthLoginEndpointResponse",
    "ChangeOwnPasswordRequest",
    "ChangePasswordRequest",
    "Client",
    "ClientError",
    "ElementsApi",
    "ElementsUser",
    "ElementsUserDetail",
    "ElementsUserDetailPartialUpdate",
    "ElementsUserDetailUpdate",
    "ElementsUserMini",
    "ElementsUserProfile",
    "ElementsUserProfileUpdate",
    "ElementsUsers",
    "ElementsVersion",
    "EmailStyling",
    "EvaluatePasswordEndpointRequest",
    "EvaluatePasswordEndpointResponse",
    "FastLaneEndpointRequest",
    "FastLaneEndpointResponse",
    "Forbidden",
    "GeneratePasswordEndpointResponse",
    "GlobalAlert",
    "LDAPServer",
    "License",
    "ListAccessTokens",
    "ListUsers",
    "Listed",
    "MediaLibraryShareRequest",
    "MediaRootPermissionAccessOptions",
    "NewAPIToken",
    "NewElementsUser",
    "Nothing",
    "OfAPIToken",
    "OfAccessToken",
    "OfObject",
    "OfSecret",
    "OfUser",
    "OneTimeAccessToken",
    "OneTimeAccessTokenActivity",
    "OneTimeAccessTokenSharedObject",
    "OneTimeAccessTokens",
    "Parameters",
    "PasswordResetEndpointRequest",
    "Refused",
    "RestrictedOneTimeAccessToken",
    "SAMLProviderMini",
    "SendLinkEmailRequest",
    "SystemInfoEndpointResponse",
    "Ticket",
    "TimedOut",
    "TryLater",
    "Unauthorized",
    "Unintelligible",
    "Unreachable",
    "UserFields",
]


def credentials(token: str | None, api_key: str | None) -> Mapping[str, str]:
    """An API token and a session's key are held up alike (contract §1)."""
    shown = token or api_key
    return {} if shown is None else {"authorization": f"Bearer {shown}"}


def token_in(answer: BaseModel) -> str | None:
    return answer.session_key if isinstance(answer, AuthLoginEndpointResponse) else None


def complaints(body: object) -> Sequence[str]:
    """The sentences in a refusal: the detail, or what is wrong with each field."""
    if not isinstance(body, Mapping):
        return ()
    detail = body.get("detail") or body.get("error")
    if isinstance(detail, str):
        return (detail,)
    return [f"{field}: {says}" for field, about in body.items() for says in sentences(about)]


def sentences(about: object) -> Iterator[str]:
    """What is said of a field, or of what is within it."""
    if isinstance(about, str):
        yield about
    elif isinstance(about, Mapping):
        for inner in about.values():
            yield from sentences(inner)
    elif isinstance(about, Sequence):
        for inner in about:
            yield from sentences(inner)


def sign_in(elements: Client, name: str, password: str) -> AuthLoginEndpointResponse:
    return elements.login(username=name, password=password)


def whoami(elements: Client) -> client.Person:
    me = elements.get_profile()
    return client.Person(str(me.id), me.username, me.display_name, ADMIN in me.effective_permissions)


MANNERS = client.Manners(
    credentials=credentials,
    complaints=complaints,
    token_in=token_in,
    signs_out=(ElementsApi.logout,),
    base=ElementsApi.base,
    sign_in=sign_in,
    whoami=whoami,
)


class Client(ElementsApi, paging.AtOnce, client.SyncClient):
    """ELEMENTS, call by call: `Client(base_url, token=…)`, `Client(base_url, api_key=…)` or neither."""

    manners = MANNERS


class AsyncClient(ElementsApi, paging.Awaited, client.AsyncClient):
    """ELEMENTS, awaited: made as `Client` is."""

    manners = MANNERS
