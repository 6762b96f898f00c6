"""Aivo's authentication API as its page prints it: contract §1. Nothing here knows of a server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from dragoman.wire import OMITTED, UNSEEN, Access, Api, Described, Endpoint, Nothing, Wire, Work, camel

Role = Literal["super_admin", "tenant_admin", "instructor", "learner"]
Status = Literal["active", "inactive", "pending", "suspended"]


def trimmed(value: Any) -> Any:
    """An address without the blanks that were typed around it."""
    return value.strip() if isinstance(value, str) else value


def an_address(value: str) -> str:
    """Refuses what has not the form of an e-mail address."""
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        raise PydanticCustomError("email", "must be a valid email address")
    return value


Uuid = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
AnEmail = WithJsonSchema({"type": "string", "format": "email"})


class AivoWire(Wire):
    model_config = ConfigDict(alias_generator=camel)


class LoginRequest(AivoWire):
    email: Annotated[str, BeforeValidator(trimmed), AfterValidator(an_address), AnEmail]
    password: Annotated[
        str,
        Field(min_length=8),
        UNSEEN,
        WithJsonSchema({"type": "string", "format": "password", "minLength": 8}),
    ]


class RefreshTokenRequest(AivoWire):
    refresh_token: Annotated[str, UNSEEN]


class User(AivoWire):
    id: Uuid
    email: Annotated[str, AnEmail]
    first_name: str
    last_name: str
    role: Role
    tenant_id: Uuid
    status: Status
    avatar: Annotated[str | None, WithJsonSchema({"type": "string", "format": "uri", "nullable": True})] = (
        None
    )
    last_login_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


class AuthResponse(AivoWire):
    access_token: Annotated[str, UNSEEN]
    refresh_token: Annotated[str, UNSEEN]
    user: User
    expires_in: int


class Error(AivoWire):
    error: str
    message: str
    details: Annotated[
        dict[str, Any] | None, OMITTED, WithJsonSchema({"type": "object", "additionalProperties": True})
    ] = None


class ValidationErrorValidationErrorsInner(AivoWire):
    """What is wrong with one field. The long name is what generators make of a shape without one."""

    field: str
    message: str


class ValidationError(AivoWire):
    error: str
    message: str
    validation_errors: list[ValidationErrorValidationErrorsInner]


class JsonWebKeySet(AivoWire):
    """RFC 7517 §5."""

    keys: list[dict[str, Any]]


BEARER = "bearerAuth"


class AivoApi(Api):
    """Aivo's operations at sign-in. The first three are the page "AuthenticationApi"."""

    title = "Authentication Service API"
    description = "Core authentication and authorization service"
    version = "1.0.0"
    contact: ClassVar[Mapping[str, str]] = {"name": "API Support", "email": "api-support@aivo.com"}
    base = "/auth/v1"
    tag = "Authentication"
    security: ClassVar[Mapping[str, Mapping[str, str]]] = {
        BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }

    login = Endpoint(
        "POST",
        "/auth/v1/login",
        LoginRequest,
        AuthResponse,
        access=Access.PUBLIC,
        work=Work.HASHES,
        described=Described(
            "Authenticate user",
            responses={
                200: "Authentication successful",
                401: "Authentication failed",
                422: "Validation error",
            },
            refusals={401: Error, 422: ValidationError},
        ),
    )
    # The page says that it takes a bearer token. That one has expired when this is called, so it is not asked for.
    refresh_token = Endpoint(
        "POST",
        "/auth/v1/refresh",
        RefreshTokenRequest,
        AuthResponse,
        access=Access.PUBLIC,
        work=Work.WRITES,
        described=Described(
            "Refresh access token",
            responses={200: "Token refreshed successfully", 401: "Invalid refresh token"},
            refusals={401: Error},
            secured_by=(BEARER,),
        ),
    )
    logout = Endpoint(
        "POST",
        "/auth/v1/logout",
        Nothing,
        Nothing,
        status=204,
        work=Work.WRITES,
        described=Described(
            "Logout user",
            responses={204: "Logout successful", 401: "Unauthorized"},
            refusals={401: Error},
        ),
    )
    get_current_user = Endpoint(
        "GET",
        "/auth/v1/me",
        Nothing,
        User,
        work=Work.GLANCES,
        tag="Profile",
        described=Described(
            "Get current user profile",
            responses={200: "User profile retrieved successfully", 401: "Unauthorized"},
            refusals={401: Error},
        ),
    )
    get_key_set = Endpoint(
        "GET",
        "/auth/v1/.well-known/jwks.json",
        Nothing,
        JsonWebKeySet,
        access=Access.PUBLIC,
        tag="Keys",
        described=Described("Get the public keys that verify access tokens", responses={200: "The keys"}),
    )
