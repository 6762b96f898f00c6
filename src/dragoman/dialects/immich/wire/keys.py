"""`/api-keys`: contract §4.1 and §8."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ValidationInfo, WithJsonSchema, model_validator

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.rules import completed
from dragoman.dialects.immich.wire.fields import A_STRING, ImmichWire, Moment
from dragoman.wire import OMITTED, UNSEEN, Array, Endpoint, InPath, Later, Nothing, Work

STRINGS = WithJsonSchema({"type": "array", "items": {"type": "string"}})
SOME_STRINGS = WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1})

Id = Annotated[str, InPath(), rules.UUID]
Permissions = Annotated[list[str], rules.PERMISSIONS, SOME_STRINGS]
MaybePermissions = Annotated[list[str] | None, rules.OTHER_PERMISSIONS, SOME_STRINGS, OMITTED]
MaybeKeyName = Annotated[str | None, rules.KEY_NAME, A_STRING, OMITTED]
NewKeyName = Annotated[str | None, rules.OTHER_KEY_NAME, A_STRING, OMITTED]


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


class APIKeyResponses(Array[APIKeyResponseDto]):
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
