"""Shoko, served: its settings, and what the kit is told of it."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from dragoman.core.rules import Lifetime
from dragoman.cors import any_origin
from dragoman.dialects.shoko import auth, errors, neighbours
from dragoman.dialects.shoko.credentials import decode, present
from dragoman.dialects.shoko.wire import RELEASE, ShokoApi
from dragoman.serving import Dialect
from dragoman.settings import DialectSettings


class ShokoSettings(DialectSettings):
    """`[dialects.shoko]`."""

    blank_passwords: bool = Field(
        default=False, description="Whether accounts may have a blank password, and sign in with it here."
    )
    key_idle_days: int = Field(365, ge=1, le=3650, description="Days after which an unused key ends.")


def lifetime(settings: ShokoSettings) -> Lifetime:
    """Keys have no end but by idling, and by a new password (contract §1.3, §2.2)."""
    return Lifetime(
        idle=timedelta(days=settings.key_idle_days), seen_every=timedelta(hours=1), ends_with_password=True
    )


dialect = Dialect(
    name="shoko",
    product="Shoko",
    where=(
        "Wherever a client asks for the server. One that asks for host and port alone needs a "
        "host name of its own here: dialects.shoko.host."
    ),
    api=ShokoApi,
    bound=(*auth.BOUND, *neighbours.BOUND),
    present=present,
    credential_headers=("apikey",),
    decode=decode,
    errors=errors,
    settings=ShokoSettings,
    lifetime=lifetime,
    release=lambda _: RELEASE,
    folds_case=True,
    gate=any_origin,
    # Three dots are no password that the policy accepts: nobody gets one by pasting.
    first_admin=(ShokoApi.init_default_user_post, {"Username": "you", "Password": "..."}),
)
