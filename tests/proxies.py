"""Real reverse proxies for the tests, where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest


@contextmanager
def nginx(configuration: str, folder: Path, url: str) -> Iterator[None]:
    """nginx with this configuration, which lets it answer at `url`. Skips the test where there is none."""
    program, file = _program("nginx"), folder / "nginx.conf"
    file.write_text(configuration, encoding="utf-8")
    command = [program, "-p", str(folder), "-c", str(file), "-e", "/dev/stderr"]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    with _running([*command, "-g", "daemon off;"], folder, url):
        yield


@contextmanager
def caddy(configuration: str, folder: Path, url: str) -> Iterator[None]:
    """The same of Caddy."""
    program, file = _program("caddy"), folder / "Caddyfile"
    file.write_text(configuration, encoding="utf-8")
    with _running([program, "run", "--config", str(file), "--adapter", "caddyfile"], folder, url):
        yield


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def _running(command: Sequence[str], folder: Path, url: str) -> Iterator[None]:
    environ = {**os.environ, "HOME": str(folder)}  # where Caddy keeps what it has made
    with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(url)
            yield
        finally:
            process.terminate()


def _wait_for(url: str) -> None:
    """Until somebody answers."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(httpx2.TransportError):
            httpx2.get(f"{url}/readyz", trust_env=False)
            return
        time.sleep(0.02)
    raise TimeoutError(url)
