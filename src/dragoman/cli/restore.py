"""`dragoman restore`: what a backup holds takes the place of what is there, once all of it is verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli import printing
from dragoman.cli.backup import PassphraseFile, PassphraseStdin, configured_master_key, read_passphrase
from dragoman.cli.failures import CannotStart
from dragoman.cli.installation import (
    Config,
    Database,
    environment,
    opened,
    opening,
    origin,
    overrides,
    read_settings,
)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `dragoman backup` wrote.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let go of the accounts that are there.")
    ] = False,
    keep_sessions: Annotated[
        bool,
        typer.Option(
            "--keep-sessions", help="Do not end sessions, tickets and links, and send mail that waited."
        ),
    ] = False,
    passphrase_file: PassphraseFile = None,
    passphrase_stdin: PassphraseStdin = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Restore a backup, wholly or not at all, to a database that nobody uses."""
    from dragoman.backups.restoring import restore as put_back
    from dragoman.core import audit, sealing
    from dragoman.core.database import Database as Target

    settings = read_settings(config, overrides(database))
    with opening():
        target = Target(settings.database.connection_url, connections=1, in_haste=False)
        try:
            restored = put_back(
                file,
                target,
                sealing.kept_master_keys(configured_master_key(settings), target),
                ask=lambda: read_passphrase(settings, passphrase_file, stdin=passphrase_stdin),
                replace=replace,
                keep_open=keep_sessions,
                environ=environment(),
            )
        except OSError as error:
            raise CannotStart(f"{error.filename or file} cannot be used: {error.strerror}") from error
        finally:
            target.dispose()
    with opened(config, database) as core, core.begin(origin(), writes=True) as uow:
        made = printing.moment(restored.made_at)
        audit.record(uow, "backup restored", made_at=made, sessions="kept" if keep_sessions else "ended")
    printing.say(
        f"Restored what {settings.database.display_url} holds from {file}, made {made}: "
        f"{restored.rows} rows in {len(restored.tables)} tables."
    )
    printing.note(
        "Sessions, tickets and links go on as they were then, also those that were ended since."
        if keep_sessions
        else "Sessions, tickets and links are ended. Passwords, app passwords, API keys and second factors are those of then."
    )
