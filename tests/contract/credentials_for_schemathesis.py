"""Loaded by schemathesis (SCHEMATHESIS_HOOKS): a good credential in every request, whatever those before it ended.

Generated requests sign out, end sessions and revoke keys, their own among them; a credential given once would
soon be refused, and every answer after that a 401. So a new one is fetched, from the test, whenever one is
refused. And what was answered with success is noted for the test, one operation a line.
"""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import schemathesis

MINT = os.environ["DRAGOMAN_TEST_MINT"]
ANSWERED = Path(os.environ["DRAGOMAN_TEST_ANSWERED"])

held: dict[str, str] = {}
answered: set[str] = set()


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: Any) -> None:
    """Let answers have no body that a product's document calls an object of any kind: ELEMENTS' have none (§2)."""
    for item in raw_schema["paths"].values():
        for operation in item.values():
            for answer in operation["responses"].values() if "responses" in operation else ():
                media = answer.get("content", {}).get("application/json", {})
                if media.get("schema") == {"type": "object"}:
                    del answer["content"]


@schemathesis.auth(refresh_interval=None)
class Good:
    """The header of a credential that has not been refused yet."""

    def get(self, case: Any, context: Any) -> dict[str, str]:
        """The one that is held, or a new one."""
        if not held:
            with urllib.request.urlopen(MINT) as answer:  # noqa: S310 - the test's own address
                held.update(json.load(answer))
        return dict(held)

    def set(self, case: Any, data: dict[str, str], context: Any) -> None:
        """Beside the headers that were generated."""
        case.headers = {**(case.headers or {}), **data}


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Let go of what was refused; note what was answered."""
    if response.status_code == 401:
        held.clear()
    label = case.operation.label
    if response.status_code < 300 and label not in answered:
        answered.add(label)
        with ANSWERED.open("a") as lines:
            lines.write(f"{label}\n")
