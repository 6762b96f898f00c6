"""Portainer's client: its sign-in, users and API keys, against Dragoman or against Portainer 2.20 and later.

    from dragoman.dialects import portainer

    with portainer.Client("https://portainer.example.org") as client:
        client.authenticate_user(username="admin", password=getpass())
        me = client.current_user_inspect()
        made = client.user_generate_api_key(id=me.id, description="backup", password=getpass())

    async with portainer.AsyncClient("https://portainer.example.org", api_key=made.raw_api_key) as client:
        users = await client.user_list()

The base URL may end in `/api` or not. `authenticate_user` keeps the token, which is sent from then on rather
than an API key; `logout` forgets it. Portainer itself then ends only the session of a browser, which shows a
cookie: a token that was got here is good until it expires, or the password changes. What goes wrong is a
`ClientError`: `dragoman.client` draws the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from dragoman.dialects.portainer.wire import (
    AuthAuthenticatePayload,
    AuthAuthenticateResponse,
    AuthOauthPayload,
    PortainerApi,
)
from dragoman.dialects.portainer.wire.settings import (
    PortainerGlobalDeploymentOptions,
    PortainerInternalAuthSettings,
    PortainerOAuthSettings,
    PortainerSettings,
    SettingsPublicSettingsResponse,
    SettingsPublicSettingsResponseEdge,
)
from dragoman.dialects.portainer.wire.system import (
    BuildBuildInfo,
    MotdMotdResponse,
    SystemNodesCountResponse,
    SystemStatus,
    SystemSystemInfoResponse,
    SystemVersionResponse,
    Things,
)
from dragoman.dialects.portainer.wire.users import (
    ADMINISTRATOR,
    OfApiKey,
    OfUser,
    PortainerAPIKey,
    PortainerAPIKeys,
    PortainerCurrentUser,
    PortainerListedUser,
    PortainerListedUsers,
    PortainerTeamMembership,
    PortainerTeamMemberships,
    PortainerUser,
    PortainerUserThemeSettings,
    UsersAccessTokenResponse,
    UsersAdminInitPayload,
    UsersThemePayload,
    UsersUserAccessTokenCreatePayload,
    UsersUserCreatePayload,
    UsersUserUpdatePasswordPayload,
    UsersUserUpdatePayload,
)
from dragoman.wire import Nothing, Wire

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "AsyncClient",
    "AuthAuthenticatePayload",
    "AuthAuthenticateResponse",
    "AuthOauthPayload",
    "BuildBuildInfo",
    "Client",
    "ClientError",
    "Forbidden",
    "MotdMotdResponse",
    "Nothing",
    "OfApiKey",
    "OfUser",
    "PortainerAPIKey",
    "PortainerAPIKeys",
    "PortainerApi",
    "PortainerCurrentUser",
    "PortainerGlobalDeploymentOptions",
    "PortainerInternalAuthSettings",
    "PortainerListedUser",
    "PortainerListedUsers",
    "PortainerOAuthSettings",
    "PortainerSettings",
    "PortainerTeamMembership",
    "PortainerTeamMemberships",
    "PortainerUser",
    "PortainerUserThemeSettings",
    "Refused",
    "SettingsPublicSettingsResponse",
    "SettingsPublicSettingsResponseEdge",
    "SystemNodesCountResponse",
    "SystemStatus",
    "SystemSystemInfoResponse",
    "SystemVersionResponse",
    "Things",
    "TimedOut",
    "TryLater",
    "Unauthorized",
    "Unintelligible",
    "Unreachable",
    "UsersAccessTokenResponse",
    "UsersAdminInitPayload",
    "UsersThemePayload",
    "UsersUserAccessTokenCreatePayload",
    "UsersUserCreatePayload",
    "UsersUserUpdatePasswordPayload",
    "UsersUserUpdatePayload",
]


def token_in(answer: BaseModel) -> str | None:
    return answer.jwt if isinstance(answer, AuthAuthenticateResponse) else None


class Refusal(Wire):
    """A refusal's JSON (contract §0); `error` alone is Dragoman's own, before it knows which dialect is meant."""

    message: str = ""
    details: str = ""
    error: str = ""


def complaints(body: object) -> Sequence[str]:
    """The message of a refusal, and its details where they say more."""
    try:
        refusal = Refusal.model_validate(body)
    except ValidationError:
        return ()
    said = refusal.message or refusal.error
    repeats = refusal.details.lower() == said.lower()
    return (said,) if repeats else (said, refusal.details)


def sign_in(portainer: Client, name: str, password: str) -> AuthAuthenticateResponse:
    return portainer.authenticate_user(username=name, password=password)


def whoami(portainer: Client) -> client.Person:
    me = portainer.current_user_inspect()
    return client.Person(str(me.id), me.username, me.username, me.role == ADMINISTRATOR)


MANNERS = client.Manners(
    # Never both: Portainer refuses whoever shows the two (contract §1.1).
    credentials=client.bearer_or_key,
    complaints=complaints,
    token_in=token_in,
    signs_out=(PortainerApi.logout,),
    base=PortainerApi.base,
    sign_in=sign_in,
    whoami=whoami,
)


class Client(PortainerApi, client.SyncClient):
    """Portainer, call by call: `Client(base_url, token=…)`, `Client(base_url, api_key=…)` or neither."""

    manners = MANNERS


class AsyncClient(PortainerApi, client.AsyncClient):
    """Portainer, awaited: made as `Client` is."""

    manners = MANNERS
