"""The products' ways of speaking, a folder each. A folder that has a `server.py` is served."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragoman.serving import Dialect


def names() -> list[str]:
    """Every dialect there is, by name. Imports none of them."""
    return sorted(folder.parent.name for folder in Path(__file__).parent.glob("*/server.py"))


def load(name: str) -> Dialect:
    """One dialect, with what serving it needs."""
    dialect: Dialect = import_module(f"{__name__}.{name}.server").dialect
    return dialect


def discover() -> list[Dialect]:
    """Every dialect, in the order of their names."""
    return [load(name) for name in names()]
