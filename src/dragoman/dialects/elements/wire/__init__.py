"""ELEMENTS' contract: its shapes, field for field, and its operations. Nothing here knows of a server.

Sections (§) are those of the ELEMENTS contract facts. Method names are those of the product's SDK, so that a
program changes from its generated client to ours by changing its import. What is signed in with is in this
file; users, groups, access tokens and the server's own facts have files of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from dragoman.dialects.elements.wire.described import (
    ADMIN,
    ADMINISTRATOR,
    ALLOW_ANY,
    AUTHENTICATED,
    SCHEME,
    described,
)
from dragoman.dialects.elements.wire.fields import (
    NOT_NULL,
    ElementsWire,
    Id,
    Listed,
    Password,
    Text,
    Whole,
)
from dragoman.dialects.elements.wire.groups import GroupsApi, TotpApi
from dragoman.dialects.elements.wire.system import SystemApi
from dragoman.dialects.elements.wire.tokens import AccessTokensApi, SharingApi, TicketsApi
from dragoman.dialects.elements.wire.users import MANAGE, ElementsUserDetail, OfUser, ProfileApi, UsersApi
from dragoman.wire import OMITTED, UNSEEN, Access, Api, Array, Endpoint, Nothing, Work

TokenName = Annotated[str, Text(longest=1023)]


class AuthLoginEndpointRequest(ElementsWire):
    username: Annotated[str, Text()]
    password: Annotated[Password, UNSEEN]
    otp: Annotated[Annotated[str, Text(blank=True)] | None, UNSEEN] = None
    new_password: Annotated[Password | None, UNSEEN] = None


class AuthLoginEndpointResponse(ElementsWire):
    """A successful sign-in. Every text is absent where there is none, since clients refuse empty ones (§2)."""

    reason: Annotated[str | None, OMITTED] = None
    detail: Annotated[str | None, OMITTED] = None
    redirect: Annotated[str | None, OMITTED] = None
    user: ElementsUserDetail
    session_key: Annotated[str, UNSEEN]


class PasswordResetEndpointRequest(ElementsWire):
    token: Annotated[str, Text(), UNSEEN]
    password: Annotated[Password, UNSEEN]


class GeneratePasswordEndpointResponse(ElementsWire):
    password: Annotated[str, UNSEEN]


class EvaluatePasswordEndpointRequest(ElementsWire):
    """`custom_policy` is another policy to judge by, which this server does not do."""

    password: Annotated[str, Text(blank=True, trimmed=False), UNSEEN]


class EvaluatePasswordEndpointResponse(ElementsWire):
    """What is wrong with a password, and how many seconds it would take to find it."""

    errors: list[str]
    time_to_crack: float


class ImpersonationEndpointRequest(ElementsWire):
    user: Annotated[int, Whole()]


class APIToken(ElementsWire):
    """A long-lived token. Its secret is not shown again."""

    id: int
    name: str


class APITokenWithSecret(APIToken):
    """The only answer that shows the secret."""

    token: Annotated[str, UNSEEN]


class APITokens(Array[APIToken]):
    """A bare array."""


class NewAPIToken(ElementsWire):
    """`token` is a secret of the caller's own choice, which this server does not take."""

    name: TokenName
    token: Annotated[Annotated[str, Text(blank=True)] | None, UNSEEN] = None


class OfAPIToken(ElementsWire):
    """An ask about one token, by the path."""

    id: Id


class APITokenUpdate(OfAPIToken):
    name: TokenName


class APITokenPartialUpdate(OfAPIToken):
    name: Annotated[TokenName | None, NOT_NULL] = None


class LoginApi:
    """Signing in and out (§4)."""

    login = Endpoint(
        "POST",
        "/api/2/auth/login",
        AuthLoginEndpointRequest,
        AuthLoginEndpointResponse,
        access=Access.PUBLIC,
        work=Work.HASHES,
        described=described(ALLOW_ANY),
    )
    logout = Endpoint(
        "POST",
        "/api/2/auth/logout",
        Nothing,
        Nothing,
        access=Access.WELCOME,
        work=Work.WRITES,
        described=described(ALLOW_ANY),
    )


class PasswordsApi:
    """Passwords that are made, judged, and set by a link that was mailed (§4)."""

    generate_password = Endpoint(
        "POST",
        "/api/2/auth/generate-password",
        Nothing,
        GeneratePasswordEndpointResponse,
        described=described(AUTHENTICATED),
    )
    reset_password = Endpoint(
        "POST",
        "/api/2/auth/reset-password",
        PasswordResetEndpointRequest,
        Nothing,
        access=Access.PUBLIC,
        work=Work.HASHES,
        described=described(ALLOW_ANY),
    )
    evaluate_password = Endpoint(
        "POST",
        "/api/2/auth/evaluate-password",
        EvaluatePasswordEndpointRequest,
        EvaluatePasswordEndpointResponse,
    )
    reset_user_password = Endpoint(
        "POST",
        "/api/2/users/{id}/password/reset",
        OfUser,
        Nothing,
        permission=MANAGE,
        work=Work.WRITES,
        tag="main",
    )


class ImpersonationApi:
    """Acting as somebody else (§4)."""

    start_impersonation = Endpoint(
        "POST",
        "/api/2/auth/impersonation",
        ImpersonationEndpointRequest,
        Nothing,
        permission=ADMIN,
        work=Work.WRITES,
        described=described(ADMINISTRATOR),
    )
    stop_impersonation = Endpoint(
        "POST",
        "/api/2/auth/impersonation/stop",
        Nothing,
        Nothing,
        work=Work.WRITES,
        described=described(AUTHENTICATED),
    )


class APITokensApi:
    """Tokens for programs (§5)."""

    get_all_api_tokens = Endpoint("GET", "/api/2/api-tokens", Listed, APITokens)
    create_api_token = Endpoint(
        "POST", "/api/2/api-tokens", NewAPIToken, APITokenWithSecret, work=Work.WRITES, status=201
    )
    get_api_token = Endpoint("GET", "/api/2/api-tokens/{id}", OfAPIToken, APIToken)
    update_api_token = Endpoint("PUT", "/api/2/api-tokens/{id}", APITokenUpdate, APIToken, work=Work.WRITES)
    patch_api_token = Endpoint(
        "PATCH", "/api/2/api-tokens/{id}", APITokenPartialUpdate, APIToken, work=Work.WRITES
    )
    delete_api_token = Endpoint("DELETE", "/api/2/api-tokens/{id}", OfAPIToken, Nothing, work=Work.WRITES)


class ElementsApi(
    LoginApi,
    PasswordsApi,
    ImpersonationApi,
    APITokensApi,
    ProfileApi,
    UsersApi,
    GroupsApi,
    TotpApi,
    TicketsApi,
    AccessTokensApi,
    SharingApi,
    SystemApi,
    Api,
):
    """What is served of ELEMENTS."""

    title = "ELEMENTS API"
    version = "2"
    tag = "auth"
    security: ClassVar[Mapping[str, Mapping[str, str]]] = {
        SCHEME: {"type": "apiKey", "in": "header", "name": "Authorization"}
    }
