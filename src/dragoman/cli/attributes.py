"""What an operator says of an account for one product alone: `--set aivo.role=instructor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dragoman.cli.dialects import find
from dragoman.cli.failures import WrongUsage

if TYPE_CHECKING:
    from dragoman.serving import Dialect

Attributes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="DIALECT.NAME=VALUE",
        help="What one product alone is told of it; may be repeated. Nothing after = takes it back.",
    ),
]


def read(words: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Attributes by dialect, as each dialect allows them. `WrongUsage` says what would be right."""
    said: dict[str, dict[str, str | None]] = {}
    for word in words:
        place, equals, value = word.partition("=")
        dialect, dot, name = place.partition(".")
        if not equals or not dot:
            raise WrongUsage(f"--set {word}: write it as DIALECT.NAME=VALUE")
        said.setdefault(dialect, {})[name] = value or None
    return {dialect: _judged(find(dialect), facts) for dialect, facts in said.items()}


def _judged(dialect: Dialect, facts: Mapping[str, str | None]) -> dict[str, Any]:
    from pydantic import ValidationError

    if dialect.attributes is None:
        raise WrongUsage(f"{dialect.product} is told nothing of an account but what all products are")
    try:
        return dialect.attributes.model_validate(facts).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        named = ", ".join(dialect.attributes.model_fields)
        why = f"there are {named}" if first["type"] == "extra_forbidden" else first["msg"]
        raise WrongUsage(f"--set {dialect.name}.{first['loc'][0]}: {why}") from error
