"""Handler of `/auth/oauth/validate`: signing in through a provider (contract §1.3, §2.9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from dragoman.core.code_exchange import ProviderAddresses
from dragoman.core.errors import UpstreamFailed, UpstreamOff
from dragoman.core.secrets import Secret
from dragoman.core.upstream import UpstreamProvider, sign_in_upstream
from dragoman.dialects.portainer import tokens
from dragoman.dialects.portainer.auth import told
from dragoman.dialects.portainer.credentials import device_of
from dragoman.dialects.portainer.wire import AuthAuthenticateResponse, AuthOauthPayload, PortainerApi
from dragoman.handlers import Call, Reply, serve_calling_out

if TYPE_CHECKING:
    from datetime import datetime

    from dragoman.core.login import SignedIn
    from dragoman.core.work import Core, UnitOfWork
    from dragoman.dialects.portainer.configuration import OAuthSettings

NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def validate_o_auth(core: Core, call: Call, ask: AuthOauthPayload) -> Reply[AuthAuthenticateResponse]:
    settings = call.settings
    if settings.authentication_method != "oauth":
        raise UpstreamOff

    def then(uow: UnitOfWork, signed_in: SignedIn) -> tuple[Secret, datetime]:
        account, session = signed_in.account, signed_in.session
        return tokens.signed(uow, settings, account, session, must_change=False), uow.now

    code, device = Secret(decoded(ask.code)), device_of(call.exchange)
    token, at = sign_in_upstream(core, call.origin, provider_of(settings.oauth), code, device, then=then)
    return told(call, token, at)


def decoded(code: str) -> str:
    """The code as the provider made it: a page hands it on percent-encoded, or as it is. Refuses `UpstreamFailed`."""
    if NO_ESCAPE.search(code):
        raise UpstreamFailed("the code has a % that begins no escape")
    return unquote_plus(code)


def provider_of(oauth: OAuthSettings) -> UpstreamProvider:
    """The provider in the settings, in the core's words."""
    addresses = ProviderAddresses(
        client_id=oauth.client_id,
        client_secret=Secret(oauth.client_secret.get_secret_value()),
        token_uri=oauth.access_token_uri,
        resource_uri=oauth.resource_uri,
        redirect_uri=oauth.redirect_uri,
        user_identifier=oauth.user_identifier,
        auth_style=oauth.auth_style,
        issuer=oauth.issuer or None,
        subject_claim=oauth.subject_identifier,
    )
    return UpstreamProvider(
        addresses,
        link=oauth.link_accounts,
        auto_create=oauth.auto_create_users,
        # Nothing here has teams; the account keeps the one it would be in.
        attributes={"portainer": {"teamId": oauth.default_team_id}} if oauth.default_team_id else {},
    )


BOUND = (serve_calling_out(PortainerApi.validate_o_auth, validate_o_auth),)
