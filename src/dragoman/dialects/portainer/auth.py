"""Handlers of `/auth`: the three operations of the page (contract §1)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dragoman.core import accounts, login, session_ends, sessions
from dragoman.core.errors import CredentialRefused
from dragoman.core.principals import identify
from dragoman.core.secrets import Secret
from dragoman.dialects.portainer import tokens
from dragoman.dialects.portainer.credentials import COOKIE, cleared, cookie, device_of
from dragoman.dialects.portainer.refusals import InitialAdminOnly
from dragoman.dialects.portainer.users import INITIAL_ADMIN, is_short, must_change
from dragoman.dialects.portainer.wire import (
    AuthAuthenticatePayload,
    AuthAuthenticateResponse,
    PortainerApi,
)
from dragoman.handlers import Call, Reply, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.login import SignedIn
    from dragoman.core.work import Core, UnitOfWork


def authenticate_user(
    core: Core, call: Call, ask: AuthAuthenticatePayload
) -> Reply[AuthAuthenticateResponse]:
    require_password_of(core, call, ask.username)
    password, short = Secret(ask.password), is_short(call, ask.password)

    def then(uow: UnitOfWork, signed_in: SignedIn) -> tuple[Secret, datetime]:
        return token_for(uow, call, signed_in, short=short), uow.now

    token, at = login.log_in_with(
        core, call.origin, ask.username, password, device_of(call.exchange), then=then
    )
    return told(call, token, at)


def require_password_of(core: Core, call: Call, name: str) -> None:
    """Refuses `InitialAdminOnly` to all but the first account while people sign in through a provider (§2.7)."""
    if call.settings.authentication_method == "internal":
        return
    with core.begin(call.origin, writes=False) as uow:
        account = accounts.find_by_name(uow, name)
    if account is None or account.number != INITIAL_ADMIN:
        raise InitialAdminOnly


def token_for(uow: UnitOfWork, call: Call, signed_in: SignedIn, *, short: bool = False) -> Secret:
    """The token of a session that this unit opens. A `short` password is one to be changed, as long as it lasts."""
    account, session = signed_in.account, signed_in.session
    if short:
        facts = {"forceChangePassword": True}
        session = sessions.set_attributes(uow, account.number, session.dialect, session.id, facts)
    change = must_change(account, session)
    return tokens.signed(uow, call.settings, account, session, must_change=change)


def told(call: Call, token: Secret, signed_in: datetime) -> Reply[AuthAuthenticateResponse]:
    """What a sign-in is answered with: the token, and once more as a cookie."""
    answer = AuthAuthenticateResponse(jwt=token.reveal())
    return Reply(answer, [cookie(call.exchange, call.settings, token, signed_in)])


def logout(uow: UnitOfWork, call: Call, _ask: Nothing) -> Reply[Nothing]:
    """End the session that the cookie names, and no other: what else is held up is not looked at (§1.2)."""
    token = call.exchange.cookies.get(COOKIE)
    if token:
        try:
            caller = identify(uow, tokens.named(uow, call.settings, Secret(token)))
            session_ends.end(uow, caller.require_session())
        except CredentialRefused:
            pass  # it has ended already
    return Reply(Nothing(), [cleared(call.exchange, call.settings)])


BOUND = (
    serve_hashing(PortainerApi.authenticate_user, authenticate_user),
    serve(PortainerApi.logout, logout),
)
