"""Aivo's access token: a JWT that names a session by `sid`, and what a sign-in or a refresh answers (contract §3).

Whether the session lives is read from the database each time; `role` and `tenant_id` are for other services.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.core import keys
from dragoman.core.errors import SessionRefused
from dragoman.core.keys import Signing
from dragoman.core.principals import Named
from dragoman.dialects.aivo.users import role_of, tenant_of, user
from dragoman.dialects.aivo.wire import AuthResponse

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.secrets import Secret
    from dragoman.core.sessions import Session
    from dragoman.core.work import UnitOfWork
    from dragoman.dialects.aivo.configuration import AivoSettings


def signing(settings: AivoSettings) -> Signing:
    """ES256, whose public keys every JWT library reads; tokens live for seconds and name their key."""
    return Signing("ES256", timedelta(seconds=settings.access_seconds))


def granted(
    uow: UnitOfWork, settings: AivoSettings, account: Account, session: Session, refresh_token: Secret
) -> AuthResponse:
    """The pair of tokens for a session, and whose it is. An access token does not outlive its session."""
    lifetime = timedelta(seconds=settings.access_seconds)
    if session.expires_at is not None:
        lifetime = min(lifetime, session.expires_at - uow.now)
    claims = {
        "iss": settings.issuer,
        "aud": settings.audience,
        "sub": str(account.id),
        "sid": str(session.id),
        "jti": str(uow.new_id()),
        "role": role_of(account),
        "tenant_id": tenant_of(account, settings),
    }
    access_token = keys.sign(uow, signing(settings), claims, lifetime=lifetime)
    return AuthResponse(
        access_token=access_token.reveal(),
        refresh_token=refresh_token.reveal(),
        user=user(account, settings),
        expires_in=int(lifetime.total_seconds()),
    )


def named(uow: UnitOfWork, settings: AivoSettings, token: Secret, *, even_expired: bool = False) -> Named:
    """The session that an access token names. Refuses `SessionRefused`."""
    claims = keys.verify(uow, signing(settings), token, even_expired=even_expired)
    if (claims["iss"], claims["aud"]) != (settings.issuer, settings.audience):
        raise SessionRefused
    return Named(uuid.UUID(claims["sid"]), keys.expiry(claims))
