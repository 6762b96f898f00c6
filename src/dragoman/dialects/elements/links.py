"""How one-time access tokens look to ELEMENTS: to their people, and to whoever holds one (contract §2, §4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dragoman.core import access_tokens, accounts, link_visits, permissions
from dragoman.dialects.elements.people import mini, to_strangers
from dragoman.dialects.elements.wire.described import ADMIN
from dragoman.dialects.elements.wire.tokens import (
    FAST_LANE,
    OneTimeAccessToken,
    OneTimeAccessTokenActivity,
    OneTimeAccessTokenSharedObject,
    RestrictedOneTimeAccessToken,
)
from dragoman.dialects.elements.wire.users import MANAGE

if TYPE_CHECKING:
    from dragoman.core.access_tokens import OneTimeAccessToken as Link
    from dragoman.core.access_tokens import SharedObject
    from dragoman.core.link_visits import Visit
    from dragoman.core.principals import Principal
    from dragoman.core.secrets import Secret
    from dragoman.core.work import UnitOfWork
    from dragoman.exchange import Exchange

HIDDEN = "hidden"  # in place of a token: the field must not be empty
AT_A_TIME = 500


def visible_to(uow: UnitOfWork, caller: Principal) -> int | None:
    """Whose links a caller sees: their own, or all if they look after users or after the whole (§4)."""
    rights = permissions.of(uow, caller.account)
    return None if rights.allows(MANAGE) or rights.allows(ADMIN) else caller.account.number


def opened_by(uow: UnitOfWork, caller: Principal) -> int | None:
    """Whose links a caller may open and hand on: their own, or all if they are an administrator, by a group too."""
    return None if permissions.of(uow, caller.account).allows(ADMIN) else caller.account.number


def address_of(uow: UnitOfWork, exchange: Exchange, token: str) -> str:
    """Where a link is opened: below this server's address, or at the dialect's own host name."""
    scheme, _, _ = uow.rules.root.partition("://")
    root = f"{uow.rules.root}{exchange.mount}" if exchange.mount else f"{scheme}://{exchange.host}"
    return f"{root}{FAST_LANE}{token}"


def shown(uow: UnitOfWork, exchange: Exchange, caller: Principal, link: Link) -> OneTimeAccessToken:
    return next(all_shown(uow, exchange, caller, [link]))


def all_shown(
    uow: UnitOfWork, exchange: Exchange, caller: Principal, links: Sequence[Link]
) -> Iterator[OneTimeAccessToken]:
    """Links as their people see them, in their order."""
    opener = opened_by(uow, caller)
    for start in range(0, len(links), AT_A_TIME):
        some = links[start : start + AT_A_TIME]
        ids = [link.id for link in some]
        shared, visits = access_tokens.shared_by(uow, ids), link_visits.visits_of(uow, ids)
        numbers = {number for link in some for number in (link.account_number, link.creator_number)}
        people = accounts.find_all(uow, numbers)
        for link in some:
            yield OneTimeAccessToken(
                id=link.id,
                activity=[_activity(visit) for visit in visits.get(link.id, ())],
                user=mini(people[link.account_number]),
                created_by=mini(people[link.creator_number]),
                # The one temporary permission that there is for a link has the link's own number.
                media_root_permissions=[link.id],
                shared_bundles=_of_kind(shared.get(link.id, ()), "bundle"),
                shared_directories=_of_kind(shared.get(link.id, ()), "directory"),
                full_url=address_of(uow, exchange, token := _token(uow, opener, link)),
                url=link.url,
                token=token,
                view_limit_enabled=link.is_limited,
                view_limit_left=link.views_left,
                expires=link.expires_at,
                require_login=link.requires_sign_in,
                is_easy_sharing_for_bundle=link.standing_id if link.standing_kind == "bundle" else None,
                is_easy_sharing_for_directory=link.standing_id if link.standing_kind == "directory" else None,
                created_at=link.created_at,
                has_password=link.has_password,
            )


def _token(uow: UnitOfWork, opener: int | None, link: Link) -> str:
    """What opens a link: for its people and for administrators. Who else sees it sees that there is one."""
    if opener is not None and opener not in (link.account_number, link.creator_number):
        return HIDDEN
    return access_tokens.token_of(uow, link).reveal()


def _activity(visit: Visit) -> OneTimeAccessTokenActivity:
    return OneTimeAccessTokenActivity(
        id=visit.id, date=visit.at, ip=visit.address or "unknown", token=visit.access_token_id
    )


def _of_kind(shared: Sequence[SharedObject], kind: str) -> list[OneTimeAccessTokenSharedObject]:
    return [
        OneTimeAccessTokenSharedObject(id=each.id, name=each.name) for each in shared if each.kind == kind
    ]


def restricted(uow: UnitOfWork, exchange: Exchange, token: Secret) -> RestrictedOneTimeAccessToken:
    """What whoever holds a link is told of it. Refuses `AccessTokenRefused`."""
    link = link_visits.look_at(uow, token)
    opened_as = accounts.find_all(uow, [link.account_number])[link.account_number]
    return RestrictedOneTimeAccessToken(
        id=link.id,
        has_password=link.has_password,
        user=to_strangers(mini(opened_as)),
        url=link.url,
        full_url=address_of(uow, exchange, token.reveal()),
    )
