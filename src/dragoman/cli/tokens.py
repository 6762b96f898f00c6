"""Where `dragoman login` keeps what it gets: `tokens.json` in the user's own configuration folder.

That is `$XDG_CONFIG_HOME/dragoman`, or `~/.config/dragoman` (XDG Base Directory Specification 0.8). The file
is its owner's alone (mode 600) from its first byte on, and always whole: a new one takes its place.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dragoman.cli.failures import WrongUsage
from dragoman.cli.installation import environment


@dataclass(frozen=True)
class Kept:
    """A token, what renews it if anything does, and what it is good for: an account at an address of a dialect."""

    dialect: str
    url: str
    login: str
    token: str
    refresh_token: str | None = None


def place() -> Path:
    """The file. A relative `XDG_CONFIG_HOME` is as good as none, as its specification says."""
    home = environment().get("XDG_CONFIG_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".config") / "dragoman" / "tokens.json"


def keep(file: Path, kept: Kept) -> None:
    """Keep a token instead of the one before it for the same address. `WrongUsage` when the file is not to be had."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(file.parent):
            others = [each for each in _read(file) if not _is_for(each, kept)]
            _replace(file, json.dumps([*others, asdict(kept)], indent=2).encode("ascii") + b"\n")
    except OSError as error:
        raise WrongUsage(f"the token cannot be kept in {file}: {error.strerror}") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Of two who sign in at once neither overwrites the other's token."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(file: Path) -> list[Any]:
    try:
        tokens = json.loads(file.read_bytes())
    except FileNotFoundError:
        return []
    except ValueError:
        tokens = None
    if not isinstance(tokens, list):
        raise WrongUsage(f"{file} is not a list of tokens: move it away")
    return tokens


def _is_for(each: Any, kept: Kept) -> bool:
    return isinstance(each, dict) and (each.get("dialect"), each.get("url")) == (kept.dialect, kept.url)


def _replace(file: Path, content: bytes) -> None:
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        fresh.unlink()
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(handle)
    fresh.replace(file)
