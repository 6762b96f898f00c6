"""Portainer's token: a JWT that names a session by `jti` (contract §2.1). What it says else is for its reader.

Whether the session lives, and what its account may do, is read from the database each time: a token is void
on every node once the session ended, the password changed or the account is gone, whatever its claims say.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.core import keys
from dragoman.core.errors import SessionRefused
from dragoman.core.keys import Signing
from dragoman.core.principals import Named
from dragoman.dialects.portainer.users import role_of, username_of

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.secrets import Secret
    from dragoman.core.sessions import Session
    from dragoman.core.work import UnitOfWork
    from dragoman.dialects.portainer.configuration import PortainerSettings

SCOPE = "default"


def signing(settings: PortainerSettings) -> Signing:
    """HS256, as long as a session; the header names no key."""
    return Signing("HS256", timedelta(hours=settings.session_hours), names_key=False)


def signed(
    uow: UnitOfWork, settings: PortainerSettings, account: Account, session: Session, *, must_change: bool
) -> Secret:
    """The token of a session that has just been opened; `must_change` is `forceChangePassword`."""
    claims = {
        "id": account.number,
        "username": username_of(account),
        "role": role_of(account),
        "scope": SCOPE,
        "forceChangePassword": must_change,
        "jti": str(session.id),
    }
    return keys.sign(uow, signing(settings), claims)


def named(uow: UnitOfWork, settings: PortainerSettings, token: Secret) -> Named:
    """The session that a token names. Refuses `SessionRefused`."""
    claims = keys.verify(uow, signing(settings), token)
    # What we signed ourselves was issued, whatever the clock says since: one that was put back signs nobody out.
    latest = uow.now + signing(settings).lifetime
    if claims.get("scope") != SCOPE or claims["iat"] > latest.timestamp():
        raise SessionRefused
    return Named(uuid.UUID(claims["jti"]), keys.expiry(claims))
