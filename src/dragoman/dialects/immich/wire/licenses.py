"""`/users/me/license` and `/server/license`: contract §1c; the key's pattern is that of the documents (§8)."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.wire.fields import ImmichWire
from dragoman.dialects.immich.wire.users import UserLicense
from dragoman.wire import UNSEEN, Access, Endpoint, Nothing

A_LICENSE_KEY = WithJsonSchema({"type": "string", "pattern": r"IM(SV|CL)(-[\dA-Za-z]{4}){8}"})


class LicenseKeyDto(ImmichWire):
    license_key: Annotated[str, rules.LICENSE_KEY, A_LICENSE_KEY, UNSEEN]
    activation_key: Annotated[str, rules.SECRET, UNSEEN]


class LicenseResponseDto(UserLicense):
    """A licence by itself; within a user it has no pattern."""

    license_key: Annotated[str, A_LICENSE_KEY]


class LicenseApi:
    """What a user, and the installation, has paid for."""

    get_user_license = Endpoint("GET", "/api/users/me/license", Nothing, LicenseResponseDto, tag="Users")
    set_user_license = Endpoint(
        "PUT", "/api/users/me/license", LicenseKeyDto, LicenseResponseDto, tag="Users"
    )
    delete_user_license = Endpoint("DELETE", "/api/users/me/license", Nothing, Nothing, tag="Users")
    get_server_license = Endpoint(
        "GET", "/api/server/license", Nothing, LicenseResponseDto, access=Access.ADMIN, tag="Server"
    )
    set_server_license = Endpoint(
        "PUT", "/api/server/license", LicenseKeyDto, LicenseResponseDto, access=Access.ADMIN, tag="Server"
    )
    delete_server_license = Endpoint(
        "DELETE", "/api/server/license", Nothing, Nothing, access=Access.ADMIN, tag="Server"
    )
