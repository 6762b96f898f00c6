"""What fields of Portainer's shapes are made of, and the one sentence that a payload's field is refused with.

Portainer is written in Go: a field that is missing or null is its type's zero value, and only then is asked
whether that will do (contract §0). The first field that will not is the one that is spoken of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, Strict, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dragoman.wire import UNSEEN, InPath, Wire, camel

LARGEST = 2**63 - 1  # of Go's int


def pascal(name: str) -> str:
    """`token_issue_at` as `TokenIssueAt`: how Go names what has no name for JSON."""
    return camel(f"_{name}")


class Answered(Wire):
    """An answer whose fields have Go's names."""

    model_config = ConfigDict(alias_generator=pascal)


class Payload(Wire):
    """A request body, or an answer, whose fields have names of their own for JSON."""

    model_config = ConfigDict(alias_generator=camel)


@dataclass(frozen=True)
class Demand:
    """Annotates a payload's field: each of its rules, and what is said of the first that does not hold.

    Where the field is null, or missing although it is required, its `zero` is judged.
    """

    rules: Sequence[tuple[Callable[[Any], bool], str]] = ()
    zero: Any = ""

    def complaint(self, value: Any) -> str | None:
        """What is wrong with a value; None: nothing."""
        return next((says for holds, says in self.rules if not holds(value)), None)

    def judged(self, value: Any) -> Any:
        """The value, if it will do. `PydanticCustomError` "demand" with the sentence if not."""
        says = self.complaint(value)
        if says is not None:
            raise PydanticCustomError("demand", "{says}", {"says": says})
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        judged = core_schema.no_info_after_validator_function(self.judged, schema)
        return core_schema.no_info_before_validator_function(
            lambda value: self.zero if value is None else value, judged, json_schema_input_schema=schema
        )


def filled(says: str) -> Demand:
    """A text that is not empty."""
    return Demand(((bool, says),))


def without_blanks(name: str) -> bool:
    return bool(name) and " " not in name


# Passwords of any length reach the server, which says what is too long to be hashed.
Password = Annotated[str, Strict(), filled("Invalid password"), UNSEEN]
Username = Annotated[
    str, Strict(), Demand(((without_blanks, "Invalid username. Must not contain any whitespace"),))
]
MaybeText = Annotated[str, Strict(), Demand()]
MaybeSecret = Annotated[str, Strict(), Demand(), UNSEEN]
AN_INTEGER = WithJsonSchema({"type": "integer"})
UserId = Annotated[int, InPath(), Field(ge=-LARGEST, le=LARGEST), AN_INTEGER]
