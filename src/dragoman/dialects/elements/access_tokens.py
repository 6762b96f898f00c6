"""Handlers of `/auth/access-tokens`: links, listed, shown, revoked and mailed by their people (contract §4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dragoman.core import access_tokens, link_lists
from dragoman.core.link_lists import Filters
from dragoman.dialects.elements.links import address_of, all_shown, opened_by, shown, visible_to
from dragoman.dialects.elements.listing import orders
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.dialects.elements.wire.tokens import (
    ListAccessTokens,
    OfAccessToken,
    OneTimeAccessToken,
    OneTimeAccessTokens,
    SendLinkEmailRequest,
)
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

# What a list can be ordered by, as ELEMENTS calls it.
ORDERS: Mapping[str, str] = {
    "id": "id",
    "user": "account_number",
    "created_by": "creator_number",
    "url": "url",
    "view_limit_enabled": "is_limited",
    "view_limit_left": "views_left",
    "expires": "expires_at",
    "require_login": "requires_sign_in",
    "created_at": "created_at",
}


def get_all_access_tokens(uow: UnitOfWork, call: Call, ask: ListAccessTokens) -> OneTimeAccessTokens:
    """Which asset a bundle is of is known to the product that keeps them: no link is found by one."""
    if ask.shared_bundles__asset is not None:
        return OneTimeAccessTokens([])
    found = link_lists.page(
        uow,
        visible_to=visible_to(uow, call.caller),
        filters=Filters(ask.shared_bundles, ask.shared_directories, ask.user, ask.created_by),
        orders=list(orders(ask, ORDERS)),
        limit=ask.limit,
        offset=ask.offset,
    )
    return OneTimeAccessTokens(list(all_shown(uow, call.exchange, call.caller, found)))


def get_access_token(uow: UnitOfWork, call: Call, ask: OfAccessToken) -> OneTimeAccessToken:
    link = access_tokens.get(uow, ask.id, visible_to=visible_to(uow, call.caller))
    return shown(uow, call.exchange, call.caller, link)


def delete_access_token(uow: UnitOfWork, call: Call, ask: OfAccessToken) -> Nothing:
    access_tokens.revoke(uow, ask.id, visible_to=visible_to(uow, call.caller), by=call.caller)
    return Nothing()


def send_access_token_email_notification(uow: UnitOfWork, call: Call, ask: SendLinkEmailRequest) -> Nothing:
    """To whom the link is opened as, unless the sender says otherwise. The link is always in it."""
    link = access_tokens.get(uow, ask.id, visible_to=opened_by(uow, call.caller))
    address = address_of(uow, call.exchange, access_tokens.token_of(uow, link).reveal())
    access_tokens.mail(uow, link, address, by=call.caller, to=ask.email, subject=ask.subject, words=ask.text)
    return Nothing()


BOUND = (
    serve(ElementsApi.get_all_access_tokens, get_all_access_tokens),
    serve(ElementsApi.get_access_token, get_access_token),
    serve(ElementsApi.delete_access_token, delete_access_token),
    serve(ElementsApi.send_access_token_email_notification, send_access_token_email_notification),
)
