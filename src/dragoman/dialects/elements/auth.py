"""Handlers of signing in and out (contract §4)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from dragoman.core import impersonation, session_ends
from dragoman.core import login as sign_in
from dragoman.core.errors import SessionRefused
from dragoman.core.secrets import Secret
from dragoman.dialects.elements.credentials import COOKIE, cleared, device_of, session_cookies
from dragoman.dialects.elements.people import detail
from dragoman.dialects.elements.wire import (
    AuthLoginEndpointRequest,
    AuthLoginEndpointResponse,
    ElementsApi,
)
from dragoman.handlers import Call, Reply, serve, serve_hashing
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.login import SignedIn
    from dragoman.core.work import Core, UnitOfWork


def login(core: Core, call: Call, ask: AuthLoginEndpointRequest) -> Reply[AuthLoginEndpointResponse]:
    """The session that a browser had before ends with the new one's beginning."""

    def then(uow: UnitOfWork, signed_in: SignedIn) -> Reply[AuthLoginEndpointResponse]:
        before = call.exchange.cookies.get(COOKIE)
        if before:
            impersonation.end_held(uow, Secret(before))
        account = replace(signed_in.account, signed_in_at=uow.now)
        answer = AuthLoginEndpointResponse(user=detail(uow, account), session_key=signed_in.secret.reveal())
        cookies = session_cookies(call.exchange, call.settings, uow.tools, signed_in.secret, uow.now)
        return Reply(answer, cookies)

    return sign_in.log_in_with(
        core,
        call.origin,
        ask.username,
        Secret(ask.password),
        device_of(call.exchange),
        then=then,
        code=Secret(ask.otp) if ask.otp else None,
        code_apart=True,
        new_password=None if ask.new_password is None else Secret(ask.new_password),
        insists_on_change=True,
    )


def logout(uow: UnitOfWork, call: Call, _ask: Nothing) -> Reply[Nothing]:
    """End the session that is held up, if it is one that lives. API tokens stay good."""
    if call.principal is not None and call.principal.session is not None:
        with suppress(SessionRefused):  # it was ended at this very moment
            session_ends.end(uow, call.principal.session)
    return Reply(Nothing(), cleared(call.exchange))


BOUND = (serve_hashing(ElementsApi.login, login), serve(ElementsApi.logout, logout))
