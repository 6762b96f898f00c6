"""Aivo, served: which credential a request holds up, and a handler for each operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dragoman.core import keys, login, refresh, session_ends
from dragoman.core.errors import SessionRefused
from dragoman.core.principals import Presented
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device
from dragoman.dialects.aivo import errors, tokens
from dragoman.dialects.aivo.configuration import AivoSettings, lifetime
from dragoman.dialects.aivo.users import AivoAttributes, user
from dragoman.dialects.aivo.wire import (
    AivoApi,
    AuthResponse,
    JsonWebKeySet,
    LoginRequest,
    RefreshTokenRequest,
    User,
)
from dragoman.envelope import Envelope
from dragoman.exchange import Exchange, Malformed, parse_json, require_utf8
from dragoman.handlers import Call, Reply, serve, serve_hashing
from dragoman.serving import Dialect
from dragoman.wire import Nothing, has_body

if TYPE_CHECKING:
    from dragoman.core.login import SignedIn
    from dragoman.core.principals import Named
    from dragoman.core.work import Core, UnitOfWork

KEYS_FRESH = ("cache-control", "public, max-age=300")


def present(exchange: Envelope) -> Presented | None:
    """The bearer token; nothing else is looked at."""
    return Presented("signed", Secret(exchange.bearer)) if exchange.bearer else None


def decode(exchange: Exchange, raw: bytes) -> Any:
    """A JSON object, where the operation takes a body; else nothing is read."""
    if exchange.operation is None or not has_body(exchange.operation.takes):
        return {}
    media = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Malformed(f"the body must be JSON, not {media or 'untold'}", 415)
    require_utf8(exchange)
    value = parse_json(raw)
    if not isinstance(value, Mapping):
        raise Malformed("the body must be a JSON object")
    return value


def device_of(exchange: Exchange) -> Device:
    """Aivo is told nothing of what a client runs on but its User-Agent."""
    return Device(exchange.headers.get("user-agent", ""))


def log_in(core: Core, call: Call, ask: LoginRequest) -> AuthResponse:
    def begin(uow: UnitOfWork, signed_in: SignedIn) -> AuthResponse:
        session = signed_in.session
        account = replace(signed_in.account, signed_in_at=uow.now)
        token = refresh.begin(uow, session, signed_in.secret)
        return tokens.granted(uow, call.settings, account, session, token)

    password, device = Secret(ask.password), device_of(call.exchange)
    return login.log_in_with(core, call.origin, ask.email, password, device, then=begin)


def refresh_token(uow: UnitOfWork, call: Call, ask: RefreshTokenRequest) -> AuthResponse:
    claimed = claimed_session(uow, call)
    grace = timedelta(seconds=call.settings.refresh_grace_seconds)
    rotated = refresh.rotate(
        uow, Secret(ask.refresh_token), grace=grace, named=claimed.session_id if claimed else None
    )
    return tokens.granted(uow, call.settings, rotated.account, rotated.session, rotated.token)


def claimed_session(uow: UnitOfWork, call: Call) -> Named | None:
    """The session that a bearer token beside a refresh token is of. It may have expired; garbage claims nothing."""
    if not call.exchange.bearer:
        return None
    try:
        return tokens.named(uow, call.settings, Secret(call.exchange.bearer), even_expired=True)
    except SessionRefused:
        return None


def logout(uow: UnitOfWork, call: Call, _ask: Nothing) -> Nothing:
    session_ends.end(uow, call.caller.require_session())
    return Nothing()


def get_current_user(_uow: UnitOfWork, call: Call, _ask: Nothing) -> User:
    return user(call.caller.account, call.settings)


def get_key_set(uow: UnitOfWork, _call: Call, _ask: Nothing) -> Reply[JsonWebKeySet]:
    return Reply(JsonWebKeySet(keys=[dict(key) for key in keys.public_keys(uow)]), (KEYS_FRESH,))


dialect = Dialect(
    name="aivo",
    product="Aivo",
    where=("In the SDK: the host of its Configuration, or the base URL of the client."),
    api=AivoApi,
    bound=(
        serve_hashing(AivoApi.login, log_in),
        serve(AivoApi.refresh_token, refresh_token),
        serve(AivoApi.logout, logout),
        serve(AivoApi.get_current_user, get_current_user),
        serve(AivoApi.get_key_set, get_key_set),
    ),
    present=present,
    credential_headers=("authorization",),
    decode=decode,
    errors=errors,
    settings=AivoSettings,
    lifetime=lifetime,
    signing=tokens.signing,
    named=tokens.named,
    attributes=AivoAttributes,
)
