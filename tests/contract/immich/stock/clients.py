"""Immich's stock clients: how each is driven, and the release that it was made for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.stock import NODE, PACKAGES, Command, in_python, installed

HERE = Path(__file__).parent
DRIVERS = "tests.contract.immich.stock"


def immichpy(release: str, base: str) -> Command:
    """The command that drives the immichpy of a release, and its environment."""
    return in_python(release, f"{DRIVERS}.drive_immichpy", base)


def aioimmich(host: str, port: int) -> Command:
    """The command that drives aioimmich, and its environment."""
    return in_python("1.134", f"{DRIVERS}.drive_aioimmich", host, str(port))


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
