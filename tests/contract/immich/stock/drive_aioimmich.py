"""Drives aioimmich, the library behind Home Assistant's integration, as that does: one object, one API key."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tests.lines import Refusal, obey

aiohttp: Any = import_module("aiohttp")
aioimmich: Any = import_module("aioimmich")
ImmichError: Any = import_module("aioimmich.exceptions").ImmichError


async def call(operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]) -> Any:
    """Set an object up and call `group.method` of it; `version` is what the set-up has found out."""
    host, port = sys.argv[1:]
    async with aiohttp.ClientSession() as session:
        immich = aioimmich.Immich(session, by["key"], host, int(port), use_ssl=False)
        try:
            await immich.async_setup()
            if operation == "version":
                return immich.api.version
            group, method = operation.split(".")
            return await getattr(getattr(immich, group), method)(**arguments)
        except ImmichError as error:
            # All that this client tells of a refusal is one sentence.
            raise Refusal(type(error).__name__, None, str(error), None) from error


if __name__ == "__main__":
    asyncio.run(obey(call))
