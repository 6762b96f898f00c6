"""Drives the product's SDK of one release as programs use it: its auth operations, in settings that a call names."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from tests.lines import Refusal, obey

# The model that an operation's body is of.
BODIES = {
    "check_auth_ticket": "Ticket",
    "login": "AuthLoginEndpointRequest",
    "reset_password": "PasswordResetEndpointRequest",
    "send_access_token_email_notification": "SendLinkEmailRequest",
    "start_impersonation": "ImpersonationEndpointRequest",
}


def configured(sdk: Any, base: str, by: Mapping[str, str]) -> Any:
    """A configuration for `base`: strict, or as the vendor's README has it, with a bearer token if `by` has one.

    Releases up to 3.4 look for the token under another name than later ones, and are given it under both.
    """
    configuration = sdk.Configuration()
    configuration.host = base
    if by["settings"] == "readme":
        configuration.discard_unknown_keys = True
        configuration.client_side_validation = False
    if "token" in by:
        for name in ("Authorization", "Bearer"):
            configuration.api_key[name] = by["token"]
            configuration.api_key_prefix[name] = "Bearer"
    return configuration


def api_of(operation: str, client: Any) -> Any:
    """The class that has an operation: impersonation moved from one to another with 25.1."""
    api: Any = None
    for module, name in (("auth_api", "AuthApi"), ("main_api", "MainApi"), ("private_api", "PrivateApi")):
        api = getattr(import_module(f"elements_sdk.api.{module}"), name)
        if hasattr(api, operation):
            break
    return api(client)


async def call(base: str, operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]) -> Any:
    """Make one call; `body` among the arguments is made into the operation's model."""
    sdk: Any = import_module("elements_sdk")
    given = dict(arguments)
    body = given.pop("body", None)
    with sdk.ApiClient(configured(sdk, base, by)) as client:
        client.cookie = by.get("cookie")
        placed = [given.pop("id")] if "id" in given else []
        if body is not None:
            placed.append(getattr(import_module("elements_sdk.models"), BODIES[operation])(**body))
        try:
            return getattr(api_of(operation, client), operation)(*placed, **given)
        except sdk.ApiException as error:
            said = json.loads(error.body) if error.body else None
            raise Refusal(type(error).__name__, error.status, said, None) from error


if __name__ == "__main__":
    asyncio.run(obey(partial(call, sys.argv[1])))
