"""`dragoman signing-key …`: the keys by which a dialect signs its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dragoman.cli import printing
from dragoman.cli.dialects import DialectName, find
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import (
    AsJson,
    Config,
    Database,
    opened,
    origin,
    overrides,
    read_settings,
)

if TYPE_CHECKING:
    from dragoman.core.keys import SigningKey

app = typer.Typer(name="signing-key", help="List and rotate the keys that sign tokens.", no_args_is_help=True)


@app.command("list")
def list_keys(
    *,
    dialect: Annotated[str | None, typer.Option(help="Only the keys of this dialect.")] = None,
    as_json: AsJson = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """List the keys whose tokens are good, by dialect, the oldest first."""
    from dragoman.core import keys

    if dialect is not None:
        find(dialect)
    with opened(config, database) as core, core.begin(origin(), writes=False) as uow:
        found = keys.listed(uow, dialect)
    if as_json:
        printing.as_json([public(key) for key in found])
        return
    printing.table(
        ("Key", "Dialect", "Algorithm", "Made", "Retired", "Good until"),
        [
            (
                key.kid,
                key.dialect,
                key.algorithm,
                printing.date(key.created_at),
                printing.date(key.retired_at),
                printing.date(key.gone_at),
            )
            for key in found
        ],
    )


@app.command()
def rotate(
    dialect: DialectName,
    *,
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="Refuse what older keys signed from now on: one of them got out."),
    ] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Make a new key, by which the dialect signs from now on. Tokens signed before stay good until they end."""
    from dragoman.core import keys

    meant = find(dialect)
    if meant.signing is None:
        raise WrongUsage(f"{meant.product} has no tokens that are signed")
    signing = meant.signing(read_settings(config, overrides(database)).dialects[dialect])
    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        kid = keys.rotate(uow, dialect, signing, at_once=at_once)
    printing.say(f"{meant.product}'s tokens are signed by the key {kid} from now on.")


def public(key: SigningKey) -> dict[str, Any]:
    """A key for programs, without its private half."""
    return {
        "kid": key.kid,
        "dialect": key.dialect,
        "algorithm": key.algorithm,
        "created_at": printing.moment(key.created_at),
        "retired_at": printing.moment(key.retired_at),
        "gone_at": printing.moment(key.gone_at),
    }
