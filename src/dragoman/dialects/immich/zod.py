"""What Immich judges with from 3.0 on, and the issues in which it complains (contract §0.3, §5.2).

Since then a broken field is answered by zod 4's issues instead of sentences: JSON objects that programs
read. Their keys stand in zod's order, so each is built in one place, here. A judge takes a value as JSON had
it, or `UNDEFINED` for a missing one, and gives its issues, whose paths begin at the value. Lengths are
counted as JavaScript counts them, in UTF-16 units.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final

Issue = Mapping[str, Any]


@dataclass(frozen=True)
class Judge:
    """Judges a value: `says` is all that it can say, in order, `issues` what it says of one."""

    says: tuple[str, ...]
    issues: Callable[[Any], Sequence[Issue]]

    def __call__(self, value: Any) -> Sequence[Issue]:
        return self.issues(value)


class Undefined(Enum):
    """JavaScript's word for what is not there."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED

SAFE = 2**53 - 1
# Ours, not zod's: an issue may be kilobytes long, and an array of a small body has thousands of items.
MOST_ISSUES = 100
SAFE_NOTE = "Integers must be within the safe integer range."
PIN_PATTERN = r"/^\d{6}$/"
UUID_PATTERN = "/^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})$/"
# Before 3.0 a licence key may stand anywhere in the text.
LICENSE_PATTERN = r"/IM(SV|CL)(-[\dA-Za-z]{4}){8}/"
WHOLE_LICENSE_PATTERN = r"/^IM(SV|CL)(-[\dA-Za-z]{4}){8}$/"
_LABEL_PATTERN = r"[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?"
EMAIL_PATTERN = (
    rf"/^[\p{{L}}\p{{M}}\p{{N}}.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL_PATTERN}(?:\.{_LABEL_PATTERN})*$/u"
)
PIN = re.compile("[0-9]{6}")
LICENSE = re.compile(LICENSE_PATTERN.strip("/"), re.ASCII)
UUID = re.compile(UUID_PATTERN.strip("/^$"))


def utf16_length(text: str) -> int:
    """The length that JavaScript sees."""
    return len(text) + sum(ord(c) > 0xFFFF for c in text)


def kind(value: Any) -> str:
    """What zod calls the type of a value."""
    match value:
        case Undefined():
            return "undefined"
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def wrong_type(expected: str, value: Any) -> Issue:
    """The issue of a value of another type."""
    return {
        "expected": expected,
        "code": "invalid_type",
        "path": [],
        "message": f"{_expected(expected)}, received {kind(value)}",
    }


def _expected(what: str) -> str:
    return f"Invalid input: expected {what}"


def too_small(origin: str, minimum: int) -> Issue:
    return {
        "origin": origin,
        "code": "too_small",
        "minimum": minimum,
        "inclusive": True,
        "path": [],
        "message": f"Too small: expected {origin} to {_sized(origin, '>=', minimum)}",
    }


def too_big(origin: str, maximum: int) -> Issue:
    return {
        "origin": origin,
        "code": "too_big",
        "maximum": maximum,
        "inclusive": True,
        "path": [],
        "message": f"Too big: expected {origin} to {_sized(origin, '<=', maximum)}",
    }


def _sized(origin: str, sign: str, limit: int) -> str:
    unit = {"string": " characters", "array": " items"}.get(origin)
    return f"have {sign}{limit}{unit}" if unit else f"be {sign}{limit}"


def unsafe(code: str, bound: str, limit: int, sign: str) -> Issue:
    """The issue of an integer that JavaScript cannot tell from its neighbours."""
    return {
        "code": code,
        bound: limit,
        "note": SAFE_NOTE,
        "origin": "int",
        "inclusive": True,
        "path": [],
        "message": f"{code.replace('_', ' ').capitalize()}: expected int to be {sign}{limit}",
    }


TOO_LARGE = unsafe("too_big", "maximum", SAFE, "<=")
TOO_NEGATIVE = unsafe("too_small", "minimum", -SAFE, ">=")


def invalid_format(name: str, pattern: str, message: str) -> Issue:
    return {
        "origin": "string",
        "code": "invalid_format",
        "format": name,
        "pattern": pattern,
        "path": [],
        "message": message,
    }


def custom(field: str, message: str) -> Issue:
    """An issue of our own about a field."""
    return {"code": "custom", "path": [field], "message": message}


def below(place: Sequence[str | int], issue: Issue) -> Issue:
    """The issue with its path beginning further out. The keys keep their order."""
    return {**issue, "path": [*place, *issue["path"]]}


def _too_short(value: Any, minimum: int) -> list[Issue]:
    # zod measures whatever has a length, even when it is of the wrong type.
    length = (
        utf16_length(value) if isinstance(value, str) else len(value) if isinstance(value, list) else None
    )
    return [too_small(kind(value), minimum)] if length is not None and length < minimum else []


def _says_too_short(origin: str, minimum: int) -> tuple[str, ...]:
    return (too_small(origin, minimum)["message"],) if minimum else ()


def string(minimum: int = 0) -> Judge:
    def issues(value: Any) -> list[Issue]:
        type_issues = [] if isinstance(value, str) else [wrong_type("string", value)]
        return type_issues + _too_short(value, minimum)

    return Judge((_expected("string"), *_says_too_short("string", minimum)), issues)


def _formatted(holds: Callable[[str], bool], broken: Issue) -> Judge:
    def issues(value: Any) -> list[Issue]:
        if not isinstance(value, str):
            return [wrong_type("string", value)]
        return [] if holds(value) else [broken]

    return Judge((_expected("string"), broken["message"]), issues)


def pin() -> Judge:
    return _matching(PIN, PIN_PATTERN)


def license_key() -> Judge:
    return _matching(LICENSE, WHOLE_LICENSE_PATTERN)


def _matching(read: re.Pattern[str], pattern: str) -> Judge:
    """The whole text matches: `pattern` as JavaScript spells it, `read` as Python does."""
    broken = invalid_format("regex", pattern, f"Invalid string: must match pattern {pattern}")
    return _formatted(lambda v: read.fullmatch(v) is not None, broken)


def uuid() -> Judge:
    """A UUID of version 4, in either case."""
    return _formatted(
        lambda v: UUID.fullmatch(v) is not None, invalid_format("uuid", UUID_PATTERN, "Invalid UUID")
    )


def email() -> Judge:
    """An e-mail address as 3.2 takes it: HTML's rules, with the letters and digits of every script."""
    said = _expected("email")
    broken = invalid_format("email", EMAIL_PATTERN, f"{said}, received string")

    def issues(value: Any) -> list[Issue]:
        if isinstance(value, str):
            return [] if is_email(value) else [broken]
        # Here the product says JavaScript's own name of the type, to which null and arrays are objects.
        name = {"null": "object", "array": "object"}.get(kind(value), kind(value))
        return [{**wrong_type("string", value), "message": f"{said}, received {name}"}]

    return Judge((said,), issues)


def is_email(text: str) -> bool:
    """Whether `EMAIL_PATTERN`, which Python's regular expressions cannot read, matches."""
    local, at, domain = text.partition("@")
    return (
        bool(at and local)
        and all(c in ".!#$%&'*+/=?^_`{|}~-" or _is_in(c, "LMN") for c in local)
        and all(_is_label(label) for label in domain.split("."))
    )


def _is_label(label: str) -> bool:
    return (
        0 < len(label) <= 63
        and _is_in(label[0], "LN")
        and _is_in(label[-1], "LMN")
        and all(c == "-" or _is_in(c, "LMN") for c in label)
    )


def _is_in(character: str, categories: str) -> bool:
    return unicodedata.category(character)[0] in categories


def enum(values: Collection[str]) -> Judge:
    listed, known = list(values), frozenset(values)
    said = _options(listed)
    broken = {"code": "invalid_value", "values": listed, "path": [], "message": said}
    return Judge((said,), lambda value: [] if isinstance(value, str) and value in known else [broken])


def _options(values: Sequence[str]) -> str:
    shown = "|".join(json.dumps(value, ensure_ascii=False) for value in values)
    return f"Invalid option: expected one of {shown}"


def boolean() -> Judge:
    return _of_type("boolean", bool)


def _of_type(name: str, kind_of: type) -> Judge:
    return Judge(
        (_expected(name),), lambda value: [] if isinstance(value, kind_of) else [wrong_type(name, value)]
    )


def query_boolean() -> Judge:
    """A boolean in a query string: `true` or `false`, in lower case."""
    values = ["true", "false"]
    broken = {
        "code": "invalid_value",
        "expected": "stringbool",
        "values": values,
        "path": [],
        "message": _options(values),
    }
    return _formatted(lambda v: v in values, broken)


def integer(minimum: int) -> Judge:
    def issues(value: Any) -> list[Issue]:
        if kind(value) != "number":
            return [wrong_type("number", value)]
        if isinstance(value, float) and not math.isfinite(value):
            said = wrong_type("number", value)
            return [{"expected": "number", "code": "invalid_type", "received": "Infinity", **said}]
        if value != int(value):
            said = wrong_type("int", value)
            return [{"expected": "int", "format": "safeint", **said}]
        found: list[Issue] = []
        if value > SAFE:
            found.append(TOO_LARGE)
        elif value < -SAFE:
            found.append(TOO_NEGATIVE)
        if value < minimum:
            found.append(too_few)
        return found

    too_few = too_small("number", minimum)
    said = [issue["message"] for issue in (TOO_LARGE, TOO_NEGATIVE, too_few)]
    return Judge((_expected("number"), _expected("int"), *said), issues)


def array(of: Judge, minimum: int = 0) -> Judge:
    def issues(value: Any) -> list[Issue]:
        if not isinstance(value, list):
            return [wrong_type("array", value), *_too_short(value, minimum)]
        found = (below([place], issue) for place, item in enumerate(value) for issue in of(item))
        return [*islice(found, MOST_ISSUES), *_too_short(value, minimum)]

    return Judge((_expected("array"), *of.says, *_says_too_short("array", minimum)), issues)


def group() -> Judge:
    """An object; its fields are judged by themselves."""
    return _of_type("object", dict)
