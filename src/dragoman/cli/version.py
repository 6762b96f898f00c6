"""`dragoman version`: what is installed. It needs nothing of the server."""

from __future__ import annotations

import importlib.util
import platform

from dragoman import __version__
from dragoman.cli import printing
from dragoman.cli.installation import AsJson


def version(*, as_json: AsJson = False) -> None:
    """Print the version, and whether the server is installed."""
    server = all(importlib.util.find_spec(package) for package in ("sqlalchemy", "starlette", "uvicorn"))
    if as_json:
        printing.as_json({"version": __version__, "python": platform.python_version(), "server": server})
    else:
        printing.say(f"Dragoman {__version__}, {'client and server' if server else 'client only'}")
