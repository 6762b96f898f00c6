"""The command line: `dragoman serve | account | session | key | signing-key | outbox | audit | login | …`.

Importing it imports Typer and the outline of each verb; a verb imports what it needs when it is run. So
`dragoman --help` answers at once, and the bare installation, which lacks the server's packages, has the
same verbs and says of most of them that the server is needed.

What is printed: answers on standard output, everything else on standard error. How a verb ends is in
`failures.py`. Secrets come by prompt, file or standard input, never as arguments.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from dragoman.cli import (
    account,
    audit,
    backup,
    config,
    db,
    diff,
    factor,
    failures,
    health,
    invite,
    key,
    login,
    migrate,
    openapi,
    outbox,
    reset,
    restore,
    secrets,
    serve,
    session,
    signing_key,
    version,
)

app = typer.Typer(
    help="One account store, every client's own login dialect.",
    epilog=failures.EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    # Help as plain text: to import Rich for its frames would double the time that --help takes.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(serve.serve)
app.command()(health.health)
account.app.command()(invite.invite)
account.app.command()(reset.reset)
account.app.command()(factor.drop_factor)
account.app.command()(factor.ask_factor)
app.add_typer(account.app)
app.add_typer(session.app)
app.add_typer(key.app)
app.add_typer(secrets.app)
app.add_typer(signing_key.app)
app.add_typer(outbox.app)
app.command()(audit.audit)
app.command()(login.login)
app.add_typer(config.app)
app.command()(openapi.openapi)
app.command()(diff.diff)
app.command()(migrate.migrate)
app.add_typer(db.app)
app.command()(backup.backup)
app.command()(restore.restore)
app.command()(version.version)


def main(args: Sequence[str] | None = None) -> None:
    """Run a verb, and end the process with its code (`failures.Code`)."""
    try:
        app(args)
    except Exception as error:
        failure = failures.explain(error)
        if failure is None:
            raise
        typer.echo(str(failure), err=True)
        sys.exit(failure.code)
