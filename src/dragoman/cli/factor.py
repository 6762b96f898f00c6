"""`dragoman account drop-factor`: let somebody in whose device is lost."""

from __future__ import annotations

from typing import Annotated

import typer

from dragoman.cli import printing
from dragoman.cli.account_texts import named
from dragoman.cli.installation import Config, Database, opened, origin


def drop_factor(
    name: Annotated[str, typer.Argument(metavar="NAME", help="E-mail address, username, number or UUID.")],
    *,
    config: Config = None,
    database: Database = None,
) -> None:
    """Ask an account for no code any more, as when the device that makes them is lost. The password stays."""
    from dragoman.core import accounts, factors

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        factors.disable(uow, account)
    printing.say(f"No codes are asked of {named(account)} any more.")
