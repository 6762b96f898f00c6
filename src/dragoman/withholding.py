"""Importing a package as if another, which it makes use of where it finds it, were not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def withheld(package: str) -> Iterator[None]:
    """Let no import in the body find a package, unless it is imported already. Others find it afterwards."""
    modules: dict[str, Any] = sys.modules
    if package in modules:
        yield
        return
    modules[package] = None  # an import that meets this raises ImportError
    try:
        yield
    finally:
        del modules[package]
