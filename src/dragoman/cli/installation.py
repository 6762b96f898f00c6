"""Which installation a verb works on: the options that name it, its settings, and its core.

This is where the command line reads the environment; what comes of it are settings.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli.failures import CannotStart, WrongUsage, first_line

if TYPE_CHECKING:
    from dragoman.core.work import Core, Origin
    from dragoman.settings import Settings

Overrides = Mapping[str, Mapping[str, str | int | None]]

Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The TOML file to read; else DRAGOMAN_CONFIG, else ./dragoman.toml."),
]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="sqlite:///PATH or postgresql://USER@HOST/NAME, without a password; see config show.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def environment() -> dict[str, str]:
    """The environment as it is."""
    return dict(os.environ)  # noqa: TID251 - the command line is where settings are read


def overrides(
    database: str | None, *, host: str | None = None, port: int | None = None, workers: int | None = None
) -> Overrides:
    """What options say, nested as the settings are. `WrongUsage` for a database URL with a password."""
    if database is not None and has_password(database):
        # Every user of the machine can read the arguments of its processes.
        raise WrongUsage(
            "a password has no place among arguments: leave it out of --database, and set "
            "DRAGOMAN_DATABASE__PASSWORD or DRAGOMAN_DATABASE__PASSWORD_FILE"
        )
    return {"server": {"host": host, "port": port, "workers": workers}, "database": {"url": database}}


def has_password(url: str) -> bool:
    """Whether a database URL holds a password, in its usual place or in its query."""
    scheme, _, rest = url.partition("://")
    credentials, at, _ = rest.rpartition("@")
    in_place = bool(at) and ":" in credentials
    return scheme != "sqlite" and (in_place or "password=" in rest.partition("?")[2].lower())


def read_settings(config: Path | None, said: Overrides) -> Settings:
    """The settings, of which options are the strongest source. Raises `SettingsError`."""
    from dragoman.building import dialect_models
    from dragoman.settings import load

    return load(config, environment(), overrides=said, dialect_models=dialect_models())


@contextmanager
def opening() -> Iterator[None]:
    """Turn what keeps a database from being opened into `CannotStart` or `Unavailable`."""
    from dragoman.core.work import answering

    try:
        with answering():
            yield
    except Exception as error:
        said = getattr(error, "orig", None)  # SQLAlchemy's name for the driver's own exception
        if said is None:
            raise
        raise CannotStart(f"the database cannot be used: {first_line(str(said))}") from error


@contextmanager
def opened(config: Path | None, database: str | None) -> Iterator[Core]:
    """The core on its database, straight: also while a server runs on the same one."""
    from dragoman import log
    from dragoman.building import make_core

    settings = read_settings(config, overrides(database))
    log.configure("warning", "console")
    with opening():
        core = make_core(settings)
    try:
        yield core
    finally:
        core.database.dispose()


def origin() -> Origin:
    """Who works here, for the audit log: the dialect is "cli", the agent the user of this machine."""
    from dragoman import __version__
    from dragoman.core.work import Origin

    return Origin("cli", agent=f"dragoman {__version__}, user {_user()}")


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number that has no name
        return str(os.getuid())
