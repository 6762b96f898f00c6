"""How an account looks to Aivo (contract §1, User)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from dragoman.dialects.aivo.wire import Role, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dragoman.core.accounts import Account
    from dragoman.dialects.aivo.configuration import AivoSettings


def own(account: Account) -> Mapping[str, Any]:
    """What the account's attributes say for Aivo."""
    said: Mapping[str, Any] = account.attributes.get("aivo", {})
    return said


def role_of(account: Account) -> Role:
    """The role that the attributes name, if it is one; else an administrator's, or a learner's."""
    named: Any = own(account).get("role")
    role: Role = named if named in get_args(Role) else "super_admin" if account.is_admin else "learner"
    return role


def tenant_of(account: Account, settings: AivoSettings) -> str:
    """The tenant that the attributes name, else the installation's own: everybody has one."""
    return str(own(account).get("tenantId") or settings.tenant_id)


def user(account: Account, settings: AivoSettings) -> User:
    """Who cannot sign in is never shown, so everybody is active. A name without a blank has no last one."""
    said = own(account)
    first, _, last = account.display_name.partition(" ")
    return User(
        id=str(account.id),
        email=account.address,
        first_name=str(said.get("firstName") or first),
        last_name=str(said.get("lastName") or last),
        role=role_of(account),
        tenant_id=tenant_of(account, settings),
        status="active",
        avatar=said.get("avatar"),
        last_login_at=account.signed_in_at,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )
