"""Aivo's client: every operation of its authentication API, against Dragoman or against Aivo itself.

    from dragoman.dialects import aivo

    with aivo.Client("https://id.example.org/aivo") as client:
        client.login(email="me@example.org", password=getpass())
        print(client.get_current_user().role)
        client.logout()

    async with aivo.AsyncClient(url, token=kept, refresh_token=also_kept) as client:
        me = await client.get_current_user()

The base URL may end in `/auth/v1` or not. `login` keeps both tokens, `logout` forgets them. When the access token
has expired the client renews it by itself, and says what was to be said once more: once for a call, and of many
calls at the same time one renews. `token` and `kept_refresh_token` are what to keep for the next run; both change
with every renewal. What goes wrong is a `ClientError`: `dragoman.client` draws the tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pydantic

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
from dragoman.dialects.aivo.wire import (
    AivoApi,
    AuthResponse,
    Error,
    JsonWebKeySet,
    LoginRequest,
    RefreshTokenRequest,
    Role,
    Status,
    User,
    ValidationError,
    ValidationErrorValidationErrorsInner,
)
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "AivoApi",
    "AsyncClient",
    "AuthResponse",
    "Client",
    "ClientError",
    "Error",
    "Forbidden",
    "JsonWebKeySet",
    "LoginRequest",
    "Nothing",
    "RefreshTokenRequest",
    "Refused",
    "Role",
    "Status",
    "TimedOut",
    "TryLater",
    "Unauthorized",
    "Unintelligible",
    "Unreachable",
    "User",
    "ValidationError",
    "ValidationErrorValidationErrorsInner",
]


def credentials(token: str | None, _api_key: str | None) -> Mapping[str, str]:
    """A bearer token; Aivo knows no API keys."""
    return {} if token is None else {"authorization": f"Bearer {token}"}


def token_in(answer: BaseModel) -> str | None:
    return answer.access_token if isinstance(answer, AuthResponse) else None


def refresh_token_in(answer: BaseModel) -> str | None:
    return answer.refresh_token if isinstance(answer, AuthResponse) else None


class Refusal(Error):
    """A refusal's JSON, of a validation or any other. `error` alone is Dragoman's own, before it knows the dialect."""

    message: str = ""
    validation_errors: tuple[ValidationErrorValidationErrorsInner, ...] = ()


def complaints(body: object) -> Sequence[str]:
    """The sentences in a refusal: every field's as `email: …`, else the message."""
    try:
        refusal = Refusal.model_validate(body)
    except pydantic.ValidationError:
        return ()
    fields = [f"{each.field}: {each.message}" for each in refusal.validation_errors]
    return fields or [refusal.message or refusal.error]


def sign_in(aivo: Client, name: str, password: str) -> AuthResponse:
    return aivo.login(email=name, password=password)


def whoami(aivo: Client) -> client.Person:
    me = aivo.get_current_user()
    name = f"{me.first_name} {me.last_name}".strip()
    return client.Person(me.id, me.email, name, me.role in ("super_admin", "tenant_admin"))


MANNERS = client.Manners(
    credentials=credentials,
    complaints=complaints,
    token_in=token_in,
    signs_out=(AivoApi.logout,),
    base=AivoApi.base,
    sign_in=sign_in,
    whoami=whoami,
    renewal=client.Renewal(
        AivoApi.refresh_token,
        ask=lambda token: RefreshTokenRequest(refresh_token=token),
        refresh_token_in=refresh_token_in,
    ),
)


class Client(AivoApi, client.SyncClient):
    """Aivo, call by call: `Client(base_url)`, or with `token=…` and `refresh_token=…` kept from a sign-in."""

    manners = MANNERS


class AsyncClient(AivoApi, client.AsyncClient):
    """Aivo, awaited: made as `Client` is."""

    manners = MANNERS
