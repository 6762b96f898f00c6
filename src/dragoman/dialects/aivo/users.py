"""How an account looks to Aivo (contract §1, User)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dragoman.dialects.aivo.configuration import UUID
from dragoman.dialects.aivo.wire import Role, User

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.dialects.aivo.configuration import AivoSettings


class AivoAttributes(BaseModel):
    """What an account's attributes may say for Aivo alone."""

    model_config = ConfigDict(extra="forbid", strict=True)

    role: Role | None = None
    tenantId: str | None = Field(default=None, pattern=UUID)
    firstName: str | None = Field(default=None, max_length=256)
    lastName: str | None = Field(default=None, max_length=256)
    avatar: str | None = Field(default=None, max_length=2048, pattern=r"^https?://\S+$")


NOTHING_SAID = AivoAttributes()


def said_of(account: Account) -> AivoAttributes:
    """What they say; nothing, if it is not what they may."""
    said = account.attributes.get("aivo")
    try:
        return AivoAttributes.model_validate(said) if said else NOTHING_SAID
    except ValidationError:
        return NOTHING_SAID


def role_of(account: Account) -> Role:
    """The role that the attributes name, else an administrator's or a learner's."""
    return said_of(account).role or ("super_admin" if account.is_admin else "learner")


def tenant_of(account: Account, settings: AivoSettings) -> str:
    """The tenant that the attributes name, else the installation's own: everybody has one."""
    return said_of(account).tenantId or settings.tenant_id


def user(account: Account, settings: AivoSettings) -> User:
    """Who cannot sign in is never shown, so everybody is active. A name without a blank has no last one."""
    said = said_of(account)
    first, _, last = account.display_name.partition(" ")
    return User(
        id=str(account.id),
        email=account.address,
        first_name=said.firstName or first,
        last_name=said.lastName or last,
        role=role_of(account),
        tenant_id=tenant_of(account, settings),
        status="active",
        avatar=said.avatar,
        last_login_at=account.signed_in_at,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )
