"""`dragoman account invite`: a link by which somebody makes an account of their own, printed or mailed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli import printing
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import Config, Database, opened, origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dragoman.core.work import UnitOfWork


def invite(
    *,
    email: Annotated[
        str | None, typer.Option(help="Their e-mail address; theirs to choose if not given.")
    ] = None,
    username: Annotated[
        str | None, typer.Option(help="Their username; theirs to choose if not given.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name to show; theirs to choose if not given.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Make them an administrator.")] = False,
    group: Annotated[
        list[str] | None, typer.Option(help="Name of a group that they are in; may be given again.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=30, help="For how many days the link is good.")] = 3,
    mail_from: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Mail the link in the name of this account, and do not print it."),
    ] = None,
    config: Config = None,
    database: Database = None,
) -> None:
    """Print a link by which somebody makes an account of their own, once; or mail it."""
    from dragoman.core import accounts, invitations

    if mail_from is not None and email is None:
        raise WrongUsage("--mail-from needs --email: where the link is mailed to")
    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        inviter = None if mail_from is None else accounts.get(uow, mail_from)
        offer = invitations.Offer(email, username, name, admin, _numbers(uow, group or ()))
        lasts = timedelta(days=days)
        made = invitations.invite(uow, offer, lasts=lasts, inviter=inviter, mails=inviter is not None)
    until = f"{made.expires_at:%Y-%m-%d %H:%M} UTC"
    if inviter is not None:
        printing.say(f"An invitation is on its way to {email}, good until {until}.")
        return
    printing.say(made.link.reveal())
    printing.note(f"Whoever opens it first makes an account here, until {until}.")


def _numbers(uow: UnitOfWork, names: Sequence[str]) -> list[int]:
    """The numbers of the groups with these names. Refuses `WrongUsage`."""
    from dragoman.core import groups

    there = {group.name: group.number for group in groups.everyone(uow)}
    for name in names:
        if name not in there:
            raise WrongUsage(f"there is no group called {name}")
    return [there[name] for name in names]
