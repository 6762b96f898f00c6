"""`dragoman account reset`: let somebody set a new password themselves, by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli import printing
from dragoman.cli.account_texts import named
from dragoman.cli.installation import Config, Database, opened, origin

if TYPE_CHECKING:
    from dragoman.core.work import Core


def reset(
    name: Annotated[str, typer.Argument(metavar="NAME", help="E-mail address, username, number or UUID.")],
    *,
    print_link: Annotated[
        bool, typer.Option("--print-link", help="Print the link, to be handed over by you, and mail nothing.")
    ] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Mail an account a link by which it sets a new password: good once, for a day. The old one stays till then."""
    with opened(config, database) as core:
        if print_link:
            _print_link(core, name)
        else:
            _mail_link(core, name)


def _print_link(core: Core, name: str) -> None:
    from dragoman.core import accounts, resets

    with core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        started = resets.start(uow, account)
    printing.say(started.link.reveal())
    printing.note(f"It sets the password of {named(account)}, until {started.expires_at:%Y-%m-%d %H:%M} UTC.")


def _mail_link(core: Core, name: str) -> None:
    from dragoman.core import accounts, resets

    with core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        mail = resets.mail(uow, account)
    printing.say(f"A link to set a new password is on its way to {account.email}.")
    if core.tools.mailer is None:
        printing.note(f"No mail server is configured: read it by dragoman outbox show {mail}")
