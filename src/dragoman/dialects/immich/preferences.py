"""Handlers of a user's preferences (contract §4.1): kept for apps, which will not start without them.

Each is one fact of the account, `memories.duration` for instance, so that laying new facts over old ones is
the field-by-field change that apps expect, however many are under way. What nobody chose is the product's
default, in whatever release is spoken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dragoman.core import accounts
from dragoman.core.accounts import Account, Changes
from dragoman.dialects.immich.users import get_account
from dragoman.dialects.immich.wire import (
    ImmichApi,
    OfUser,
    UserPreferencesOfDto,
    UserPreferencesResponseDto,
    UserPreferencesUpdateDto,
)
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "albums": {"defaultAssetOrder": "desc"},
    "folders": {"enabled": False, "sidebarWeb": False},
    "memories": {"enabled": True, "duration": 5, "sidebarWeb": False},
    "people": {"enabled": True, "sidebarWeb": False, "minimumFaces": 3},
    "ratings": {"enabled": False},
    "sharedLinks": {"enabled": True, "sidebarWeb": False},
    "tags": {"enabled": False, "sidebarWeb": False},
    "emailNotifications": {"enabled": True, "albumInvite": True, "albumUpdate": True},
    "download": {"archiveSize": 4 * 2**30, "includeEmbeddedVideos": False},
    "purchase": {"showSupportBadge": True, "hideBuyButtonUntil": "2022-02-12T00:00:00.000Z"},
    "cast": {"gCastEnabled": False},
    "recentlyAdded": {"sidebarWeb": False},
}


def preferences(account: Account) -> UserPreferencesResponseDto:
    chosen = account.attributes.get("immich", {})
    groups = {
        group: {name: chosen.get(f"{group}.{name}", default) for name, default in fields.items()}
        for group, fields in DEFAULTS.items()
    }
    return UserPreferencesResponseDto.model_validate(groups)


def facts(ask: UserPreferencesUpdateDto) -> dict[str, Any]:
    """What an ask changes, as facts of the account. The colour is not a preference, and shown elsewhere."""
    groups = ask.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"id"})
    given = {f"{group}.{name}": value for group, of in groups.items() for name, value in of.items()}
    if "avatar.color" in given:
        given["avatarColor"] = given.pop("avatar.color")
    return given


def changed(
    uow: UnitOfWork, call: Call, account: Account, ask: UserPreferencesUpdateDto
) -> UserPreferencesResponseDto:
    changes = Changes(attributes={"immich": facts(ask)})
    return preferences(accounts.change(uow, account.number, changes, by=call.caller))


def get_my_preferences(_uow: UnitOfWork, call: Call, _ask: Nothing) -> UserPreferencesResponseDto:
    return preferences(call.caller.account)


def update_my_preferences(
    uow: UnitOfWork, call: Call, ask: UserPreferencesUpdateDto
) -> UserPreferencesResponseDto:
    return changed(uow, call, call.caller.account, ask)


def get_user_preferences_admin(uow: UnitOfWork, _call: Call, ask: OfUser) -> UserPreferencesResponseDto:
    return preferences(get_account(uow, ask.id, deleted=True))


def update_user_preferences_admin(
    uow: UnitOfWork, call: Call, ask: UserPreferencesOfDto
) -> UserPreferencesResponseDto:
    return changed(uow, call, get_account(uow, ask.id), ask)


BOUND = (
    serve(ImmichApi.get_my_preferences, get_my_preferences),
    serve(ImmichApi.update_my_preferences, update_my_preferences),
    serve(ImmichApi.get_user_preferences_admin, get_user_preferences_admin),
    serve(ImmichApi.update_user_preferences_admin, update_user_preferences_admin),
)
