"""The shapes of `/settings`, as far as clients read them: contract §2.8, §2.9, §3, §7."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dragoman.dialects.portainer.wire.fields import Answered, Payload
from dragoman.wire import Access, Endpoint, Nothing, Work


class PortainerGlobalDeploymentOptions(Payload):
    hide_stacks_functionality: bool


class SettingsPublicSettingsResponseEdge(Answered):
    ping_interval: int
    snapshot_interval: int
    command_interval: int
    checkin_interval: int


class SettingsPublicSettingsResponse(Answered):
    logo_url: Annotated[str, Field(alias="LogoURL")]
    authentication_method: int
    required_password_length: int
    global_deployment_options: PortainerGlobalDeploymentOptions
    enable_edge_compute_features: bool
    features: dict[str, bool]
    oauth_login_uri: Annotated[str, Field(alias="OAuthLoginURI")]
    oauth_logout_uri: Annotated[str, Field(alias="OAuthLogoutURI")]
    enable_telemetry: bool
    kubeconfig_expiry: str
    team_sync: bool
    is_amt_enabled: Annotated[bool, Field(alias="IsAMTEnabled")]
    edge: SettingsPublicSettingsResponseEdge
    is_docker_desktop_extension: bool


class PortainerInternalAuthSettings(Answered):
    required_password_length: int


class PortainerOAuthSettings(Answered):
    """Without the secret, which is told to nobody."""

    client_id: Annotated[str, Field(alias="ClientID")]
    access_token_uri: Annotated[str, Field(alias="AccessTokenURI")]
    authorization_uri: Annotated[str, Field(alias="AuthorizationURI")]
    resource_uri: Annotated[str, Field(alias="ResourceURI")]
    redirect_uri: Annotated[str, Field(alias="RedirectURI")]
    user_identifier: str
    scopes: str
    oauth_auto_create_users: Annotated[bool, Field(alias="OAuthAutoCreateUsers")]
    default_team_id: Annotated[int, Field(alias="DefaultTeamID")]
    sso: Annotated[bool, Field(alias="SSO")]
    logout_uri: Annotated[str, Field(alias="LogoutURI")]
    kube_secret_key: str | None = None
    auth_style: int


class PortainerSettings(Answered):
    logo_url: Annotated[str, Field(alias="LogoURL")]
    black_listed_labels: list[dict[str, str]]
    authentication_method: int
    internal_auth_settings: PortainerInternalAuthSettings
    oauth_settings: Annotated[PortainerOAuthSettings, Field(alias="OAuthSettings")]
    feature_flag_settings: dict[str, bool]
    snapshot_interval: str
    templates_url: Annotated[str, Field(alias="TemplatesURL")]
    global_deployment_options: PortainerGlobalDeploymentOptions
    edge_agent_checkin_interval: int
    enable_edge_compute_features: bool
    user_session_timeout: str
    kubeconfig_expiry: str
    enable_telemetry: bool
    is_docker_desktop_extension: bool


class SettingsApi:
    """`/settings`. They are changed where the server is configured, and only read here."""

    settings_public = Endpoint(
        "GET",
        "/api/settings/public",
        Nothing,
        SettingsPublicSettingsResponse,
        access=Access.PUBLIC,
        work=Work.NOTHING,
        tag="settings",
    )
    settings_inspect = Endpoint(
        "GET", "/api/settings", Nothing, PortainerSettings, access=Access.ADMIN, tag="settings"
    )
