"""What a driver says and hears: a call a line on standard input, and on standard output what became of it.

This runs in the stock client's own process, where neither the tests' packages nor the server's are installed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

# The operation, by the name in the product's document; what is held up; the arguments.
Call = Callable[[str, Mapping[str, str], Mapping[str, Any]], Awaitable[Any]]


class Refusal(Exception):
    """The client's own exception for a refusal: its name, and what it carries of the answer."""

    def __init__(self, kind: str, status: int | None, said: Any, correlation: str | None) -> None:
        super().__init__(f"{kind} {status}: {said}")
        self.facts = {"kind": kind, "status": status, "said": said, "correlation": correlation}


async def obey(call: Call) -> None:
    """Make every call that is asked for, one after the other, until standard input ends."""
    # Waiting must not keep the client from noticing that the server has closed an idle connection.
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        said: dict[str, Any]
        try:
            said = {"answer": await call(asked["operation"], asked["by"], asked["arguments"])}
        except Refusal as refusal:
            said = {"refused": refusal.facts}
        except Exception as failure:  # noqa: BLE001 - an answer that the client does not understand, for one
            said = {"failed": f"{type(failure).__name__}: {failure}"}
        print(json.dumps(said, default=plain), flush=True)  # noqa: T201 - this is how it answers


def plain(value: Any) -> Any:
    """What JSON has no word for: a model as it goes over the wire, everything else as text."""
    if hasattr(value, "model_dump"):
        # What is only read, the model's own `to_dict` takes for nothing to be said.
        return value.model_dump(by_alias=True, exclude_none=True) | value.to_dict()
    return value.to_dict() if hasattr(value, "to_dict") else str(value)
