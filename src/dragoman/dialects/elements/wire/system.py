"""The shapes of what the server says of itself and of its parameters: contract §5."""

from __future__ import annotations

from typing import Annotated

from dragoman.dialects.elements.wire.described import ADMIN
from dragoman.dialects.elements.wire.fields import NOT_NULL, ElementsWire, Flag, MaybeText, Moment, Text
from dragoman.wire import Access, Endpoint, Nothing


class License(ElementsWire):
    name: str
    product: str
    serial: str | None
    partner: str | None
    hardware: str | None
    hardware_key: str | None
    expiry: Moment | None
    components: dict[str, bool]
    components_expiry: dict[str, Moment]
    components_enabled: dict[str, bool]
    rdc_slots: int
    users: int
    third_party_capacity: int | None


class ElementsVersion(ElementsWire):
    release: str
    branch: str
    patch_count: int
    patch_commit_count: int
    commit: str


class GlobalAlert(ElementsWire):
    text: str


class SAMLProviderMini(ElementsWire):
    id: int
    name: str


class SystemInfoEndpointResponse(ElementsWire):
    license: License
    client_api_version: int
    nt_hostname: str
    offers_ntp_sync: bool
    offers_file_search: bool
    offers_iperf_benchmarking: bool
    offers_mcp: bool
    language: str
    saml_providers: list[SAMLProviderMini]
    version: ElementsVersion
    global_alerts: list[GlobalAlert]
    has_password_policy: bool
    password_login: bool
    analytics_enabled: bool
    supported_panel_plugins: list[str]


class Parameters(ElementsWire):
    """The parameters of a server that have a meaning here."""

    external_url: str | None
    language: str
    otp_policy: str
    password_login: bool
    session_key_restrict_to_ip: bool
    media_allow_anonymous_links: bool
    media_require_link_password: bool
    media_max_link_views: int | None


class ParametersUpdate(ElementsWire):
    """Parameters as a client would have them. Only what is given is looked at."""

    external_url: MaybeText | None = None
    language: Annotated[Annotated[str, Text()] | None, NOT_NULL] = None
    otp_policy: Annotated[Annotated[str, Text()] | None, NOT_NULL] = None
    password_login: Annotated[Flag | None, NOT_NULL] = None
    session_key_restrict_to_ip: Annotated[Flag | None, NOT_NULL] = None
    media_allow_anonymous_links: Annotated[Flag | None, NOT_NULL] = None
    media_require_link_password: Annotated[Flag | None, NOT_NULL] = None
    media_max_link_views: int | None = None


class SystemApi:
    """What clients ask first."""

    get_system_info = Endpoint(
        "GET",
        "/api/2/system/info",
        Nothing,
        SystemInfoEndpointResponse,
        access=Access.PUBLIC,
        tag="main",
    )
    get_parameters = Endpoint("GET", "/api/2/parameters", Nothing, Parameters, tag="main")
    update_parameters = Endpoint(
        "PUT", "/api/2/parameters", ParametersUpdate, Parameters, permission=ADMIN, tag="main"
    )
