"""Handlers of what makes links, and of what opens them (contract §4, §5). What is shared are references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dragoman.core import access_tokens, accounts, link_visits, permissions
from dragoman.core.access_tokens import Kind, NewAccessToken, SharedObject
from dragoman.core.errors import NotSignedIn
from dragoman.core.secrets import Secret
from dragoman.dialects.elements.credentials import device_of, session_cookies
from dragoman.dialects.elements.links import address_of, restricted, shown
from dragoman.dialects.elements.people import detail, to_strangers
from dragoman.dialects.elements.refusals import NoSuchObject, Unfit
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.dialects.elements.wire.tokens import (
    FastLaneEndpointRequest,
    FastLaneEndpointResponse,
    MediaLibraryShareRequest,
    OfObject,
    OfSecret,
    OneTimeAccessToken,
    RestrictedOneTimeAccessToken,
)
from dragoman.dialects.elements.wire.users import MANAGE
from dragoman.handlers import Call, Reply, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.link_visits import Opened
    from dragoman.core.work import Core, UnitOfWork

NOTHING_SHARED = "There is nothing to share: name bundles or directories."
# The token stands in the address: neither caches nor the pages that are linked to learn of it.
DISCREET = (("cache-control", "no-store"), ("referrer-policy", "no-referrer"))


def named(kind: Kind, number: int) -> SharedObject:
    """An object of the product that keeps it, which is not here to ask for its name."""
    return SharedObject(kind, number, f"{kind.capitalize()} {number}")


def share_media_library_objects(core: Core, call: Call, ask: MediaLibraryShareRequest) -> OneTimeAccessToken:
    """A link that is opened as the caller, or as another account by whoever looks after that."""
    shared = [named("bundle", number) for number in ask.bundles or ()]
    shared += [named("directory", number) for number in ask.directories or ()]
    if not shared:
        raise Unfit("non_field_errors", NOTHING_SHARED)
    password = None if ask.password is None else core.tools.hasher.hash(ask.password)
    with core.begin(call.origin, writes=True) as uow:
        new = NewAccessToken(
            account_number=_opened_as(uow, call, ask.user),
            url=_target(shared, ask.link_type),
            shared=shared,
            permissions={name: True for name, is_on in ask.permissions if is_on},
            password=password,
            views=ask.view_limit or None,  # 0 is what links without a limit show
            expires_at=ask.expires,
            requires_sign_in=ask.require_login or not call.settings.anonymous_links,
        )
        link = access_tokens.issue(uow, new, by=call.caller)
        if ask.email is not None:
            address = address_of(uow, call.exchange, access_tokens.token_of(uow, link).reveal())
            access_tokens.mail(uow, link, address, by=call.caller, to=ask.email)
        return shown(uow, call.exchange, call.caller, link)


def _opened_as(uow: UnitOfWork, call: Call, user: int | None) -> int:
    """Visitors are shown whose account it is, so nobody shares as somebody whom they do not look after."""
    caller = call.caller
    if user is None or user == caller.account.number:
        return caller.account.number
    permissions.require(uow, caller, MANAGE)
    account = accounts.find_by_number(uow, user)
    if account is None or account.deleted_at is not None:
        raise NoSuchObject("user", user)
    permissions.require_over(uow, caller, account)
    return user


def _target(shared: Sequence[SharedObject], link_type: str | None = None) -> str:
    """Where in the product's pages a link leads: to the one thing that is shared, or to all."""
    one = shared[0]
    path = (
        f"/media/{'bundles' if one.kind == 'bundle' else 'files'}/{one.id}" if len(shared) == 1 else "/media"
    )
    return path if link_type is None else f"{path}?link_type={link_type}"


def easy_sharing(kind: Kind) -> Callable[[UnitOfWork, Call, OfObject], OneTimeAccessToken]:
    """The handler that gives the caller's standing link of one object of this kind."""

    def get_easy_sharing_token(uow: UnitOfWork, call: Call, ask: OfObject) -> OneTimeAccessToken:
        shared = named(kind, ask.id)
        known_only = not call.settings.anonymous_links
        target = _target([shared])
        link = access_tokens.standing(uow, shared, target, by=call.caller, requires_sign_in=known_only)
        return shown(uow, call.exchange, call.caller, link)

    return get_easy_sharing_token


def end_easy_sharing(kind: Kind) -> Callable[[UnitOfWork, Call, OfObject], Nothing]:
    """The handler that revokes it."""

    def delete_easy_sharing_token(uow: UnitOfWork, call: Call, ask: OfObject) -> Nothing:
        access_tokens.end_standing(uow, kind, ask.id, by=call.caller)
        return Nothing()

    return delete_easy_sharing_token


def show_link(uow: UnitOfWork, call: Call, ask: OfSecret) -> Reply[RestrictedOneTimeAccessToken]:
    """Counts nothing, for mail scanners follow links, too."""
    return Reply(restricted(uow, call.exchange, Secret(ask.token)), DISCREET)


def open_fast_lane(core: Core, call: Call, ask: FastLaneEndpointRequest) -> Reply[FastLaneEndpointResponse]:
    """One view. A link that asks for somebody known sends strangers to sign in first, and counts nothing."""

    def then(uow: UnitOfWork, opened: Opened) -> Reply[FastLaneEndpointResponse]:
        cookies = session_cookies(call.exchange, call.settings, uow.tools, opened.secret, uow.now)
        redirect = ask.override_redirect if _is_ours(ask.override_redirect) else opened.link.url
        answer = FastLaneEndpointResponse(redirect=redirect, user=to_strangers(detail(uow, opened.account)))
        return Reply(answer, (*DISCREET, *cookies))

    password = None if ask.password is None else Secret(ask.password)
    who = (Secret(ask.token), device_of(call.exchange))
    try:
        return link_visits.open_link(
            core, call.origin, *who, then=then, password=password, caller=call.principal
        )
    except NotSignedIn:
        return Reply(FastLaneEndpointResponse(login_redirect="/login"), DISCREET)


def _is_ours(path: str | None) -> bool:
    """Whether a browser that is sent there stays: a link that leads anywhere would help a phisher."""
    return (
        path is not None
        and path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and path.isprintable()
    )


BOUND = (
    serve_hashing(ElementsApi.share_media_library_objects, share_media_library_objects),
    serve(ElementsApi.get_easy_sharing_token_for_bundle, easy_sharing("bundle")),
    serve(ElementsApi.delete_easy_sharing_token_for_bundle, end_easy_sharing("bundle")),
    serve(ElementsApi.get_easy_sharing_token_for_directory, easy_sharing("directory")),
    serve(ElementsApi.delete_easy_sharing_token_for_directory, end_easy_sharing("directory")),
    serve(ElementsApi.get_access_token_by_value, show_link),
    serve(ElementsApi.show_fast_lane, show_link),
    serve_hashing(ElementsApi.open_fast_lane, open_fast_lane),
)
