"""How an account looks to ELEMENTS: in a list, by itself, to itself, and in passing (contract §2, §7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from dragoman.core import factors, permissions
from dragoman.dialects.elements.wire.described import ADMIN
from dragoman.dialects.elements.wire.users import (
    ElementsUser,
    ElementsUserDetail,
    ElementsUserMini,
    ElementsUserProfile,
)

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.permissions import Rights
    from dragoman.core.work import UnitOfWork

Shown = TypeVar("Shown", ElementsUserMini, ElementsUserDetail, ElementsUserProfile)
OWN = "elements"  # the account's facts that mean something to ELEMENTS alone
# What such a fact is as long as nobody has said otherwise.
UNSAID: Mapping[str, Any] = {
    "allow_changing_password": True,
    "default_page": "/",
    "fm_bookmarks": [],
    "gid": None,
    "home": None,
    "is_cloud": False,
    "is_external": False,
    "language": None,
    "shaper_ceiling": None,
    "shaper_rate": None,
    "uid": None,
    "unix_username": None,
}


def own(account: Account) -> Mapping[str, Any]:
    """The facts of an account that are ELEMENTS' own."""
    return {**UNSAID, **account.attributes.get(OWN, {})}


def full_name_of(account: Account) -> str | None:
    """What somebody is called, if that is anything but the username."""
    return None if account.display_name == account.username else account.display_name


def own_permissions(account: Account, rights: Rights) -> list[str]:
    """The permissions of an account's own. To be an administrator is one of them here."""
    return sorted({*rights.own, *([ADMIN] if account.is_admin else [])})


def mini(account: Account) -> ElementsUserMini:
    facts = own(account)
    return ElementsUserMini(
        id=account.number,
        avatar="",
        display_name=account.display_name,
        email=account.email,
        full_name=full_name_of(account),
        is_external=facts["is_external"],
        is_cloud=facts["is_cloud"],
        username=account.username,
    )


def to_strangers(user: Shown) -> Shown:
    """A user as whoever holds a link sees them: without the e-mail address."""
    return user.model_copy(update={"email": None})


def facts_of(account: Account, rights: Rights, *, has_factor: bool) -> dict[str, Any]:
    """A user as lists have it."""
    own_ones = own_permissions(account, rights)
    return {
        **own(account),
        "id": account.number,
        "username": account.username,
        "display_name": account.display_name,
        "full_name": full_name_of(account),
        "email": account.email,
        "avatar": None,
        "permissions": own_ones,
        "group_permissions": list(rights.by_group),
        "effective_permissions": sorted({*own_ones, *rights.by_group}),
        "allow_wan_login": True,
        "allowed_fs_paths": None,
        "allowed_fs_write_paths": None,
        "expiry": None,
        "last_seen": account.signed_in_at,
        "has_password": account.has_password,
        "is_enabled": account.is_active,
        "is_cloud_default": False,
        "ldap": None,
        "ldap_dn": None,
        "ldap_guid": None,
        "password_change_required": account.must_change_password,
        "sync_id": str(account.id),
        "totp_enabled": has_factor,
    }


def listed(uow: UnitOfWork, people: Sequence[Account]) -> list[ElementsUser]:
    rights = permissions.of_all(uow, people)
    guarded = factors.enabled_among(uow, list(rights))
    return [
        ElementsUser(**facts_of(account, rights[account.number], has_factor=account.number in guarded))
        for account in people
    ]


def detail(uow: UnitOfWork, account: Account) -> ElementsUserDetail:
    rights = permissions.of(uow, account)
    facts = facts_of(account, rights, has_factor=factors.is_enabled(uow, account.number))
    return ElementsUserDetail(**facts, groups=list(rights.groups))


def profile(uow: UnitOfWork, account: Account) -> ElementsUserProfile:
    has_factor = factors.is_enabled(uow, account.number)
    facts = facts_of(account, permissions.of(uow, account), has_factor=has_factor)
    return ElementsUserProfile(**{name: facts[name] for name in ElementsUserProfile.model_fields})
