"""Portainer's contract: its shapes, field for field and in the order it prints them, and its operations.

Sections (§) are those of the Portainer contract facts. Method names are those of the product's document, so
that a program changes from its generated client to ours by changing its import. What is signed in with is in
this file; users, settings and the server's own facts have files of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, Strict

from dragoman.dialects.portainer.wire.fields import Password, Payload, filled
from dragoman.dialects.portainer.wire.settings import SettingsApi
from dragoman.dialects.portainer.wire.system import SystemApi
from dragoman.dialects.portainer.wire.users import UsersApi
from dragoman.wire import UNSEEN, Access, Api, Described, Endpoint, Nothing, Work

RESPONSES = {200: "Success", 400: "Invalid request", 422: "Invalid Credentials", 500: "Server error"}


class AuthAuthenticatePayload(Payload):
    username: Annotated[str, Strict(), filled("Invalid username"), Field(description="Username")]
    password: Annotated[Password, Field(description="Password")]


class AuthAuthenticateResponse(Payload):
    jwt: Annotated[str, UNSEEN, Field(description="JWT token used to authenticate against the API")]


class AuthOauthPayload(Payload):
    code: Annotated[
        str,
        Strict(),
        filled("Invalid OAuth authorization code"),
        UNSEEN,
        Field(description="OAuth code returned from OAuth Provided"),
    ]


class AuthApi:
    """`/auth` (§1)."""

    authenticate_user = Endpoint(
        "POST",
        "/api/auth",
        AuthAuthenticatePayload,
        AuthAuthenticateResponse,
        access=Access.PUBLIC,
        work=Work.HASHES,
        described=Described(
            summary="Authenticate",
            description="**Access policy**: public\n"
            "Use this environment(endpoint) to authenticate against Portainer using a username and password.",
            responses=RESPONSES,
            body="Credentials used for authentication",
            body_name="body",
        ),
    )
    logout = Endpoint(
        "POST",
        "/api/auth/logout",
        Nothing,
        Nothing,
        status=204,
        access=Access.PUBLIC,
        work=Work.WRITES,
        described=Described(
            summary="Logout",
            description="**Access policy**: public",
            responses={204: "Success", 500: "Server error"},
            secured_by=("jwt", "ApiKeyAuth"),
        ),
    )
    validate_o_auth = Endpoint(
        "POST",
        "/api/auth/oauth/validate",
        AuthOauthPayload,
        AuthAuthenticateResponse,
        access=Access.PUBLIC,
        work=Work.CALLS_OUT,
        described=Described(
            summary="Authenticate with OAuth",
            description="**Access policy**: public",
            responses=RESPONSES,
            body="OAuth Credentials used for authentication",
            body_name="body",
        ),
    )


class PortainerApi(AuthApi, UsersApi, SettingsApi, SystemApi, Api):
    """What is served of Portainer: its sign-in, its users, and what clients ask around a sign-in (§3)."""

    title = "PortainerCE API"
    description = "Portainer API is an HTTP API served by Portainer."
    version = "2.33.6"
    base = "/api"
    tag = "auth"
    security: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "jwt": {"type": "apiKey", "in": "header", "name": "Authorization"},
        "ApiKeyAuth": {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
    }
