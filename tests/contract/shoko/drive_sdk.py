"""Drives the SDK that Shoko's own generator makes, as a program would that uses it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from tests.lines import Refusal, obey

# As whoever uses it without a type checker: it is made by the test, and its packages are this process's alone.
PACKAGE = "lib.shoko.v3"
SDK: Any = import_module(PACKAGE)
AuthApi: Any = import_module(f"{PACKAGE}.lib.shoko.v3.api.tags.auth_api").AuthApi
CoreAuthUser: Any = import_module(f"{PACKAGE}.lib.shoko.v3.models.core_auth_user").CoreAuthUser


async def call(
    host: str, operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Call an operation, with a key configured or without: the status and the text of the answer."""
    configuration = SDK.Configuration(host=host)
    if "key" in by:
        configuration.api_key["ApiKey"] = by["key"]
    given = dict(arguments)
    if isinstance(given.get("body"), dict):
        given["body"] = CoreAuthUser.from_openapi_data_oapg(given["body"])
    with SDK.ApiClient(configuration) as client:
        try:
            answer = getattr(AuthApi(client), operation)(**given).response
        except SDK.ApiException as error:
            said = json.loads(error.body) if error.body else None
            raise Refusal(type(error).__name__, error.status, said, None) from error
        return {"status": answer.status, "text": answer.data.decode()}


if __name__ == "__main__":
    asyncio.run(obey(partial(call, sys.argv[1])))
