"""`dragoman session …`: who is signed in, and ending that."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dragoman.cli import printing
from dragoman.cli.account_texts import named
from dragoman.cli.dialects import find
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import AsJson, Config, Database, opened, origin

if TYPE_CHECKING:
    from dragoman.core.sessions import Session

app = typer.Typer(name="session", help="List and revoke sessions.", no_args_is_help=True)


@app.command("list")
def list_sessions(
    *,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the sessions of this account.")
    ] = None,
    dialect: Annotated[str | None, typer.Option(help="Only the sessions of this dialect.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
    as_json: AsJson = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """List sessions, the last seen first. What they run on is what their clients say."""
    from dragoman.core import accounts, sessions

    if dialect is not None:
        find(dialect)
    with opened(config, database) as core, core.begin(origin(), writes=False) as uow:
        number = None if account is None else accounts.get(uow, account).number
        found = sessions.owned(uow, number, dialect, limit=limit)
    if as_json:
        printing.as_json([public(session) for session in found])
        return
    printing.table(
        ("Session", "Dialect", "Account", "Device", "System", "App", "Address", "Opened", "Seen", "Ends"),
        [
            (
                str(session.id),
                session.dialect,
                str(session.account_number),
                session.device,
                session.os,
                session.app_version or "",
                session.address,
                printing.date(session.created_at),
                printing.date(session.seen_at),
                printing.date(min(filter(None, (session.idle_until, session.expires_at)))),
            )
            for session in found
        ],
    )
    if len(found) == limit:
        printing.note(f"There may be more: --limit {limit * 10}")


@app.command()
def revoke(
    session: Annotated[
        uuid.UUID | None,
        typer.Argument(metavar="[SESSION_ID]", help="The session's id, as session list shows it."),
    ] = None,
    *,
    account: Annotated[str | None, typer.Option(metavar="NAME", help="With --all: whose sessions.")] = None,
    dialect: Annotated[str | None, typer.Option(help="With --all: only those of this dialect.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All sessions of an account.")] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Revoke a session, or all of an account: they stop answering at once, and so do those they opened."""
    if session is not None and (every or account is not None or dialect is not None):
        raise WrongUsage("a session's id stands alone, without --account, --dialect and --all")
    if session is None and not (every and account is not None):
        raise WrongUsage("say which: SESSION_ID, or --account NAME --all")
    if session is not None:
        _revoke_one(session, config, database)
    elif account is not None:
        _revoke_all(account, dialect, config, database)


def _revoke_one(session: uuid.UUID, config: Config, database: Database) -> None:
    from dragoman.core import session_ends, sessions

    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        found = sessions.get(uow, session)
        session_ends.end_one(uow, found.account_number, found.dialect, found.id)
    printing.say(f"Revoked session {session}.")


def _revoke_all(name: str, dialect: str | None, config: Config, database: Database) -> None:
    from dragoman.core import accounts, session_ends

    if dialect is not None:
        find(dialect)
    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        account = accounts.get(uow, name)
        session_ends.end_all(uow, account.number, dialects=None if dialect is None else [dialect])
    printing.say(f"Revoked all {dialect + ' ' if dialect else ''}sessions of {named(account)}.")


def public(session: Session) -> dict[str, Any]:
    """A session for programs."""
    return {
        "id": str(session.id),
        "account": session.account_number,
        "dialect": session.dialect,
        "parent": None if session.parent_id is None else str(session.parent_id),
        "device": session.device,
        "os": session.os,
        "app_version": session.app_version,
        "address": session.address,
        "created_at": printing.moment(session.created_at),
        "seen_at": printing.moment(session.seen_at),
        "idle_until": printing.moment(session.idle_until),
        "expires_at": printing.moment(session.expires_at),
        "elevated_until": printing.moment(session.elevated_until),
    }
