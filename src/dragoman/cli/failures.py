"""What a verb that fails says, and the code it ends with. A failure we know is a sentence, never a traceback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from dragoman.cli.printing import safe


class Code(IntEnum):
    """How a verb ends. Printed by `dragoman --help`; 2 is also Typer's code for wrong usage."""

    DONE = 0
    REFUSED = 1
    WRONG_SETTINGS = 2
    CANNOT_START = 3
    SERVER_MISSING = 4


EXIT_CODES = """\b
Exit codes:
  0  done
  1  refused: no such account, a name that is taken, a password against the policy
  2  wrong usage or wrong settings
  3  cannot start or cannot tell: the database, the master key, the port or the server is not to be had
  4  the server's packages are not installed: pip install 'dragoman[server]'"""


class CannotStart(Exception):
    """What is outside of us and needed (database, port) is not to be had; the text says what and why."""


class WrongUsage(Exception):
    """Options that are each right but not together, or that need a terminal; the text says what would do."""


@dataclass(frozen=True)
class Failure:
    """A known failure: the code to end with, and what to print, a line each."""

    code: Code
    lines: Sequence[str]

    def __str__(self) -> str:
        first, *more = map(safe, self.lines)
        return "\n".join([f"dragoman: {first}", *more])


def explain(error: Exception) -> Failure | None:
    """The failure behind an exception, or None for a defect, which is to be seen with its traceback."""
    if isinstance(error, WrongUsage):
        return Failure(Code.WRONG_SETTINGS, [str(error)])
    if isinstance(error, CannotStart):
        return Failure(Code.CANNOT_START, [str(error)])
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    return _of_a_client(error) or _of_ours(error)


def _of_ours(error: Exception) -> Failure | None:
    try:
        return _of_the_server(error)
    except ModuleNotFoundError:  # the bare installation knows none of the server's failures
        return None


def _missing(error: ModuleNotFoundError) -> Failure | None:
    package = (error.name or "").partition(".")[0]
    if package in ("", "dragoman"):
        return None
    return Failure(
        Code.SERVER_MISSING,
        [f"this verb needs the server, whose package {package} is missing: pip install 'dragoman[server]'"],
    )


def _of_a_client(error: Exception) -> Failure | None:
    """What another server said, or why it said nothing."""
    from dragoman.client import ClientError, Refused

    match error:
        case Refused():
            return Failure(Code.REFUSED, [f"the server refuses: {error}"])
        case ClientError():
            return Failure(Code.CANNOT_START, [str(error)])
    return None


def _of_the_server(error: Exception) -> Failure | None:
    from dragoman.core.errors import DatabaseUnfit, NameRefused, PasswordRefused, Refusal, Unavailable
    from dragoman.core.master_keys import MasterKeyUnfit
    from dragoman.settings import SettingsError

    match error:
        case SettingsError():
            return Failure(Code.WRONG_SETTINGS, str(error).split("\n"))
        case DatabaseUnfit() | MasterKeyUnfit():
            return Failure(Code.CANNOT_START, [str(error)])
        case Unavailable():
            return Failure(Code.CANNOT_START, [first_line(error.why)])
        case PasswordRefused():
            reasons = [f"  {reason.text}" for reason in error.reasons]
            return Failure(Code.REFUSED, ["the password is refused:", *reasons])
        case NameRefused():
            return Failure(Code.REFUSED, [f"the {error.field.replace('_', ' ')} {error.why}"])
        case Refusal():
            return Failure(Code.REFUSED, [str(error)])
    return None


def first_line(text: str) -> str:
    """What a driver says first; the lines after it are advice for programmers."""
    return text.strip().partition("\n")[0]
