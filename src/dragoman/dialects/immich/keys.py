"""Handlers of `/api-keys` (contract §4.1, §8)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from dragoman.core import api_keys
from dragoman.core.api_keys import ApiKey
from dragoman.core.errors import ApiKeyRequired
from dragoman.core.secrets import Secret
from dragoman.dialects.immich.releases import spoken_by
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.dialects.immich.wire.keys import (
    APIKeyCreateDto,
    APIKeyCreateResponseDto,
    APIKeyResponseDto,
    APIKeyResponses,
    APIKeyUpdateDto,
    OfApiKey,
)
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

DEFAULT_NAME = "API Key"


def shown(call: Call, key: ApiKey) -> dict[str, Any]:
    """What Immich tells of a key; its permissions by the names of the release spoken."""
    return {
        "id": str(key.id),
        "name": key.name,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
        "permissions": list(spoken_by(call.exchange.release).spoken(key.permissions)),
    }


def shown_once(call: Call, key: ApiKey, secret: Secret) -> APIKeyCreateResponseDto:
    """A key and its secret, which is shown to nobody again."""
    told = shown(call, key)
    return APIKeyCreateResponseDto(**told, secret=secret.reveal(), api_key=APIKeyResponseDto(**told))


def create_api_key(uow: UnitOfWork, call: Call, ask: APIKeyCreateDto) -> APIKeyCreateResponseDto:
    caller = call.caller
    key, secret = api_keys.issue(
        uow,
        caller.account.number,
        uow.origin.dialect,
        name=ask.name or DEFAULT_NAME,
        permissions=ask.permissions,
        by=caller,
    )
    return shown_once(call, key, secret)


def get_api_keys(uow: UnitOfWork, call: Call, _ask: Nothing) -> APIKeyResponses:
    found = api_keys.owned(uow, call.caller.account.number, uow.origin.dialect)
    return APIKeyResponses([APIKeyResponseDto(**shown(call, key)) for key in found])


def get_my_api_key(_uow: UnitOfWork, call: Call, _ask: Nothing) -> APIKeyResponseDto:
    key = call.caller.api_key
    if key is None:
        raise ApiKeyRequired
    return APIKeyResponseDto(**shown(call, key))


def get_api_key(uow: UnitOfWork, call: Call, ask: OfApiKey) -> APIKeyResponseDto:
    key = api_keys.get_owned(uow, call.caller.account.number, uow.origin.dialect, uuid.UUID(ask.id))
    return APIKeyResponseDto(**shown(call, key))


def update_api_key(uow: UnitOfWork, call: Call, ask: APIKeyUpdateDto) -> APIKeyResponseDto:
    caller, dialect = call.caller, uow.origin.dialect
    # 3.2 lets an empty name pass, which is none: the name stays.
    key = api_keys.change(
        uow,
        caller.account.number,
        dialect,
        uuid.UUID(ask.id),
        name=ask.name or None,
        permissions=ask.permissions,
        by=caller,
    )
    return APIKeyResponseDto(**shown(call, key))


def delete_api_key(uow: UnitOfWork, call: Call, ask: OfApiKey) -> Nothing:
    caller = call.caller
    api_keys.revoke(
        uow, uuid.UUID(ask.id), owner=caller.account.number, dialect=uow.origin.dialect, by=caller
    )
    return Nothing()


def rotate_api_key(uow: UnitOfWork, call: Call, ask: OfApiKey) -> APIKeyCreateResponseDto:
    caller = call.caller
    key, secret = api_keys.rotate(
        uow, caller.account.number, uow.origin.dialect, uuid.UUID(ask.id), by=caller
    )
    return shown_once(call, key, secret)


BOUND = (
    serve(ImmichApi.create_api_key, create_api_key),
    serve(ImmichApi.get_api_keys, get_api_keys),
    serve(ImmichApi.get_my_api_key, get_my_api_key),
    serve(ImmichApi.get_api_key, get_api_key),
    serve(ImmichApi.update_api_key, update_api_key),
    serve(ImmichApi.delete_api_key, delete_api_key),
    serve(ImmichApi.rotate_api_key, rotate_api_key),
)
