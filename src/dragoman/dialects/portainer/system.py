"""Handlers of `/settings`, `/system` and the environments that are not managed here (contract §2.9, §3)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from dragoman.core import sealing
from dragoman.dialects.portainer.wire import PortainerApi
from dragoman.dialects.portainer.wire.settings import (
    PortainerGlobalDeploymentOptions,
    PortainerInternalAuthSettings,
    PortainerOAuthSettings,
    PortainerSettings,
    SettingsPublicSettingsResponse,
    SettingsPublicSettingsResponseEdge,
)
from dragoman.dialects.portainer.wire.system import (
    BuildBuildInfo,
    MotdMotdResponse,
    SystemNodesCountResponse,
    SystemStatus,
    SystemSystemInfoResponse,
    SystemVersionResponse,
    Things,
)
from dragoman.handlers import Call, Reply, serve, serve_plain
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork
    from dragoman.dialects.portainer.configuration import OAuthSettings

VERSION = PortainerApi.version
AUTH_STYLES = {"auto": 0, "params": 1, "header": 2}
NOTHING_THERE = Things([])


def login_uri(oauth: OAuthSettings) -> str:
    """Where browsers sign in. Nothing is escaped, since Portainer's web page expects it so (§2.9)."""
    uri = (
        f"{oauth.authorization_uri}?response_type=code&client_id={oauth.client_id}"
        f"&redirect_uri={oauth.redirect_uri}&scope={oauth.scopes}"
    )
    return uri if oauth.sso else f"{uri}&prompt=login"


def settings_public(_: None, call: Call, _ask: Nothing) -> SettingsPublicSettingsResponse:
    settings = call.settings
    by_provider = settings.authentication_method == "oauth"
    return SettingsPublicSettingsResponse(
        logo_url="",
        authentication_method=settings.method,
        required_password_length=settings.required_password_length,
        global_deployment_options=PortainerGlobalDeploymentOptions(hide_stacks_functionality=False),
        enable_edge_compute_features=False,
        features={},
        oauth_login_uri=login_uri(settings.oauth) if by_provider else "",
        oauth_logout_uri=settings.oauth.logout_uri if by_provider else "",
        enable_telemetry=False,
        kubeconfig_expiry="0",
        team_sync=False,
        is_amt_enabled=False,
        edge=SettingsPublicSettingsResponseEdge(
            ping_interval=0, snapshot_interval=0, command_interval=0, checkin_interval=5
        ),
        is_docker_desktop_extension=False,
    )


def settings_inspect(_uow: UnitOfWork, call: Call, _ask: Nothing) -> PortainerSettings:
    settings = call.settings
    return PortainerSettings(
        logo_url="",
        black_listed_labels=[],
        authentication_method=settings.method,
        internal_auth_settings=PortainerInternalAuthSettings(
            required_password_length=settings.required_password_length
        ),
        oauth_settings=oauth_settings(settings.oauth),
        feature_flag_settings={},
        snapshot_interval="5m",
        templates_url="",
        global_deployment_options=PortainerGlobalDeploymentOptions(hide_stacks_functionality=False),
        edge_agent_checkin_interval=5,
        enable_edge_compute_features=False,
        user_session_timeout=f"{settings.session_hours}h",
        kubeconfig_expiry="0",
        enable_telemetry=False,
        is_docker_desktop_extension=False,
    )


def oauth_settings(oauth: OAuthSettings) -> PortainerOAuthSettings:
    return PortainerOAuthSettings(
        client_id=oauth.client_id,
        access_token_uri=oauth.access_token_uri,
        authorization_uri=oauth.authorization_uri,
        resource_uri=oauth.resource_uri,
        redirect_uri=oauth.redirect_uri,
        user_identifier=oauth.user_identifier,
        scopes=oauth.scopes,
        oauth_auto_create_users=oauth.auto_create_users,
        default_team_id=oauth.default_team_id,
        sso=oauth.sso,
        logout_uri=oauth.logout_uri,
        auth_style=AUTH_STYLES[oauth.auth_style],
    )


def system_status(uow: UnitOfWork, _call: Call, _ask: Nothing) -> SystemStatus:
    instance = uuid.UUID(bytes=sealing.installation_name(uow)[:16], version=4)
    return SystemStatus(version=VERSION, instance_id=str(instance))


def system_version(_uow: UnitOfWork, call: Call, _ask: Nothing) -> SystemVersionResponse:
    """Portainer tells how it was built; this server was not, and has nobody to ask for later versions."""
    build = BuildBuildInfo(
        build_number="",
        image_tag=VERSION,
        nodejs_version="",
        yarn_version="",
        webpack_version="",
        go_version="",
        git_commit="",
        env=[] if call.caller.account.is_admin else None,
    )
    return SystemVersionResponse(
        update_available=False,
        latest_version="",
        server_version=VERSION,
        server_edition="CE",
        database_version=VERSION,
        build=build,
    )


def system_info(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> SystemSystemInfoResponse:
    return SystemSystemInfoResponse(platform="Docker Standalone", edge_agents=0, agents=0)


def system_nodes_count(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> SystemNodesCountResponse:
    return SystemNodesCountResponse(nodes=1)


def motd(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> MotdMotdResponse:
    return MotdMotdResponse(title="", message="", style="")


def endpoint_list(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> Reply[Things]:
    """No environment is managed here, and clients are told so in the headers, too (§3)."""
    counts = (("x-total-count", "0"), ("x-total-available", "0"), ("x-update-available", "false"))
    return Reply(NOTHING_THERE, counts)


def stack_list(_uow: UnitOfWork, _call: Call, _ask: Nothing) -> Things:
    return NOTHING_THERE


BOUND = (
    serve_plain(PortainerApi.settings_public, settings_public),
    serve(PortainerApi.settings_inspect, settings_inspect),
    serve(PortainerApi.status_inspect, system_status),
    serve(PortainerApi.system_status, system_status),
    serve(PortainerApi.system_version, system_version),
    serve(PortainerApi.system_info, system_info),
    serve(PortainerApi.system_nodes_count, system_nodes_count),
    serve(PortainerApi.motd, motd),
    serve(PortainerApi.endpoint_list, endpoint_list),
    serve(PortainerApi.stack_list, stack_list),
)
