"""Drives Portainer's stock clients as programs use them: `sdk`, `portainer-py`, `py-portainer-api`, `pyportainer`."""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from tests.lines import Refusal, obey


def bundled_sdk() -> Any:
    """The generated client, which ptctools carries as a folder that is no package of its own."""
    found = find_spec("ptctools")
    assert found is not None
    assert found.origin is not None
    sys.path.insert(0, str(Path(found.origin).parent / "portainer_client"))
    return import_module("openapi_client")


async def by_sdk(base: str, operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]) -> Any:
    """Call `Api.method`, with a configuration that has these keys: `jwt`, `ApiKeyAuth`."""
    sdk: Any = import_module("openapi_client")
    configuration = sdk.Configuration(host=base, api_key=dict(by))
    name, method = operation.split(".")
    with sdk.ApiClient(configuration) as client:
        call = getattr(getattr(sdk, name)(client), f"{method}_with_http_info")
        shape = inspect.signature(call).parameters.get("body")
        given = dict(arguments)
        if shape is not None:
            model, _ = get_args(shape.annotation)
            given["body"] = model.from_dict(given["body"])
        try:
            answer = call(**given)
            # A status that the client's document does not name has no model: then it is told as it came.
            return json.loads(answer.raw_data) if answer.data is None and answer.raw_data else answer.data
        except sdk.ApiException as error:
            said = json.loads(error.body) if "json" in error.headers["content-type"] else error.body
            raise Refusal(type(error).__name__, error.status, said, None) from error
        finally:
            client.rest_client.pool_manager.clear()


async def by_portainer_py(
    base: str, operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]
) -> Any:
    """Find out the version, and sign in; then, if asked, something more."""
    package: Any = import_module("portainer_py")
    portainer = package.portainer_for_host(base.removesuffix("api"))
    if operation == "version":
        return type(portainer).__name__
    try:
        portainer.login(by["name"], by["password"])
        return getattr(portainer, operation)(**arguments) if operation != "login" else portainer.token
    except KeyError as error:
        # It looks for `err` in every refusal, which no release for years has had.
        raise Refusal("KeyError", None, str(error), None) from error
    except package.PortainerError as error:
        raise Refusal(type(error).__name__, None, error.message, None) from error


async def by_py_portainer_api(
    base: str, operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]
) -> Any:
    """Sign in by a session of its own, and call a method."""
    aiohttp: Any = import_module("aiohttp")
    package: Any = import_module("portainer.portainer")
    failures: Any = import_module("portainer.exceptions")
    address = urlsplit(base)
    async with aiohttp.ClientSession() as session:
        portainer = package.Portainer(session, address.hostname, address.port, by["name"], by["password"])
        try:
            await portainer.login()
            return await getattr(portainer, operation)(**arguments) if operation != "login" else True
        except failures.PortainerException as error:
            raise Refusal(type(error).__name__, error.args[0]["code"], error.args[0], None) from error


async def by_pyportainer(
    base: str, operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]
) -> Any:
    """Call a method by an API key, as Home Assistant does."""
    package: Any = import_module("pyportainer")
    failures: Any = import_module("pyportainer.exceptions")
    async with package.Portainer(base.removesuffix("/api"), by["key"], max_retries=0) as portainer:
        try:
            answer = await getattr(portainer, operation)(**arguments)
        except failures.PortainerError as error:
            raise Refusal(type(error).__name__, None, str(error), None) from error
        return [one.to_dict() for one in answer] if isinstance(answer, list) else answer.to_dict()


CLIENTS = {
    "sdk": by_sdk,
    "portainer-py": by_portainer_py,
    "py-portainer-api": by_py_portainer_api,
    "pyportainer": by_pyportainer,
}

if __name__ == "__main__":
    _, client, address = sys.argv
    if client == "sdk":
        bundled_sdk()
    asyncio.run(obey(partial(CLIENTS[client], address)))
