"""Where a dialect is, as its product's clients are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dragoman.serving import Dialect
    from dragoman.settings import DialectSettings


def mounts(own: DialectSettings, root: str) -> Sequence[str]:
    """Where a dialect begins, by its host name if it has one, and by its path below the server's `root`."""
    found = [f"{root}{own.path}"]
    if own.host is not None:
        scheme, _, address = root.partition("://")
        _, colon, port = address.rpartition("]")[2].partition(":")
        found.insert(0, f"{scheme}://{own.host}{colon}{port}")
    return found


def below(dialect: Dialect) -> str:
    """What clients put behind that themselves, or are to be given with it."""
    return dialect.api.base if dialect.api.address is None else dialect.api.address
