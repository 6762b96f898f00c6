"""`dragoman diff DIALECT OLD NEW`: what two releases of a product say differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dragoman.cli import printing
from dragoman.cli.dialects import DialectName, find
from dragoman.cli.failures import WrongUsage

if TYPE_CHECKING:
    from dragoman.differences import Difference
    from dragoman.releases import Release, Words
    from dragoman.serving import Dialect

# Each part: its name for programs, its title for people, and what the columns before the releases are.
PARTS: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("behaviour", "Behaviour", ("fact", "about")),
    ("operations", "Operations", ("operation", "path")),
    ("statuses", "Statuses of success", ("operation", "path")),
    ("fields", "Fields", ("shape", "field")),
    ("required", "Fields required", ("shape", "field")),
    ("called", "Shapes called otherwise", ("shape",)),
    ("messages", "Messages about a field", ("shape", "field")),
    ("orders", "Order in which fields are complained of", ("shape",)),
    ("key_permissions", "What an API key needs", ("operation", "path")),
    ("permissions", "Permissions", ("permission",)),
    ("renamed", "Permissions renamed", ("permission",)),
)
# Between the words of one side; sentences have commas of their own.
SEPARATORS: Mapping[str, str] = {"messages": "; "}
# Characters of a sentence that people are shown: some list everything that would have been good.
LONGEST, TAIL = 80, 20


def diff(
    dialect: DialectName,
    old: Annotated[str, typer.Argument(metavar="OLD", help="A release, such as 1.134.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Another, such as 3.2.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what two releases of a product say differently."""
    from dragoman.differences import compared

    found = find(dialect)
    differences = compared(found.api, release(found, old), release(found, new))
    parts = {name: getattr(differences, name) for name, _, _ in PARTS}
    if as_json:
        told = {name: [row(name, each) for each in part] for name, part in parts.items()}
        printing.as_json({"dialect": dialect, "old": old, "new": new, **told})
    else:
        print_tables(parts, old, new)


def release(dialect: Dialect, name: str) -> Release:
    """The release of this name. `WrongUsage` when the dialect does not speak it."""
    if not dialect.releases:
        raise WrongUsage(f"{dialect.name} speaks one release only")
    if name not in dialect.releases:
        raise WrongUsage(f"{dialect.name} does not speak {name}; it speaks: {', '.join(dialect.releases)}")
    return dialect.releases[name]


def row(part: str, each: Difference) -> dict[str, Any]:
    """One difference for programs."""
    columns = next(columns for name, _, columns in PARTS if name == part)
    return {**dict(zip(columns, named(columns, each), strict=True)), "old": each.before, "new": each.after}


def named(columns: Sequence[str], each: Difference) -> tuple[str, ...]:
    return (each.of, each.what)[-len(columns) :]


def print_tables(parts: dict[str, Sequence[Difference]], old: str, new: str) -> None:
    told = [part for part in PARTS if parts[part[0]]]
    if not told:
        printing.say(f"{old} and {new} say the same.")
    for place, (name, title, columns) in enumerate(told):
        if place:
            printing.say("")
        printing.say(f"{title} ({len(parts[name])})")
        rows = [(*named(columns, each), *shown(name, each)) for each in parts[name]]
        printing.table([*columns, old, new], rows)


def shown(part: str, each: Difference) -> tuple[str, str]:
    """The two sides of a difference, for people."""
    return in_words(part, each.before), in_words(part, each.after)


def in_words(part: str, value: bool | int | str | Words | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "-"
    if isinstance(value, tuple):
        return SEPARATORS.get(part, ", ").join(map(shortened, value)) or "-"
    return "any key" if value is None and part == "key_permissions" else str(value)


def shortened(sentence: str) -> str:
    """A sentence with its middle left out, if it is long: such lists differ at their ends, too."""
    if len(sentence) <= LONGEST:
        return sentence
    return f"{sentence[: LONGEST - TAIL]} … {sentence[-TAIL:]}"
