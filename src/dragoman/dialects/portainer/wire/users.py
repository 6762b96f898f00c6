"""The shapes of `/users`: contract §2.3, §2.8, §3."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict, WithJsonSchema

from dragoman.dialects.portainer.wire.fields import (
    AN_INTEGER,
    LARGEST,
    Answered,
    Demand,
    MaybeSecret,
    MaybeText,
    Password,
    Payload,
    UserId,
    Username,
    filled,
)
from dragoman.wire import OMITTED, UNSEEN, Access, Array, Endpoint, InPath, Nothing, Work

ADMINISTRATOR, STANDARD = 1, 2
LONGEST_DESCRIPTION = 127  # characters
BAD_ROLE = "Invalid role value. Value must be one of: 1 (administrator) or 2 (regular user)"

Role = Annotated[
    int, Strict(), Demand(((lambda role: role in (ADMINISTRATOR, STANDARD), BAD_ROLE),), zero=0), AN_INTEGER
]
MaybeRole = Annotated[
    int,
    Strict(),
    Demand(((lambda role: role in (0, ADMINISTRATOR, STANDARD), BAD_ROLE),), zero=0),
    AN_INTEGER,
]
MaybeUsername = Annotated[
    str,
    Strict(),
    Demand(((lambda name: " " not in name, "Invalid username. Must not contain any whitespace"),)),
]
Description = Annotated[
    str,
    Strict(),
    Demand(
        (
            (bool, "Invalid description: cannot be empty"),
            (lambda text: bool(text.strip()), "Invalid description: cannot contain only whitespaces"),
            (
                lambda text: len(text) <= LONGEST_DESCRIPTION,
                "Invalid description: cannot be longer than 128 characters",
            ),
        )
    ),
]
MaybeFlag = Annotated[bool | None, Strict(), WithJsonSchema({"type": "boolean"}), OMITTED]

Authorizations = dict[str, bool]


class OfUser(Payload):
    """An ask about one user, by the path."""

    id: UserId


class UsersAdminInitPayload(Payload):
    username: Username
    password: Password


class UsersUserCreatePayload(Payload):
    username: Username
    password: MaybeSecret = ""
    role: Role


class UsersThemePayload(Payload):
    color: MaybeText = ""


class UsersUserUpdatePayload(Payload):
    id: UserId
    username: MaybeUsername = ""
    password: MaybeSecret = ""
    new_password: MaybeSecret = ""
    use_cache: MaybeFlag = None
    role: MaybeRole = 0
    theme: Annotated[UsersThemePayload | None, OMITTED] = None


class UsersUserUpdatePasswordPayload(Payload):
    id: UserId
    password: Annotated[str, Strict(), filled("Invalid current password"), UNSEEN]
    new_password: Annotated[str, Strict(), filled("Invalid new password"), UNSEEN]


class UsersUserAccessTokenCreatePayload(Payload):
    id: UserId
    description: Description
    password: MaybeSecret = ""


class OfApiKey(Payload):
    """An ask about one API key of a user, by the path."""

    id: UserId
    key_id: Annotated[int, InPath(), Field(alias="keyID", ge=-LARGEST, le=LARGEST), AN_INTEGER]


class PortainerUserThemeSettings(Payload):
    color: str


class PortainerUser(Answered):
    """What a user may do by names is null here. A real Portainer may tell it, of an environment by its id."""

    id: int
    username: str
    role: int
    token_issue_at: int
    theme_settings: PortainerUserThemeSettings
    use_cache: bool
    portainer_authorizations: Authorizations | None = None
    endpoint_authorizations: dict[str, Authorizations] | None = None


class PortainerCurrentUser(PortainerUser):
    """What a caller is told of themselves."""

    force_change_password: Annotated[bool, Field(alias="forceChangePassword")]


class PortainerListedUser(Answered):
    id: int
    username: str
    role: int


class PortainerListedUsers(Array[PortainerListedUser]):
    """A bare array."""


class PortainerTeamMembership(Answered):
    id: int
    user_id: Annotated[int, Field(alias="UserID")]
    team_id: Annotated[int, Field(alias="TeamID")]
    role: int


class PortainerTeamMemberships(Array[PortainerTeamMembership]):
    """A bare array."""


class PortainerAPIKey(Payload):
    """Dates are seconds since 1970; `digest` is told once, with the key itself."""

    id: int
    user_id: int
    description: str
    prefix: str
    date_created: int
    last_used: int
    digest: Annotated[str | None, OMITTED] = None


class PortainerAPIKeys(Array[PortainerAPIKey]):
    """A bare array."""


class UsersAccessTokenResponse(Payload):
    """The only answer that shows the key."""

    raw_api_key: Annotated[str, UNSEEN, Field(alias="rawAPIKey")]
    api_key: PortainerAPIKey


class UsersApi:
    """Users and their API keys."""

    user_admin_check = Endpoint(
        "GET", "/api/users/admin/check", Nothing, Nothing, status=204, access=Access.PUBLIC, tag="users"
    )
    user_admin_init = Endpoint(
        "POST",
        "/api/users/admin/init",
        UsersAdminInitPayload,
        PortainerUser,
        access=Access.PUBLIC,
        work=Work.HASHES,
        tag="users",
    )
    current_user_inspect = Endpoint(
        "GET", "/api/users/me", Nothing, PortainerCurrentUser, work=Work.GLANCES, tag="users"
    )
    user_list = Endpoint("GET", "/api/users", Nothing, PortainerListedUsers, access=Access.ADMIN, tag="users")
    user_create = Endpoint(
        "POST",
        "/api/users",
        UsersUserCreatePayload,
        PortainerUser,
        access=Access.ADMIN,
        work=Work.HASHES,
        tag="users",
    )
    user_inspect = Endpoint("GET", "/api/users/{id}", OfUser, PortainerUser, tag="users")
    user_update = Endpoint(
        "PUT", "/api/users/{id}", UsersUserUpdatePayload, PortainerUser, work=Work.HASHES, tag="users"
    )
    user_delete = Endpoint(
        "DELETE",
        "/api/users/{id}",
        OfUser,
        Nothing,
        status=204,
        access=Access.ADMIN,
        work=Work.WRITES,
        tag="users",
    )
    user_update_password = Endpoint(
        "PUT",
        "/api/users/{id}/passwd",
        UsersUserUpdatePasswordPayload,
        Nothing,
        status=204,
        work=Work.HASHES,
        tag="users",
    )
    user_memberships_inspect = Endpoint(
        "GET", "/api/users/{id}/memberships", OfUser, PortainerTeamMemberships, tag="users"
    )
    user_generate_api_key = Endpoint(
        "POST",
        "/api/users/{id}/tokens",
        UsersUserAccessTokenCreatePayload,
        UsersAccessTokenResponse,
        status=201,
        work=Work.HASHES,
        tag="users",
    )
    user_get_api_keys = Endpoint("GET", "/api/users/{id}/tokens", OfUser, PortainerAPIKeys, tag="users")
    user_remove_api_key = Endpoint(
        "DELETE",
        "/api/users/{id}/tokens/{keyID}",
        OfApiKey,
        Nothing,
        status=204,
        work=Work.WRITES,
        tag="users",
    )
