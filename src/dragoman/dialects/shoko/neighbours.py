"""Handlers of what clients ask around a sign-in: contract §3."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.core import password_change, setup
from dragoman.core.accounts import NewAccount
from dragoman.core.errors import NotSignedIn, SetupClosed
from dragoman.core.passwords import LegacyHash
from dragoman.core.secrets import Secret
from dragoman.dialects.shoko.wire import (
    RELEASE,
    BlockedDatabase,
    ChangePasswordBody,
    ComponentVersion,
    ComponentVersions,
    Credentials,
    DefaultUser,
    NamedVersion,
    NamedVersions,
    Pong,
    ServerStatus,
    ShokoApi,
    StartupStatus,
    User,
)
from dragoman.handlers import Call, serve, serve_hashing, serve_plain
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import Core, UnitOfWork

STARTED, WAITING = 2, 4
# The build that the product's document is of.
SERVER = ComponentVersion(
    version=RELEASE.version, commit="5f64d52ab", release_channel="Stable", release_date="2023-07-15T04:44:00Z"
)
NO_WEBUI = ComponentVersion(version="0.0.0", commit=None, release_channel="Stable", release_date=None)


def init_status_get(uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerStatus:
    state = STARTED if setup.is_done(uow) else WAITING
    return ServerStatus(
        state=state, startup_message=None, uptime=uptime(uow), database_blocked=BlockedDatabase()
    )


def uptime(uow: UnitOfWork) -> str:
    """How long this process has served, as .NET prints a TimeSpan: 1.02:03:04."""
    up = max(timedelta(0), uow.now - (uow.began or uow.now))
    hours, rest = divmod(up.seconds, 3600)
    days = f"{up.days}." if up.days else ""
    return f"{days}{hours:02}:{rest // 60:02}:{rest % 60:02}"


def init_version_get(_: None, _call: Call, _ask: Nothing) -> ComponentVersions:
    return ComponentVersions(server=SERVER, webui=NO_WEBUI)


def init_default_user_get(uow: UnitOfWork, call: Call, _ask: Nothing) -> DefaultUser:
    """Only while nobody has an account, and to those who may make the first (§3)."""
    if setup.is_done(uow):
        raise NotSignedIn
    if not call.exchange.setup_open:
        raise SetupClosed
    return DefaultUser(username="Default", password="")


def init_default_user_post(core: Core, call: Call, ask: Credentials) -> Nothing:
    new = NewAccount(username=ask.username, is_admin=True)
    is_blank = not ask.password and call.settings.blank_passwords
    password = LegacyHash("") if is_blank else Secret(ask.password)
    setup.create_first_admin(core, call.origin, new, password, open_to_caller=call.exchange.setup_open)
    return Nothing()


def user_current_get(_uow: UnitOfWork, call: Call, _ask: Nothing) -> User:
    account = call.caller.account
    return User(
        id=account.number,
        username=account.username,
        is_admin=account.is_admin,
        community_sites=("AniDB",),
        restricted_tags=(),
    )


def user_current_change_password_post(core: Core, call: Call, ask: ChangePasswordBody) -> Nothing:
    password_change.replace_own_password(
        core,
        call.origin,
        call.caller,
        Secret(ask.password),
        may_be_blank=call.settings.blank_passwords,
        sign_out=ask.revoke_api_keys,
    )
    return Nothing()


def api_version_get(_: None, _call: Call, _ask: Nothing) -> NamedVersions:
    return NamedVersions([NamedVersion(name="server", version=RELEASE.version)])


def api_init_status_get(uow: UnitOfWork, _call: Call, _ask: Nothing) -> StartupStatus:
    is_done = setup.is_done(uow)
    return StartupStatus(
        startup_state="Complete!" if is_done else "Waiting for the first time setup",
        server_started=is_done,
        server_uptime=uptime(uow),
        first_run=not is_done,
        startup_failed=False,
        startup_failed_error_message="",
    )


def api_ping_get(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> Pong:
    return Pong(response="pong")


BOUND = (
    serve(ShokoApi.init_status_get, init_status_get),
    serve_plain(ShokoApi.init_version_get, init_version_get),
    serve(ShokoApi.init_default_user_get, init_default_user_get),
    serve_hashing(ShokoApi.init_default_user_post, init_default_user_post),
    serve(ShokoApi.user_current_get, user_current_get),
    serve_hashing(ShokoApi.user_current_change_password_post, user_current_change_password_post),
    serve_plain(ShokoApi.api_version_get, api_version_get),
    serve(ShokoApi.api_init_status_get, api_init_status_get),
    serve(ShokoApi.api_ping_get, api_ping_get),
)
