"""`[dialects.elements]`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from dragoman.core.rules import Lifetime
from dragoman.settings import DialectSettings
from dragoman.settings.values import Origins


class ElementsSettings(DialectSettings):
    """What can be set of ELEMENTS."""

    session_idle_days: int = Field(
        default=14, ge=1, le=3650, description="Days after which an unused session ends"
    )
    trusted_origins: Origins = Field(
        default=(), description="Origins of other pages that may send requests with the session's cookie"
    )
    anonymous_links: bool = Field(
        default=True, description="Whether links can be made that open for people who are not signed in"
    )


def lifetime(settings: ElementsSettings) -> Lifetime:
    """A session ends by idling, and with the password."""
    return Lifetime(idle=timedelta(days=settings.session_idle_days), ends_with_password=True)
