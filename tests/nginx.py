"""A real nginx for the tests, where one is installed."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest


@contextmanager
def nginx(configuration: str, folder: Path, url: str) -> Iterator[None]:
    """nginx with this configuration, which lets it answer at `url`. Skips the test where there is none."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    file = folder / "nginx.conf"
    file.write_text(configuration, encoding="utf-8")
    command = [program, "-p", str(folder), "-c", str(file), "-e", "/dev/stderr"]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    with subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(url)
            yield
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    """Until somebody answers."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(httpx2.TransportError):
            httpx2.get(f"{url}/readyz", trust_env=False)
            return
        time.sleep(0.02)
    raise TimeoutError(url)
