"""Shoko, for Python programs: `shoko.Client` and `shoko.AsyncClient`, whose methods are its operations.

with shoko.Client("https://anime.example.org", api_key=kept) as client:
    print(client.user_current_get().username)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

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
from dragoman.dialects.shoko.wire import (
    RELEASE,
    AuthKey,
    AuthUser,
    AuthUserDevice,
    AuthUserDevices,
    BlockedDatabase,
    ChangePasswordBody,
    ComponentVersion,
    ComponentVersions,
    Credentials,
    DefaultUser,
    KeyToDelete,
    NamedVersion,
    NamedVersions,
    NewPassword,
    Pong,
    ServerStatus,
    ShokoApi,
    StartupStatus,
    User,
)
from dragoman.wire import Nothing, Wire

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "AsyncClient",
    "AuthKey",
    "AuthUser",
    "AuthUserDevice",
    "AuthUserDevices",
    "BlockedDatabase",
    "ChangePasswordBody",
    "Client",
    "ClientError",
    "ComponentVersion",
    "ComponentVersions",
    "Credentials",
    "DefaultUser",
    "Forbidden",
    "KeyToDelete",
    "NamedVersion",
    "NamedVersions",
    "NewPassword",
    "Nothing",
    "Pong",
    "Refused",
    "ServerStatus",
    "ShokoApi",
    "StartupStatus",
    "TimedOut",
    "TryLater",
    "Unauthorized",
    "Unintelligible",
    "Unreachable",
    "User",
]


def credentials(token: str | None, api_key: str | None) -> Mapping[str, str]:
    """A key is a key, whether it was given or came of a sign-in (contract §2.1)."""
    key = token or api_key
    return {} if key is None else {"apikey": key}


def token_in(answer: BaseModel) -> str | None:
    return answer.apikey if isinstance(answer, AuthKey) else None


class Problem(Wire):
    """A refusal's JSON. `error` alone is Dragoman's own, before it knows which dialect is meant."""

    title: str = ""
    detail: str = ""
    errors: Mapping[str, tuple[str, ...]] = {}
    error: str = ""


def complaints(body: object) -> Sequence[str]:
    """The sentences in a refusal: of every field that is not valid, else the detail or the title."""
    try:
        problem = Problem.model_validate(body)
    except ValidationError:
        return ()
    fields = [": ".join(filter(None, (name, said))) for name, each in problem.errors.items() for said in each]
    return fields or [problem.detail or problem.title or problem.error]


DEVICE = "dragoman"


def sign_in(speaker: Client, name: str, password: str) -> object:
    """A sign-in as the device `dragoman`."""
    return speaker.api_auth_post(user=name, pass_=password, device=DEVICE)


def whoami(speaker: Client) -> client.Person:
    """Who the key is of."""
    user = speaker.user_current_get()
    return client.Person(str(user.id), user.username, user.username, user.is_admin)


MANNERS = client.Manners(
    credentials=credentials,
    complaints=complaints,
    token_in=token_in,
    signs_out=(ShokoApi.api_auth_change_password_post,),
    base=ShokoApi.base,
    releases={RELEASE.name: RELEASE},
    sign_in=sign_in,
    whoami=whoami,
)


class Client(ShokoApi, client.SyncClient):
    """Shoko, call by call: `Client(base_url, api_key=…)`, or without a key until `api_auth_post` brings one."""

    manners = MANNERS


class AsyncClient(ShokoApi, client.AsyncClient):
    """Shoko, awaited: made as `Client` is."""

    manners = MANNERS
