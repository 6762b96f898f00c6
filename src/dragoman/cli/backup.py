"""`dragoman backup`: everything in one file, also while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli import passwords, printing
from dragoman.cli.failures import CannotStart, WrongUsage
from dragoman.cli.installation import Config, Database, environment, opening, overrides, read_settings

if TYPE_CHECKING:
    from dragoman.core.secrets import Secret
    from dragoman.settings import Settings

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Take the passphrase from FILE, less one newline at its end.",
    ),
]
PassphraseStdin = Annotated[
    bool,
    typer.Option(
        "--passphrase-stdin", help="Take the passphrase from standard input, less one newline at its end."
    ),
]


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write, which must not be there yet.")
    ],
    *,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt it by a passphrase.")] = False,
    passphrase_file: PassphraseFile = None,
    passphrase_stdin: PassphraseStdin = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Write all that the database holds to a file, also while it is served."""
    from dragoman.backups.making import make
    from dragoman.core import sealing
    from dragoman.core.database import Database as Opened
    from dragoman.core.work import system_clock

    if not encrypt and (passphrase_file is not None or passphrase_stdin):
        raise WrongUsage("a passphrase is for --encrypt")
    settings = read_settings(config, overrides(database))
    chosen = (
        read_passphrase(settings, passphrase_file, stdin=passphrase_stdin, again=True) if encrypt else None
    )
    with opening():
        opened = Opened(settings.database.connection_url, connections=2, in_haste=False)
        try:
            keys = sealing.kept_master_keys(configured_master_key(settings), opened)
            made = make(opened, keys, file, passphrase=chosen, now=system_clock(), environ=environment())
        except OSError as error:
            raise CannotStart(f"{file} cannot be written: {error.strerror}") from error
        finally:
            opened.dispose()
    printing.say(
        f"Wrote {file}, {'encrypted' if encrypt else 'not encrypted'}: {made.rows} rows in {len(made.tables)} tables "
        f"of {settings.database.display_url}, at revision {made.revision}."
    )
    printing.note(f"The master key {keys.first.id} is not in it, and restoring needs it: keep it elsewhere.")


def read_passphrase(settings: Settings, file: Path | None, *, stdin: bool, again: bool = False) -> Secret:
    """A passphrase, from where the options say, else from the settings, else asked for."""
    from dragoman.core.secrets import Secret

    configured = settings.backup.passphrase
    if file is None and not stdin and configured is not None:
        return Secret(configured.get_secret_value())
    asked = passwords.read_text(file, stdin=stdin, again="Once more" if again else False, what="passphrase")
    return Secret(asked)


def configured_master_key(settings: Settings) -> str | None:
    """The master keys that are configured, as they are written."""
    return settings.master_key.get_secret_value() if settings.master_key else None
