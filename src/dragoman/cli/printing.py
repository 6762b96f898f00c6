"""What is printed: tables for people, JSON for programs, and nothing that a terminal would obey."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import typer

WIDEST = 10_000  # columns of a table that nobody's terminal bounds


def safe(text: str) -> str:
    """Text without anything but visible characters and blanks: the rest is shown as its escape sequence.

    Names refuse control characters on entry, but what is printed may have come from elsewhere, and an
    escape sequence in a name could rewrite what an administrator sees.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def say(text: str) -> None:
    """A line for people, on standard output."""
    typer.echo(safe(text))


def note(text: str) -> None:
    """A line that is not part of the answer, on standard error."""
    typer.echo(safe(text), err=True)


def as_json(value: Any) -> None:
    """A value as JSON in ASCII, so that no character of it means anything to a terminal."""
    typer.echo(json.dumps(value, indent=2))


def moment(at: datetime | None) -> str | None:
    """An instant for programs: ISO 8601 in UTC."""
    return None if at is None else at.isoformat()


def date(at: datetime | None) -> str:
    """An instant for people: to the minute, in UTC; "" for none."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; on a terminal it folds what is too wide, elsewhere each row is one line."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=WIDEST)
    drawn = Table(box=SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for name in columns:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        # As `Text`, so that brackets in a name are brackets and not markup.
        drawn.add_row(*(Text(safe(cell)) for cell in row))
    console.print(drawn)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Facts about one thing, a line each."""
    shown = [(name, safe(value)) for name, value in pairs]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        typer.echo(f"{name:<{width}}  {value}".rstrip())
