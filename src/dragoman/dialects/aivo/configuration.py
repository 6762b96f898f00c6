"""`[dialects.aivo]`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from dragoman.core.rules import Lifetime
from dragoman.settings import DialectSettings

UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class AivoSettings(DialectSettings):
    """What can be set of Aivo."""

    # Whoever verifies tokens by themselves has been told these.
    only_configured = frozenset({"issuer", "audience", "tenant_id"})

    access_seconds: int = Field(
        default=900, ge=10, le=3600, description="Seconds that an access token is good"
    )
    refresh_idle_days: int = Field(
        default=14, ge=1, le=3650, description="Days after which an unused session ends"
    )
    refresh_days: int = Field(
        default=30, ge=1, le=3650, description="Days after which a session ends in any case"
    )
    refresh_grace_seconds: int = Field(
        default=10,
        ge=0,
        le=60,
        description="How long a spent refresh token leads to the same successor; 0: not at all",
    )
    issuer: str = Field(
        default="dragoman", min_length=1, description="`iss` of the access tokens, for those who verify them"
    )
    audience: str = Field(default="aivo", min_length=1, description="`aud` of the access tokens")
    tenant_id: str = Field(
        default="00000000-0000-4000-8000-000000000001",
        pattern=UUID,
        description="Tenant of accounts whose attributes name none",
    )


def lifetime(settings: AivoSettings) -> Lifetime:
    """A session is a family of refresh tokens, and ends with the password (§3)."""
    return Lifetime(
        idle=timedelta(days=settings.refresh_idle_days),
        absolute=timedelta(days=settings.refresh_days),
        ends_with_password=True,
    )
