"""How a password gets in: by a prompt, a file or standard input. Never as an argument, which `ps` shows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from dragoman.cli.failures import WrongUsage

if TYPE_CHECKING:
    from dragoman.core.passwords import LegacyHash
    from dragoman.core.secrets import Secret

LONGEST = 65_536  # bytes read; the policy refuses far shorter ones, in words

FromFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file", metavar="FILE", help="Take the password from FILE, less one newline at its end."
    ),
]
FromStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Take the password from standard input, less one newline at its end."
    ),
]

HashFromFile = Annotated[
    Path | None,
    typer.Option(
        "--password-hash-file",
        metavar="FILE",
        help="Take over the hash in FILE instead: Argon2, bcrypt, Shoko's SHA-512, or nothing for a blank password.",
    ),
]


def read(file: Path | None, *, stdin: bool) -> Secret:
    """A new password, from where the options say, else asked for twice. `WrongUsage` when it cannot be had."""
    from dragoman.core.secrets import Secret

    return Secret(read_text(file, stdin=stdin, again="Once more"))


def read_text(file: Path | None, *, stdin: bool, again: str | bool = False, what: str = "password") -> str:
    """A password as it is, for who has no `Secret` (the bare installation). `again` asks for it once more.

    `what` it is that the options and the prompt are named for.
    """
    if file is not None and stdin:
        raise WrongUsage(f"--{what}-file and --{what}-stdin exclude each other")
    if file is not None:
        return _from_file(file)
    if stdin:
        return _text(sys.stdin.buffer, "standard input")
    if not sys.stdin.isatty():
        raise WrongUsage(f"there is no terminal to ask on: use --{what}-file FILE or --{what}-stdin")
    password: str = typer.prompt(what.capitalize(), hide_input=True, confirmation_prompt=again, err=True)
    return password


def read_hash(file: Path) -> LegacyHash:
    """The hash that another product made. `WrongUsage` when it cannot be had."""
    from dragoman.core.passwords import LegacyHash

    return LegacyHash(_from_file(file, may_be_empty=True).strip())


def _from_file(file: Path, *, may_be_empty: bool = False) -> str:
    try:
        with file.open("rb") as opened:
            return _text(opened, str(file), may_be_empty=may_be_empty)
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read: {error.strerror}") from error


def _text(source: BinaryIO, name: str, *, may_be_empty: bool = False) -> str:
    content = source.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise WrongUsage(f"{name} is too long to be a password")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        # `from None`: the decoder's own error holds the password.
        raise WrongUsage(f"{name} is not UTF-8 text") from None
    password = text.removesuffix("\r\n") if text.endswith("\r\n") else text.removesuffix("\n")
    if not password and not may_be_empty:
        raise WrongUsage(f"{name} is empty")
    return password
