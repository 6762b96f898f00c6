"""Handlers of `/api-tokens`: long-lived secrets for programs, which do all that their owner may (contract §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import api_keys
from dragoman.core.api_keys import ALL, ApiKey
from dragoman.dialects.elements.credentials import TOKEN_FORM
from dragoman.dialects.elements.listing import arranged
from dragoman.dialects.elements.refusals import Unfit
from dragoman.dialects.elements.wire import (
    APIToken,
    APITokenPartialUpdate,
    APITokens,
    APITokenUpdate,
    APITokenWithSecret,
    ElementsApi,
    NewAPIToken,
    OfAPIToken,
)
from dragoman.dialects.elements.wire.fields import Listed
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

NOT_CHOSEN = "Tokens are made by the server."


def shown(key: ApiKey) -> APIToken:
    return APIToken(id=key.number, name=key.name)


def get_all_api_tokens(uow: UnitOfWork, call: Call, ask: Listed) -> APITokens:
    keys = api_keys.owned(uow, call.caller.account.number, uow.origin.dialect)
    by = {"id": lambda key: key.number, "name": lambda key: key.name}
    return APITokens([shown(key) for key in arranged(keys, ask, by)])


def create_api_token(uow: UnitOfWork, call: Call, ask: NewAPIToken) -> APITokenWithSecret:
    """A secret of the caller's own choice might be a guessable one, and is stored as none is that can be guessed."""
    if ask.token:
        raise Unfit("token", NOT_CHOSEN)
    caller = call.caller
    key, secret = api_keys.issue(
        uow,
        caller.account.number,
        uow.origin.dialect,
        name=ask.name,
        permissions=[ALL],
        form=TOKEN_FORM,
        by=caller,
    )
    return APITokenWithSecret(id=key.number, name=key.name, token=secret.reveal())


def own_key(uow: UnitOfWork, call: Call, number: int) -> ApiKey:
    return api_keys.get_numbered(uow, call.caller.account.number, uow.origin.dialect, number)


def get_api_token(uow: UnitOfWork, call: Call, ask: OfAPIToken) -> APIToken:
    return shown(own_key(uow, call, ask.id))


def rename_api_token(uow: UnitOfWork, call: Call, ask: APITokenUpdate | APITokenPartialUpdate) -> APIToken:
    key, caller = own_key(uow, call, ask.id), call.caller
    return shown(
        api_keys.change(uow, caller.account.number, uow.origin.dialect, key.id, name=ask.name, by=caller)
    )


def delete_api_token(uow: UnitOfWork, call: Call, ask: OfAPIToken) -> Nothing:
    key, caller = own_key(uow, call, ask.id), call.caller
    api_keys.revoke(uow, key.id, owner=caller.account.number, dialect=uow.origin.dialect, by=caller)
    return Nothing()


BOUND = (
    serve(ElementsApi.get_all_api_tokens, get_all_api_tokens),
    serve(ElementsApi.create_api_token, create_api_token),
    serve(ElementsApi.get_api_token, get_api_token),
    serve(ElementsApi.update_api_token, rename_api_token),
    serve(ElementsApi.patch_api_token, rename_api_token),
    serve(ElementsApi.delete_api_token, delete_api_token),
)
