"""`/api-keys`: contract §4.1 and §8."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import RootModel, ValidationInfo, WithJsonSchema, model_validator

from dragoman.dialects.immich import permissions, zod
from dragoman.dialects.immich.rules import (
    IS_STRING,
    IS_UUID,
    NOT_EMPTY,
    Rules,
    at_most,
    completed,
    each,
    holding,
    one_of,
)
from dragoman.dialects.immich.wire.fields import A_STRING, ImmichWire, Moment
from dragoman.wire import OMITTED, UNSEEN, Endpoint, InPath, Later, Nothing, Work

LONGEST_NAME = 256
STRINGS = WithJsonSchema({"type": "array", "items": {"type": "string"}})
SOME_STRINGS = WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1})

# The names are the release's own, so it is the release's list that they are looked up in.
KNOWN = Rules(
    holding(1),
    each(one_of(*permissions.V1_134)),
    since_2_7=(holding(1), NOT_EMPTY, each(one_of(*permissions.V2_7))),
    zod=zod.array(zod.enum(permissions.V3_2), 1),
)
KNOWN_IF_GIVEN = Rules(
    holding(1),
    each(one_of(*permissions.V1_134)),
    since_2_7=(holding(1), each(one_of(*permissions.V2_7))),
    zod=zod.array(zod.enum(permissions.V3_2), 1),
)
Id = Annotated[str, InPath(), Rules(IS_UUID, zod=zod.uuid())]
Permissions = Annotated[list[str], KNOWN, SOME_STRINGS]
MaybePermissions = Annotated[list[str] | None, KNOWN_IF_GIVEN, SOME_STRINGS, OMITTED]
MaybeKeyName = Annotated[
    str | None, Rules(NOT_EMPTY, IS_STRING, at_most(LONGEST_NAME), zod=zod.string()), A_STRING, OMITTED
]
NewKeyName = Annotated[
    str | None,
    Rules(NOT_EMPTY, IS_STRING, at_most(LONGEST_NAME), zod=zod.string(), required=("1.134",)),
    A_STRING,
    OMITTED,
]


class OfApiKey(ImmichWire):
    """An ask about one key, by the path."""

    id: Id


class APIKeyCreateDto(ImmichWire):
    name: MaybeKeyName = None
    permissions: Permissions


class APIKeyUpdateDto(ImmichWire):
    id: Id
    name: NewKeyName = None
    permissions: MaybePermissions = None

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, values: Any, info: ValidationInfo) -> Any:
        return completed(cls, values, info)


class APIKeyResponseDto(ImmichWire):
    id: str
    name: str
    created_at: Moment
    updated_at: Moment
    permissions: Annotated[list[str], STRINGS]


class APIKeyCreateResponseDto(ImmichWire):
    """The only answer that shows the secret. 3.2 says everything of the key twice."""

    id: Annotated[str | None, Later()] = None
    name: Annotated[str | None, Later()] = None
    created_at: Annotated[Moment | None, Later()] = None
    updated_at: Annotated[Moment | None, Later()] = None
    permissions: Annotated[list[str] | None, Later(), STRINGS] = None
    secret: Annotated[str, UNSEEN]
    api_key: APIKeyResponseDto


class APIKeyResponses(RootModel[list[APIKeyResponseDto]]):
    """A bare array, the newest first."""


class KeysApi:
    """An account's API keys."""

    create_api_key = Endpoint(
        "POST",
        "/api/api-keys",
        APIKeyCreateDto,
        APIKeyCreateResponseDto,
        status=201,
        work=Work.WRITES,
        tag="API Keys",
    )
    get_api_keys = Endpoint("GET", "/api/api-keys", Nothing, APIKeyResponses, tag="API Keys")
    get_my_api_key = Endpoint("GET", "/api/api-keys/me", Nothing, APIKeyResponseDto, tag="API Keys")
    get_api_key = Endpoint("GET", "/api/api-keys/{id}", OfApiKey, APIKeyResponseDto, tag="API Keys")
    update_api_key = Endpoint(
        "PUT", "/api/api-keys/{id}", APIKeyUpdateDto, APIKeyResponseDto, work=Work.WRITES, tag="API Keys"
    )
    delete_api_key = Endpoint(
        "DELETE", "/api/api-keys/{id}", OfApiKey, Nothing, status=204, work=Work.WRITES, tag="API Keys"
    )
    rotate_api_key = Endpoint(
        "POST",
        "/api/api-keys/{id}/rotate",
        OfApiKey,
        APIKeyCreateResponseDto,
        status=201,
        work=Work.WRITES,
        tag="API Keys",
    )
