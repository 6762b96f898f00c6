"""Handlers of what the server says of itself, and of its parameters (contract §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dragoman.dialects.elements.refusals import Unfit
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.dialects.elements.wire.system import (
    ElementsVersion,
    License,
    Parameters,
    SystemInfoEndpointResponse,
)
from dragoman.handlers import Call, serve
from dragoman.wire import Nothing

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

RELEASE = "3.3.2"
FIXED = "This is set in the server's configuration."
NO_LICENSE = License(
    name="Dragoman",
    product="Dragoman",
    serial=None,
    partner=None,
    hardware=None,
    hardware_key=None,
    expiry=None,
    components={},
    components_expiry={},
    components_enabled={},
    rdc_slots=0,
    users=0,
    third_party_capacity=None,
)


def get_system_info(uow: UnitOfWork, _call: Call, _ask: Nothing) -> SystemInfoEndpointResponse:
    """Nothing of the machine: strangers may ask."""
    return SystemInfoEndpointResponse(
        license=NO_LICENSE,
        client_api_version=2,
        nt_hostname="dragoman",
        offers_ntp_sync=False,
        offers_file_search=False,
        offers_iperf_benchmarking=False,
        offers_mcp=False,
        language=Parameters().language,
        saml_providers=[],
        version=ElementsVersion(
            release=RELEASE, branch="release", patch_count=0, patch_commit_count=0, commit="unknown"
        ),
        global_alerts=[],
        has_password_policy=True,
        password_login=uow.rules.password_login,
        analytics_enabled=False,
        supported_panel_plugins=[],
    )


def get_parameters(uow: UnitOfWork, call: Call, _ask: Nothing) -> Parameters:
    """What the operator has set; all else is what it is on every server of ours."""
    return Parameters(
        password_login=uow.rules.password_login, media_allow_anonymous_links=call.settings.anonymous_links
    )


def update_parameters(uow: UnitOfWork, call: Call, ask: Parameters) -> Parameters:
    """Whoever sends back what they were told changes nothing; all else is the operator's to say."""
    present = get_parameters(uow, call, Nothing())
    for name in sorted(ask.model_fields_set):
        if getattr(ask, name) != getattr(present, name):
            raise Unfit(name, FIXED)
    return present


BOUND = (
    serve(ElementsApi.get_system_info, get_system_info),
    serve(ElementsApi.get_parameters, get_parameters),
    serve(ElementsApi.update_parameters, update_parameters),
)
