"""The shapes of what the server says of itself and of its parameters: contract §5."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from dragoman.dialects.elements.wire.described import ADMIN
from dragoman.dialects.elements.wire.fields import (
    INT32,
    ElementsWire,
    Flag,
    MaybeText,
    Moment,
    Text,
    Whole,
    an_object,
)
from dragoman.wire import Access, Endpoint, Nothing

BlankText = Annotated[str, Text(blank=True)]


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


class EmailStyling(ElementsWire):
    """The colours of letters."""

    background: str = "#ffffff"
    backdrop: str = "#f4f4f5"
    primary: str = "#155e75"


class Parameters(ElementsWire):
    """What a server is set to: all that the strictest clients demand (26.8), and what each is where nothing else is said.

    Most are of parts of the product that are not here, which are off.
    """

    analytics: Flag = False
    branding_css: BlankText = ""
    branding_logo: BlankText = ""
    email_logo_url: MaybeText | None = None
    client_offer_file_search: Flag = False
    default_mac_protocol: BlankText = "smb"
    external_url: MaybeText | None = None
    file_manager_recycle_bin: Flag = False
    https_redirect: MaybeText | None = None
    language: BlankText = "en"
    ltfs_default_restore_to_original_location: Flag = False
    ltfs_default_search_directories: Flag = False
    ltfs_library_address: MaybeText | None = None
    mail_styling: Annotated[EmailStyling, BeforeValidator(an_object)] = EmailStyling()
    media_allow_anonymous_links: Flag = True
    media_allow_changing_archived: Flag = False
    media_auto_play: Flag = False
    media_auto_proxy: Flag = False
    media_auto_scan: Flag = False
    media_auto_transport: Flag = False
    media_background_auto_pause: Flag = False
    media_default_custom_field_type: BlankText = "asset"
    media_default_delete_behaviour: BlankText = "database"
    media_detect_versions: Flag = False
    media_force_show_deleted: Flag | None = None
    media_keep_selection_when_browsing: Flag = False
    media_recycle_bin: Flag = False
    media_require_link_password: Flag = False
    media_max_link_views: Annotated[int, Whole(least=-INT32 - 1, most=INT32)] | None = None
    media_shuttle_left_behaviour: BlankText = "stop"
    mcp_enabled: Flag = False
    mcp_tunnel_enabled: Flag = False
    ntp_enable: Flag = False
    ntp_offer_sync: Flag = False
    otp_policy: BlankText = "self-service-all"
    password_login: Flag = True
    session_key_restrict_to_ip: Flag = False
    sharing_smb_allow_anonymous: Flag = False
    sharing_smb_enable_multichannel: Flag = False
    tasks_run_scheduled: Flag = False
    update_in_progress: Flag = False
    users_default_permissions: BlankText = ""
    user_notification_settings: Flag = False
    workspaces_path: BlankText = "/"


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
        "PUT", "/api/2/parameters", Parameters, Parameters, permission=ADMIN, tag="main"
    )
