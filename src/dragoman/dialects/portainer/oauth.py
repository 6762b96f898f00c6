"""Handler of `/auth/oauth/validate`: signing in through a provider (contract §1.3, §2.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core.errors import UpstreamFailed, UpstreamOff
from dragoman.dialects.portainer.wire import AuthAuthenticateResponse, AuthOauthPayload, PortainerApi
from dragoman.serving import Call, Reply, serve_hashing

if TYPE_CHECKING:
    from dragoman.core.work import Core


def validate_o_auth(_core: Core, call: Call, _ask: AuthOauthPayload) -> Reply[AuthAuthenticateResponse]:
    """Refused while nobody signs in so; and a provider that is not asked has let nobody in."""
    if call.settings.authentication_method == "internal":
        raise UpstreamOff
    raise UpstreamFailed("no provider is asked")


BOUND = (serve_hashing(PortainerApi.validate_o_auth, validate_o_auth),)
