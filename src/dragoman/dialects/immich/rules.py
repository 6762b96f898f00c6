"""What Immich asks of a field, and the exact words in which each release complains (contract §1, §5.2).

A field's rules stand beside its type, for every release spoken, and are a row of a table:

    password: Annotated[str, SECRET]      with      SECRET = Rules(NOT_EMPTY, IS_STRING, zod=zod.string())

At first *every* rule that a field breaks is listed, in this order; where a later release has other rules, they
stand after `since`. Since zod judges there are issues instead of sentences. `field_rules.py` is the table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dragoman.dialects.immich import zod
from dragoman.dialects.immich.behaviour import FIRST, in_force, speaks_zod
from dragoman.dialects.immich.zod import SAFE, UNDEFINED, Issue, Judge, utf16_length


@dataclass(frozen=True)
class Rule:
    """`holds` says whether a value keeps the rule; `says` what is said when not, with {} for the field.

    `issue` is for rules of our own, which hold in every release: what is said of them in zod's way.
    """

    says: str
    holds: Callable[[Any], bool]
    issue: Issue | None = None


@dataclass(frozen=True)
class Verdict:
    """What a release says of a value: sentences with {} for the field, or issues. Neither: it is good."""

    complaints: Sequence[str] = ()
    issues: Sequence[Issue] = ()


def as_it_is(value: Any) -> Any:
    return value


def lower_cased(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def blank_as_null(value: Any) -> Any:
    """An empty string takes a PIN away, as null does."""
    return None if value == "" else value


class Rules:
    """Annotates a field with its rules, in the order of their messages.

    `since`: a later release's rules, where they are others. `zod`: the judge since there is zod; without one
    it asks nothing.
    `nullable`: null is good. `required`: the releases that complain when the field is absent although the
    shape lets it be (see `completed`). `before` and `after` read the value, before and after it is judged;
    `lower` is short for a `before` that lower-cases.
    """

    def __init__(
        self,
        *rules: Rule,
        since: Mapping[str, Sequence[Rule]] | None = None,
        zod: Judge | None = None,
        nullable: bool = False,
        required: Sequence[str] = (),
        lower: bool = False,
        before: Callable[[Any], Any] = as_it_is,
        after: Callable[[Any], Any] = as_it_is,
    ) -> None:
        self._since = {FIRST: rules, **(since or {})}
        self._zod = zod
        self._ours = [rule for rule in rules if rule.issue is not None]
        self._nullable = nullable
        self.required = frozenset(required)
        self._before = lower_cased if lower else before
        self._after = after

    def verdict(self, value: Any, release: str) -> Verdict:
        """What a release says of a value as it is judged; `UNDEFINED` stands for a missing one."""
        if value is None and self._nullable:
            return Verdict()
        if speaks_zod(release):
            return Verdict(issues=self._issues(value))
        given = None if value is UNDEFINED else value
        return Verdict([rule.says for rule in self._asked[release] if not rule.holds(given)])

    def words(self, release: str) -> tuple[str, ...]:
        """All that a release can say of a value, in its order, with {} for the field."""
        if not speaks_zod(release):
            return tuple(rule.says for rule in self._asked[release])
        said = self._zod.says if self._zod else ()
        return (*said, *(rule.issue["message"] for rule in self._ours if rule.issue))

    @cached_property
    def _asked(self) -> Mapping[str, Sequence[Rule]]:
        """What each release asks."""
        return in_force(self._since)

    def _issues(self, value: Any) -> Sequence[Issue]:
        found = self._zod(value) if self._zod else ()
        return found or [rule.issue for rule in self._ours if rule.issue and not rule.holds(value)]

    def check(self, value: Any, info: ValidationInfo) -> Any:
        """The value to go on with. `PydanticCustomError` "rules", with the verdict, for one that breaks any."""
        value = self._before(value)
        verdict = self.verdict(value, release_of(info))
        if verdict.complaints or verdict.issues:
            raise PydanticCustomError("rules", "a field breaks its rules", {"verdict": verdict})
        return None if value is UNDEFINED else self._after(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        return core_schema.with_info_before_validator_function(
            self.check, _or_null(schema), json_schema_input_schema=schema
        )


def _or_null(schema: CoreSchema) -> CoreSchema:
    """A choice between one thing and null without the choice's names, which would stand in every place below."""
    if schema["type"] != "union":
        return schema
    choices = [choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"]]
    others = [choice for choice in choices if choice["type"] != "none"]
    return core_schema.nullable_schema(others[0]) if len(others) == 1 < len(choices) else schema


def release_of(info: ValidationInfo) -> str:
    """The release that a shape is validated for."""
    return (info.context or {}).get("release") or FIRST


def completed(shape: type[BaseModel], values: Any, info: ValidationInfo) -> Any:
    """The values of a shape, for a validator before its fields: what its release misses is `UNDEFINED`.

    Only so can a field that is optional in one release be asked for in another.
    """
    if not isinstance(values, Mapping):
        return values
    missed = {}
    for name, field in shape.model_fields.items():
        rules = rules_of(field.metadata)
        wire_name = field.alias or name
        if rules and release_of(info) in rules.required and wire_name not in values and name not in values:
            missed[wire_name] = UNDEFINED
    return {**values, **missed}


def rules_of(metadata: Sequence[Any]) -> Rules | None:
    """The rules among a field's annotations."""
    return next((each for each in metadata if isinstance(each, Rules)), None)


def at_least(length: int) -> Rule:
    return Rule(
        f"{{}} must be longer than or equal to {length} characters",
        lambda v: isinstance(v, str) and utf16_length(v) >= length,
    )


def at_most(length: int) -> Rule:
    """Ours, so that it holds in every release: at most so many characters."""
    return Rule(
        f"{{}} must be shorter than or equal to {length} characters",
        lambda v: not isinstance(v, str) or utf16_length(v) <= length,
        zod.too_big("string", length),
    )


def no_less_than(minimum: int) -> Rule:
    return Rule(f"{{}} must not be less than {minimum}", lambda v: is_number(v) and v >= minimum)


def no_more_than(maximum: int) -> Rule:
    """Ours, so that it holds in every release: at most this number. What is none, other rules refuse."""
    return Rule(
        f"{{}} must not be greater than {maximum}",
        lambda v: not is_number(v) or v <= maximum,
        zod.too_big("number", maximum),
    )


def one_of(*values: str | None) -> Rule:
    return Rule(
        f"{{}} must be one of the following values: {listed(values)}",
        lambda v: (v is None or isinstance(v, str)) and v in values,
    )


def each(rule: Rule) -> Rule:
    """Every item of an array keeps the rule. Like the product, it takes anything else for the only item."""
    return Rule(
        f"each value in {rule.says}",
        lambda v: all(rule.holds(item) for item in v) if isinstance(v, list) else rule.holds(v),
    )


def holding(least: int) -> Rule:
    return Rule(
        f"{{}} must contain at least {least} elements", lambda v: isinstance(v, list) and len(v) >= least
    )


def listed(values: Sequence[str | None]) -> str:
    return ", ".join(value for value in values if value is not None)


# Compiled when they are first asked, which takes ten milliseconds. Both cases are spelled out: with IGNORECASE that
# would walk through every character of their ranges, and take longer than the rest of this dialect.
ATOM = r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~\u00a1-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]+"
QUOTED = (
    r"(?:[\s\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x21\x23-\x5b\x5d-\x7e\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]"
    r"|\\[\x01-\x09\x0b-\x7f\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef])*"
)
LABEL = r"(?!-)[a-zA-Z0-9\u00a1-\uff00\uff5f-\uffff-]+(?<!-)"


def is_email(value: Any) -> bool:
    """An e-mail address as Immich takes it before 3.0: a host name without a dot will do, an address will not."""
    if not isinstance(value, str):
        return False
    local, at, domain = value.rpartition("@")
    if not at or len(local.encode("utf-8", "replace")) > 64 or len(domain) > 254:
        return False
    return is_local_part(local) and is_domain(domain)


def is_local_part(local: str) -> bool:
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        return re.fullmatch(QUOTED, local[1:-1]) is not None
    return all(re.fullmatch(ATOM, atom) for atom in local.split("."))


def is_domain(domain: str) -> bool:
    labels = domain.split(".")
    if labels[-1].isascii() and labels[-1].isdigit():
        return False
    return all(len(label) <= 63 and re.fullmatch(LABEL, label) for label in labels)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    return is_number(value) and math.isfinite(value) and value == int(value)


def fields_of(value: Any) -> Any:
    """What a group of fields is read from: an array is good, too, and has none."""
    return {} if isinstance(value, list) else value


def whole(value: Any) -> Any:
    """A number without its fraction, for what a release lets have one and nobody can store."""
    return int(value) if is_number(value) else value


def storage_label(value: Any) -> str | None:
    """A storage label as it will name a folder: without dots and what no file system takes. Null stays null."""
    if not isinstance(value, str):
        return None if value is None else ""
    label = re.sub(r"[./?<>\\:*|\"\x00-\x1f\x80-\x9f]", "", value)
    if re.fullmatch("con|prn|aux|nul|com[0-9]|lpt[0-9]", label, re.IGNORECASE):
        return ""
    return label.rstrip(" ").encode()[:255].decode("utf-8", "ignore")


DATE = re.compile(
    r"""[+-]?[0-9]{4}(?:
        (?: -(?:0[1-9]|1[0-2]) (?:-(?:0[1-9]|[12][0-9]|3[01]))?       # 2024-02, 2024-02-29
        | (?:0[1-9]|1[0-2]) (?:0[1-9]|[12][0-9]|3[01])                # 20240229
        | -?W(?:[0-4][0-9]|5[0-3])(?:-?[1-7])?                        # a week, and a day of it
        | -?(?:00[1-9]|0[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])  # a day of the year
        )
        (?: [T\s] (?: (?:[01][0-9]|2[0-3]) (?::?[0-5][0-9] (?::?[0-5][0-9])? )? (?:[.,][0-9]+)? | 24:?00 )?
            (?: [zZ] | [+-](?:[01][0-9]|2[0-3]) (?::?[0-5][0-9])? )?
        )?
    )?""",
    re.VERBOSE,
)

IS_STRING = Rule("{} must be a string", lambda v: isinstance(v, str))
NOT_EMPTY = Rule("{} should not be empty", lambda v: v is not None and v != "")
IS_EMAIL = Rule("{} must be an email", is_email)
IS_PIN = Rule(
    "{} must be a 6-digit numeric string", lambda v: isinstance(v, str) and bool(zod.PIN.fullmatch(v))
)
IS_LICENSE_KEY = Rule(
    f"{{}} must match {zod.LICENSE_PATTERN} regular expression",
    lambda v: isinstance(v, str) and bool(zod.LICENSE.search(v)),
)
IS_UUID = Rule("{} must be a UUID", lambda v: isinstance(v, str) and bool(zod.UUID.fullmatch(v)))
# The words "true" and "false" are read as booleans first, which pydantic does for us.
IS_BOOLEAN = Rule("{} must be a boolean value", lambda v: isinstance(v, bool) or v in ("true", "false"))
IS_STRICTLY_BOOLEAN = Rule("{} must be a boolean value", lambda v: isinstance(v, bool))
IS_NUMBER = Rule(
    "{} must be a number conforming to the specified constraints", lambda v: is_number(v) and math.isfinite(v)
)
IS_INT = Rule("{} must be an integer number", is_whole)
IS_POSITIVE = Rule("{} must be a positive number", lambda v: is_number(v) and v > 0)
IS_ARRAY = Rule("{} must be an array", lambda v: isinstance(v, list))
IS_DATE = Rule(
    "{} must be a valid ISO 8601 date string", lambda v: isinstance(v, str) and bool(DATE.fullmatch(v))
)
IS_GROUP = Rule("nested property {} must be either object or array", lambda v: isinstance(v, dict | list))
# Ours, not Immich's: what is longer is not worth hashing (architecture: inputs over 4 KiB are refused), and
# what is larger JavaScript cannot read back.
NOT_ABSURD = at_most(4096)
NOT_UNSAFE = no_more_than(SAFE)
