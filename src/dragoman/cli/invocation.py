"""How a person reaches, from another terminal, the installation that this process works on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dragoman.cli.installation import has_password

CONFIG = "DRAGOMAN_CONFIG"
DATABASE = "DRAGOMAN_DATABASE__URL"


@dataclass(frozen=True)
class Invocation:
    """The words to type before a verb's name, those to type after it, and whether variables are needed too."""

    program: tuple[str, ...]
    options: tuple[str, ...]
    needs_variables: bool


def repeated(
    invoked: str, environ: Mapping[str, str], *, config: Path | None, database: str | None
) -> Invocation:
    """How to call `invoked` again on the installation that these options and variables name.

    What a variable says is said as an option where that shows no secret: the other terminal may lack it.
    """
    variables = {name: value for name, value in environ.items() if name.startswith("DRAGOMAN_") and value}
    options: list[str] = []
    file = str(config) if config is not None else variables.get(CONFIG)
    if file is not None:
        options += ["--config", file]
        variables.pop(CONFIG, None)
    url = database if database is not None else variables.get(DATABASE)
    if url is not None and not has_password(url):
        options += ["--database", url]
        variables.pop(DATABASE, None)
    return Invocation(program(invoked), tuple(options), bool(variables))


def program(invoked: str) -> tuple[str, ...]:
    """What a person types for this program: its name if the shell finds it, else its path."""
    if Path(invoked).name == "__main__.py":
        return ("python", "-m", "dragoman")
    found = shutil.which("dragoman")
    return ("dragoman",) if found and Path(found).resolve() == Path(invoked).resolve() else (invoked,)
