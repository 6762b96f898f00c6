"""`dragoman config …`: what the configuration comes to, and whether it is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from dragoman.cli import printing
from dragoman.cli.installation import (
    AsJson,
    Config,
    Database,
    Overrides,
    environment,
    overrides,
    read_settings,
)

app = typer.Typer(name="config", help="Look at the configuration, and check it.", no_args_is_help=True)


@app.command()
def show(*, as_json: AsJson = False, config: Config = None, database: Database = None) -> None:
    """Show every setting, secrets as stars, and where it comes from."""
    said = overrides(database)
    public = read_settings(config, said).to_public_dict()
    if as_json:
        printing.as_json(public)
        return
    given = sources(config, said)
    rows = [(name, value, given.get(name, "default")) for name, value in flat(public)]
    printing.table(("Setting", "Value", "From"), rows)


@app.command()
def check(*, config: Config = None, database: Database = None) -> None:
    """Check the configuration: OK, or everything that is wrong with it and code 2."""
    from dragoman.settings.sources import config_file

    read_settings(config, overrides(database))
    file, _ = config_file(config, environment())
    printing.say(f"OK ({file or 'no file, only defaults and the environment'})")


def sources(config: Path | None, said: Overrides) -> Mapping[str, str]:
    """Where each setting that is not a default was given."""
    from dragoman.building import dialect_models
    from dragoman.settings import Settings
    from dragoman.settings.fields import Catalogue, settings_of
    from dragoman.settings.sources import gather

    known = [each for each in settings_of(Settings) if each.path != ("dialects",)]
    for name, model in dialect_models().items():
        known += settings_of(model, ("dialects", name))
    given, _ = gather(Catalogue(known, tables=[("dialects",)]), config, environment(), said)
    return {each.known.name: each.where for each in given.values()}


def flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every setting as its full name and its value as text; "" where nothing is set."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{name}.")
        elif isinstance(value, list):
            yield f"{above}{name}", ", ".join(value)
        else:
            yield (
                f"{above}{name}",
                "" if value is None else str(value).lower() if isinstance(value, bool) else str(value),
            )
