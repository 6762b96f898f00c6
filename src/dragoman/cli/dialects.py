"""The dialect that an argument names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dragoman.cli.failures import WrongUsage

if TYPE_CHECKING:
    from dragoman.serving import Dialect

DialectName = Annotated[str, typer.Argument(metavar="DIALECT", help="A product's name, such as immich.")]


def find(name: str) -> Dialect:
    """The dialect of this name. `WrongUsage` when there is none."""
    from dragoman import dialects

    if name not in dialects.names():
        raise WrongUsage(f"there is no dialect {name}; there are: {', '.join(dialects.names())}")
    return dialects.load(name)
