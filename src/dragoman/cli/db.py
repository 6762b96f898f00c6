"""`dragoman db …`: moving all there is from one database to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli import passwords, printing, progress
from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import has_password, opening

if TYPE_CHECKING:
    from dragoman.core.database import Database
    from dragoman.settings.sections import DatabaseSettings

app = typer.Typer(name="db", help="Move to another database.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(metavar="FROM", help="sqlite:///PATH or postgresql://USER@HOST/NAME.")]
Target = Annotated[str, typer.Argument(metavar="TO", help="The same, of a database that holds nothing yet.")]
SourcePassword = Annotated[
    Path | None,
    typer.Option("--from-password-file", metavar="FILE", help="The password for FROM is in FILE."),
]
TargetPassword = Annotated[
    Path | None, typer.Option("--to-password-file", metavar="FILE", help="The password for TO is in FILE.")
]


@app.callback()
def db() -> None:
    """Move to another database."""


@app.command()
def copy(
    source: Source,
    target: Target,
    *,
    from_password_file: SourcePassword = None,
    to_password_file: TargetPassword = None,
) -> None:
    """Copy everything to another database and compare; interrupted, the same command goes on where it was."""
    from dragoman import moving
    from dragoman.core import copying, sealing

    leaving, going_to = (
        _described(url, file, option)
        for url, file, option in (
            (source, from_password_file, "--from-password-file"),
            (target, to_password_file, "--to-password-file"),
        )
    )
    if leaving.connection_url == going_to.connection_url:
        raise WrongUsage("FROM and TO are the same database")
    with opening(), _opened(leaving) as old, _opened(going_to) as new:
        with old.reading() as db:
            total, master_keys = copying.total(db), sealing.master_ids(db)
        with progress.bar("Copying", total) as watch:
            moved = moving.move(old, new, watch)
    printing.table(["TABLE", "ROWS"], [(name, str(content.rows)) for name, content in moved.items()])
    printing.say(f"Copied {leaving.display_url} to {going_to.display_url}, and compared every row.")
    for master_id in master_keys:
        printing.note(f"What serves the copy needs the master key {master_id}, which no database holds.")


def _described(url: str, password_file: Path | None, option: str) -> DatabaseSettings:
    from pydantic import ValidationError

    from dragoman.settings.sections import DatabaseSettings

    if has_password(url):
        raise WrongUsage(
            f"a password has no place among arguments: put it into a file and name that by {option}"
        )
    password = None if password_file is None else passwords.read_text(password_file, stdin=False)
    try:
        return DatabaseSettings.model_validate({"url": url, "password": password})
    except ValidationError as error:
        (why, *_) = error.errors(include_url=False, include_input=False)
        raise WrongUsage(f"{url}: {why['msg'].removeprefix('Value error, ')}") from None


@contextmanager
def _opened(described: DatabaseSettings) -> Iterator[Database]:
    from dragoman.core.database import Database

    database = Database(described.connection_url, connections=2, in_haste=False)
    try:
        yield database
    finally:
        database.dispose()
