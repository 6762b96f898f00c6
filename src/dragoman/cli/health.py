"""`dragoman health`: whether a server wants requests, for a container's health check. It imports next to nothing."""

from __future__ import annotations

import http.client
from typing import Annotated
from urllib.parse import urlsplit

import typer

from dragoman.cli.failures import Code, WrongUsage
from dragoman.cli.printing import say

HERE = "http://127.0.0.1:8080"
READY = "/readyz"


def health(
    url: Annotated[
        str, typer.Argument(help=f"The server; {READY} is asked for unless there is a path.")
    ] = HERE,
    *,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait, at most.")] = 5.0,
) -> None:
    """Ask a server whether it is ready: it ends with 0 if so, with 1 if not."""
    try:
        status, reason = _asked(url, timeout)
    except (OSError, http.client.HTTPException) as error:
        say(f"no answer: {error}")
        raise typer.Exit(Code.REFUSED) from None
    say(f"{status} {reason}")
    if status != http.client.OK:
        raise typer.Exit(Code.REFUSED)


def _asked(url: str, timeout: float) -> tuple[int, str]:
    """The status and its name. The connection is made to the server itself, whatever proxy the environment names."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongUsage(f"{url} is no address of a server, such as {HERE}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path if parts.path.strip("/") else READY)
        answer = connection.getresponse()
        return answer.status, answer.reason
    finally:
        connection.close()
