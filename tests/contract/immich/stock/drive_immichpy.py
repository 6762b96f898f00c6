"""Drives immichpy, generated from the product's OpenAPI document, as a program would that uses it."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from tests.lines import Refusal, obey

# As whoever uses it without a type checker: it is installed for this process alone.
AsyncClient: Any = import_module("immichpy.client.main").AsyncClient
ApiException: Any = import_module("immichpy.client.generated.exceptions").ApiException


async def main(base: str) -> None:
    """Obey, with one client all the time: what it holds up is changed from call to call."""
    async with AsyncClient(base_url=base) as client:
        await obey(partial(call, client))


async def call(client: Any, operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]) -> Any:
    """Call an operation, holding up a session's token, a key, or both."""
    configuration = client.base_client.configuration
    configuration.access_token = by.get("token")
    configuration.api_key = {"api_key": by["key"]} if "key" in by else {}
    method = method_of(client, snake(operation))
    parameters = inspect.signature(method).parameters
    named = {snake(name): value for name, value in arguments.items()}
    given = {name: shaped(parameters[name].annotation, value) for name, value in named.items()}
    try:
        return await method(**given)
    except ApiException as error:
        correlation = error.headers.get("x-immich-cid") or error.headers.get("x-correlation-id")
        raise Refusal(type(error).__name__, error.status, json.loads(error.body), correlation) from error


def method_of(client: Any, name: str) -> Callable[..., Any]:
    """The method of that name, whichever of the client's groups it is in."""
    found: Callable[..., Any] = next(
        getattr(api, name) for api in vars(client).values() if hasattr(api, name)
    )
    return found


def snake(name: str) -> str:
    """A name of the document as the generator writes it in Python."""
    return re.sub("(?=[A-Z])", "_", name).lower()


def shaped(kind: Any, value: Any) -> Any:
    """A body as a model of the client's."""
    return kind.model_validate(value) if hasattr(kind, "model_validate") else value


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
