"""How an account looks to ELEMENTS: in a list, by itself, to itself, and in passing (contract §2, §7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dragoman.dialects.elements.wire.users import (
    ElementsUser,
    ElementsUserDetail,
    ElementsUserMini,
    ElementsUserProfile,
)

if TYPE_CHECKING:
    from dragoman.core.accounts import Account

OWN = "elements"  # the account's facts that mean something to ELEMENTS alone
ADMIN = "system:admin-access"  # the permission that makes an administrator
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


def permissions_of(account: Account) -> list[str]:
    """The permissions of an account's own."""
    return [ADMIN] if account.is_admin else []


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


def facts_of(account: Account) -> dict[str, Any]:
    """A user as lists have it."""
    permissions = permissions_of(account)
    return {
        **own(account),
        "id": account.number,
        "username": account.username,
        "display_name": account.display_name,
        "full_name": full_name_of(account),
        "email": account.email,
        "avatar": None,
        "permissions": permissions,
        "group_permissions": [],
        "effective_permissions": permissions,
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
        "totp_enabled": False,
    }


def listed(people: Sequence[Account]) -> list[ElementsUser]:
    return [ElementsUser(**facts_of(account)) for account in people]


def detail(account: Account) -> ElementsUserDetail:
    return ElementsUserDetail(**facts_of(account), groups=[])


def profile(account: Account) -> ElementsUserProfile:
    facts = facts_of(account)
    return ElementsUserProfile(**{name: facts[name] for name in ElementsUserProfile.model_fields})
