"""`dragoman account drop-factor` and `ask-factor`: second factors, for whoever lost theirs and for whoever must have one."""

from __future__ import annotations

from enum import StrEnum
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


class When(StrEnum):
    """When a second factor is asked for."""

    NEVER = "never"
    IF_SET = "if-set"
    ALWAYS = "always"
    PASSKEY = "passkey"
    THEIRS = "as-they-choose"


def ask_factor(
    name: Annotated[str, typer.Argument(metavar="NAME", help="E-mail address, username, number or UUID.")],
    when: Annotated[
        When, typer.Argument(help="`passkey`: always, and on the pages nothing else will do as one.")
    ],
    *,
    config: Config = None,
    database: Database = None,
) -> None:
    """Decide when an account is asked for a second factor, a passkey or a code, besides its password."""
    from dragoman.core import accounts, demands

    chosen = [demand for demand in demands.DEMANDS if demand.replace(" ", "-") == when.value]
    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        demands.impose(uow, account.number, chosen[0] if chosen else None)
    printing.say(f"A second factor is asked of {named(account)}: {when.value}.")
