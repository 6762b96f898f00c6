"""Portainer, served: a handler for each operation, and the dialect they make."""

from __future__ import annotations

from datetime import timedelta

from dragoman.core.rules import Lifetime
from dragoman.dialects.portainer import api_keys, auth, errors, oauth, system, tokens, users
from dragoman.dialects.portainer.configuration import PortainerSettings
from dragoman.dialects.portainer.credentials import decode, present
from dragoman.dialects.portainer.gate import gate
from dragoman.dialects.portainer.wire import PortainerApi
from dragoman.serving import Dialect


def lifetime(settings: PortainerSettings) -> Lifetime:
    """A session ends when its token does, and with the password (§2.1)."""
    hours = timedelta(hours=settings.session_hours)
    return Lifetime(idle=hours, absolute=hours, ends_with_password=True)


dialect = Dialect(
    name="portainer",
    product="Portainer",
    where=(
        "Wherever a client of Portainer asks for its URL. Some add “/api” themselves: leave it off there."
    ),
    api=PortainerApi,
    bound=(*auth.BOUND, *oauth.BOUND, *users.BOUND, *api_keys.BOUND, *system.BOUND),
    present=present,
    credential_headers=("x-api-key", "cookie", "authorization"),
    decode=decode,
    errors=errors,
    settings=PortainerSettings,
    lifetime=lifetime,
    key_form=api_keys.FORM,
    media=errors.MEDIA,
    gate=gate,
    # Twelve dots are no password that the policy accepts: nobody gets one by pasting.
    first_admin=(PortainerApi.user_admin_init, {"username": "admin", "password": "............"}),
    signing=tokens.signing,
    named=tokens.named,
)
