"""What fields of ELEMENTS' shapes are made of, and Django REST framework's words for what is wrong with one.

The product is built with that framework, so its clients know its habits: a text may be sent as a number, blanks
around it do not count, a date may lack its seconds; and each complaint is a sentence of the framework's
(contract §3). A field raises it as a `PydanticCustomError` of the type `COMPLAINT`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dragoman.wire import InPath, InQuery, Wire

COMPLAINT = "complaint"
REQUIRED = "This field is required."
NULL = "This field may not be null."
BLANK = "This field may not be blank."
INT32, INT64 = 2**31 - 1, 2**63 - 1
LARGEST_SHAPER = 4611686018427388000
DATE_FORMATS = "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]"
TRUE = frozenset({"t", "y", "yes", "true", "on", "1"})
FALSE = frozenset({"f", "n", "no", "false", "off", "0"})


def complain(says: str) -> NoReturn:
    """Refuse a field's value with this sentence."""
    raise PydanticCustomError(COMPLAINT, "{says}", {"says": says})


class ElementsWire(Wire):
    """A shape of ELEMENTS."""


@dataclass(frozen=True)
class Text:
    """Annotates a text: at most `longest` characters, `blank` or not, and with the blanks around it or `trimmed`."""

    longest: int | None = None
    blank: bool = False
    trimmed: bool = True

    def judged(self, value: Any) -> str:
        """The text, if it will do."""
        if value is None:
            complain(NULL)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            complain("Not a valid string.")
        text = str(value).strip() if self.trimmed else str(value)
        if not text and not self.blank:
            complain(BLANK)
        if "\x00" in text:
            complain("Null characters are not allowed.")
        if self.longest is not None and len(text) > self.longest:
            complain(f"Ensure this field has no more than {self.longest} characters.")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.judged, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        least: dict[str, Any] = {} if self.blank else {"minLength": 1}
        most: dict[str, Any] = {} if self.longest is None else {"maxLength": self.longest}
        return {**handler(schema), **least, **most}


def whole(value: Any) -> int:
    """An integer, which may be written as text, and with a fraction of zeros, as some clients do (§1)."""
    if value is None:
        complain(NULL)
    # Short enough that no time goes by over it: `int` takes long for long ones.
    text = "" if isinstance(value, bool) else str(value).strip()[:1000]
    if not re.fullmatch(r"-?[0-9]{1,30}(\.0*)?", text):
        complain("A valid integer is required.")
    return int(text.partition(".")[0])


@dataclass(frozen=True)
class Whole:
    """Annotates an integer between two bounds."""

    least: int = -INT64 - 1
    most: int = INT64

    def judged(self, value: Any) -> int:
        """The integer, if it will do."""
        number = whole(value)
        if number > self.most:
            complain(f"Ensure this value is less than or equal to {self.most}.")
        if number < self.least:
            complain(f"Ensure this value is greater than or equal to {self.least}.")
        return number

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.judged, handler(source))


def truth(value: Any) -> bool:
    """A boolean, or one of the words for it."""
    if value is None:
        complain(NULL)
    said = str(value).lower()
    if isinstance(value, str | int | float) and said in TRUE | FALSE:
        return said in TRUE
    return complain("Must be a valid boolean.")


def instant(value: Any) -> datetime:
    """A date and time (ISO 8601); one without a zone is in UTC."""
    if value is None:
        complain(NULL)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (AttributeError, ValueError, OverflowError):
        complain(f"Datetime has wrong format. Use one of these formats instead: {DATE_FORMATS}.")


def listed(value: Any) -> Any:
    """A list, whatever is in it."""
    if value is None:
        complain(NULL)
    if not isinstance(value, Sequence) or isinstance(value, str):
        complain(f'Expected a list of items but got type "{type(value).__name__}".')
    return value


def an_object(value: Any) -> Any:
    """A JSON object, as a nested shape is made of."""
    if value is None:
        complain(NULL)
    if not isinstance(value, dict | Wire):
        complain(f"Invalid data. Expected a dictionary, but got {type(value).__name__}.")
    return value


def an_address(value: str) -> str:
    """Refuses what has not the form of an e-mail address."""
    if value and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
        complain("Enter a valid email address.")
    return value


def written(moment: datetime | str) -> str:
    """The one way to write a date that every client reads (§2). What a client's caller has written stays so."""
    if isinstance(moment, str):
        return moment
    # `strftime` would not pad years below 1000.
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def one_of(*choices: str) -> Callable[[Any], Any]:
    """A validator that refuses all but these."""

    def chosen(value: Any) -> Any:
        if value not in choices:
            complain(f'"{value}" is not a valid choice.')
        return value

    return chosen


def present(value: Any) -> Any:
    """Refuses null where a field may be absent and no more."""
    if value is None:
        complain(NULL)
    return value


NOT_NULL = BeforeValidator(present)
Moment = Annotated[
    datetime,
    BeforeValidator(instant),
    PlainSerializer(written, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Name = Annotated[str, Text(longest=255)]
Words = Annotated[str, Text()]
# Passwords of any length reach the server, which says what is too long to be hashed.
Password = Annotated[str, Text(trimmed=False)]
MaybeText = Annotated[str, Text(longest=255, blank=True)]
MaybeEmail = Annotated[str, AfterValidator(an_address), Text(longest=255, blank=True)]
Email = Annotated[str, AfterValidator(an_address), Text()]
Flag = Annotated[bool, BeforeValidator(truth)]
Texts = Annotated[list[Annotated[str, Text()]], BeforeValidator(listed)]
Numbers = Annotated[list[Annotated[int, Whole()]], BeforeValidator(listed)]
# Valid for clients of every release (§6); an account's own language may be null besides.
Language = Annotated[
    str,
    BeforeValidator(one_of("en", "fr", "de")),
    WithJsonSchema({"type": "string", "enum": ["en", "fr", "de"]}),
]
AN_INTEGER = WithJsonSchema({"type": "integer"})
UnixId = Annotated[int, Whole(least=-INT32 - 1, most=INT32)]
Id = Annotated[int, InPath(), Whole(), AN_INTEGER]


def a_limit(value: Any) -> int | None:
    """How many results are asked for. What is no positive number is not looked at (§4)."""
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) and int(text) > 0 else None


def an_offset(value: Any) -> int:
    """How many results are passed over; none for what is no number (§4)."""
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def a_number_to_find(value: Any) -> int:
    """What a list is filtered by."""
    text = str(value).strip()
    if not re.fullmatch(r"-?[0-9]{1,18}(\.0*)?", text):
        complain("Enter a number.")
    return int(text.partition(".")[0])


def numbers_to_find(value: Any) -> list[int]:
    """What a list is filtered by where several will do, with commas between them."""
    given = value if isinstance(value, list) else str(value).split(",")
    return [a_number_to_find(each) for each in given]


def with_commas(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(map(str, value))


def filtered_by(name: str) -> Any:
    """What the product's document says of a filter."""
    return Field(description=f"Filter the returned list by `{name}`.")


OneNumber = Annotated[
    int | None, InQuery(), BeforeValidator(a_number_to_find), WithJsonSchema({"type": "string"})
]
SomeNumbers = Annotated[
    Sequence[int] | None,
    InQuery(),
    BeforeValidator(numbers_to_find),
    PlainSerializer(with_commas, when_used="json-unless-none"),
    WithJsonSchema({"type": "string"}),
]


class Listed(ElementsWire):
    """What every list can be asked for: an order, how many, and from where."""

    ordering: Annotated[
        str | None,
        InQuery(),
        Field(description="Which field to use when ordering the results."),
        WithJsonSchema({"type": "string"}),
    ] = None
    limit: Annotated[
        int | None,
        InQuery(),
        BeforeValidator(a_limit),
        Field(description="Number of results to return per page."),
        AN_INTEGER,
    ] = None
    offset: Annotated[
        int,
        InQuery(),
        BeforeValidator(an_offset),
        Field(description="The initial index from which to return the results."),
        AN_INTEGER,
    ] = 0
