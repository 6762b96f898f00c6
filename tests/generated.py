"""SDKs that generators make of the documents that a server publishes, as whoever builds a client would."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from tests.examples import environment, shared


def seedcheck(dialect: str, root: str, *more: str) -> str:
    """What the tool prints that holds a dialect's document, at the server `root`, against the product's page.

    Skips where it cannot be had: it is no part of the project. Fails where it finds a difference.
    """
    tools = shared()
    if tools is None or not (tools / "seeds" / f"{dialect}.md").is_file():
        pytest.skip(f"the seed page of {dialect} and its tools do not lie beside the project")
    command = [sys.executable, str(tools / "tools/seedcheck"), "--spec", f"{root}/{dialect}/openapi.json"]
    done = subprocess.run(
        [*command, "--dialect", dialect, "--mount", f"/{dialect}", *more],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if done.returncode == 2 and ("pip" in done.stderr or "no java" in done.stderr):
        pytest.skip(f"the generator cannot be had here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def generated_sdk(dialect: str, root: str, package: str, folder: Path) -> Iterator[ModuleType]:
    """The package that the product's generator makes of a dialect's whole document at the server `root`, imported."""
    seedcheck(dialect, root, "--sdk", str(folder), "--sdk-full", "--sdk-only")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(package)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
            del sys.modules[name]
