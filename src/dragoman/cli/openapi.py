"""`dragoman openapi DIALECT`: the document that a dialect publishes, without a server running."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dragoman.cli.dialects import DialectName, find
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import Config, overrides, read_settings


def openapi(
    dialect: DialectName,
    *,
    mount: Annotated[
        str | None, typer.Option(metavar="PATH", help="Path prefix; / for none; else the configured one.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of the server; else the configured one.")
    ] = None,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print YAML instead of JSON.")] = False,
    config: Config = None,
) -> None:
    """Print a dialect's OpenAPI document."""
    from dragoman.documents import as_yaml
    from dragoman.openapi import document

    found = find(dialect)
    settings = read_settings(config, overrides(None))
    own = settings.dialects[dialect]
    if mount is not None and not mount.startswith("/"):
        raise WrongUsage("--mount must start with /")
    described = document(
        found.api,
        mount=own.path if mount is None else mount.rstrip("/"),
        base_url=settings.server.base_url if base_url is None else base_url.rstrip("/"),
        release=found.release(own),
    )
    if yaml:
        typer.echo(as_yaml(described).decode(), nl=False)
    else:
        typer.echo(json.dumps(described, ensure_ascii=False, indent=2))
