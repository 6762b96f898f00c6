"""Immich, served: which credential a request holds up, and a handler for each operation."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from dragoman import agents
from dragoman.core.rules import Lifetime
from dragoman.core.secrets import PLAIN_KEY
from dragoman.dialects.immich import (
    admin,
    auth,
    errors,
    keys,
    library,
    licenses,
    preferences,
    sessions,
    system,
    users,
)
from dragoman.dialects.immich.behaviour import FIRST, ReleaseName
from dragoman.dialects.immich.credentials import decode, device_now, present
from dragoman.dialects.immich.releases import ALL_PERMISSIONS, RELEASES
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.serving import Dialect
from dragoman.settings import DialectSettings


class ImmichSettings(DialectSettings):
    """`[dialects.immich]`."""

    speaks: ReleaseName = Field(FIRST, description="The release whose wire language is spoken.")
    session_idle_days: int = Field(90, ge=1, le=3650, description="Days after which an unused session ends.")


def lifetime(settings: ImmichSettings) -> Lifetime:
    """Sessions do not end but by idling; "last seen" moves by the hour (§2.7)."""
    return Lifetime(idle=timedelta(days=settings.session_idle_days), seen_every=timedelta(hours=1))


dialect = Dialect(
    name="immich",
    product="Immich",
    where=(
        "In the app: “Server Endpoint URL” on its first screen. Command line: immich login "
        "ADDRESS KEY, with an API key made here."
    ),
    api=ImmichApi,
    bound=(
        *auth.BOUND,
        *sessions.BOUND,
        *keys.BOUND,
        *system.BOUND,
        *users.BOUND,
        *preferences.BOUND,
        *admin.BOUND,
        *library.BOUND,
        *licenses.BOUND,
    ),
    present=present,
    credential_headers=(
        "x-immich-share-key",
        "x-immich-share-slug",
        "x-immich-user-token",
        "x-immich-session-token",
        "authorization",
        "cookie",
        "x-api-key",
    ),
    decode=decode,
    errors=errors,
    settings=ImmichSettings,
    lifetime=lifetime,
    permissions=ALL_PERMISSIONS,
    key_form=PLAIN_KEY,
    device=device_now,
    warm_up=agents.warm_up,
    headers=errors.correlation,
    releases=RELEASES,
    release=lambda settings: RELEASES[settings.speaks],
    folds_case=True,
    body_first=True,
    at_origin=("/.well-known/immich",),
    document_paths=("/api/spec.json", "/api/spec.yaml"),
    # Three dots are no password that the policy accepts: nobody gets one by pasting.
    first_admin=(ImmichApi.sign_up_admin, {"email": "you@example.com", "name": "You", "password": "..."}),
)
