"""`dragoman migrate`: bring the schema up to date without starting a server, as every start does too."""

from __future__ import annotations

from dragoman.cli import printing
from dragoman.cli.installation import Config, Database, opening, overrides, read_settings


def migrate(*, config: Config = None, database: Database = None) -> None:
    """Bring the database's schema up to date."""
    from dragoman import migrations
    from dragoman.core.database import Database as Opened

    settings = read_settings(config, overrides(database))
    with opening():
        opened = Opened(settings.database.connection_url, connections=1)
        try:
            applied = migrations.bring_up(opened)
        finally:
            opened.dispose()
    for revision in applied:
        printing.say(f"Applied {revision}.")
    printing.say(f"The schema of {settings.database.display_url} is at {migrations.HEAD}, the newest.")
