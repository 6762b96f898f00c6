"""Handlers of `/server` and of what stands beside it (contract §4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.core import accounts
from dragoman.dialects.immich.wire import (
    ApiEndpoint,
    ImmichApi,
    ServerAboutResponseDto,
    ServerConfigDto,
    ServerFeaturesDto,
    ServerPingResponse,
    ServerVersionResponseDto,
    WellKnownImmich,
)
from dragoman.serving import Call, serve, serve_plain
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork


def get_well_known(_: None, call: Call, _ask: Nothing) -> WellKnownImmich:
    return WellKnownImmich(api=ApiEndpoint(endpoint=f"{call.exchange.mount}/api"))


def ping_server(_: None, _call: Call, _ask: Nothing) -> ServerPingResponse:
    return ServerPingResponse(res="pong")


def get_server_version(_: None, _call: Call, _ask: Nothing) -> ServerVersionResponseDto:
    return ServerVersionResponseDto(major=1, minor=134, patch=0)


def get_server_features(uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerFeaturesDto:
    return ServerFeaturesDto(
        smart_search=False,
        duplicate_detection=False,
        config_file=False,
        facial_recognition=False,
        map=False,
        trash=False,
        reverse_geocoding=False,
        import_faces=False,
        oauth=False,
        oauth_auto_launch=False,
        password_login=uow.rules.password_login,
        sidecar=False,
        search=False,
        email=False,
    )


def get_server_config(uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerConfigDto:
    return ServerConfigDto(
        oauth_button_text="Login with OAuth",
        login_page_message="",
        trash_days=30,
        user_delete_delay=7,
        is_initialized=accounts.has_admin(uow),
        # The set-up of a photo library is not ours to ask for: apps go straight on to sign-in.
        is_onboarded=True,
        external_domain="",
        public_users=True,
        map_dark_style_url="https://tiles.immich.cloud/v1/style/dark.json",
        map_light_style_url="https://tiles.immich.cloud/v1/style/light.json",
    )


def get_about_info(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> ServerAboutResponseDto:
    return ServerAboutResponseDto(
        version="v1.134.0",
        version_url="https://github.com/immich-app/immich/releases/tag/v1.134.0",
        licensed=False,
    )


BOUND = (
    serve_plain(ImmichApi.get_well_known, get_well_known),
    serve_plain(ImmichApi.ping_server, ping_server),
    serve_plain(ImmichApi.get_server_version, get_server_version),
    serve(ImmichApi.get_server_features, get_server_features),
    serve(ImmichApi.get_server_config, get_server_config),
    serve(ImmichApi.get_about_info, get_about_info),
)
