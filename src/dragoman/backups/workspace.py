"""A folder for what lies open while a backup is made or restored: its owner's alone, and gone afterwards."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dragoman.core.errors import DatabaseUnfit

if TYPE_CHECKING:
    from dragoman.core.database import Database


@contextmanager
def workspace(database: Database, purpose: str) -> Iterator[Path]:
    """An empty folder: beside an SQLite file, which lies where such content may lie, else a temporary one.

    What an earlier one of the same purpose left when it was killed is removed. Raises `DatabaseUnfit` while
    another process has it.
    """
    if not database.is_sqlite:
        with TemporaryDirectory(prefix="dragoman-") as temporary:
            yield Path(temporary)
        return
    folder = Path(f"{database.file}.{purpose}")
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor, purpose)
        _empty(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, purpose: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DatabaseUnfit(f"another {purpose} is under way") from None


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()
