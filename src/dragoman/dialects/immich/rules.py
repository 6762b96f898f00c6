"""What Immich asks of a field, and the exact words in which it complains (contract §1).

Immich lists *every* rule that a field breaks, in a fixed order. So a field's rules stand beside its type,
in that order, and the server's message list is read from them:

    password: Annotated[str, Rules(NOT_EMPTY, IS_STRING)]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True)
class Rule:
    """`holds` says whether a value keeps the rule; `says` what is said when it does not, after the name."""

    says: str
    holds: Callable[[Any], bool]


class Rules:
    """Annotates a field: its rules in the order of their messages. `lower`: strings are lower-cased first."""

    def __init__(self, *rules: Rule, lower: bool = False) -> None:
        self._rules = rules
        self._lower = lower

    def broken(self, value: Any) -> Sequence[str]:
        """What is said of a value; None stands for a missing one."""
        return [rule.says for rule in self._rules if not rule.holds(value)]

    def check(self, value: Any) -> Any:
        """The value to go on with, or the complaints."""
        if self._lower and isinstance(value, str):
            value = value.lower()
        if complaints := self.broken(value):
            raise PydanticCustomError("rules", "a field breaks its rules", {"complaints": list(complaints)})
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.check, handler(source))


def utf16_length(text: str) -> int:
    """The length that JavaScript sees."""
    return len(text) + sum(ord(c) > 0xFFFF for c in text)


def at_least(length: int) -> Rule:
    return Rule(
        f"must be longer than or equal to {length} characters",
        lambda v: isinstance(v, str) and utf16_length(v) >= length,
    )


def at_most(length: int) -> Rule:
    return Rule(
        f"must be shorter than or equal to {length} characters",
        lambda v: not isinstance(v, str) or utf16_length(v) <= length,
    )


def one_of(*values: str | None) -> Rule:
    shown = ", ".join(value for value in values if value is not None)
    return Rule(
        f"must be one of the following values: {shown}",
        lambda v: (v is None or isinstance(v, str)) and v in values,
    )


ATOM = re.compile(r"[a-z0-9!#$%&'*+\-/=?^_`{|}~\u00a1-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]+", re.IGNORECASE)
QUOTED = re.compile(
    r"(?:[\s\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x21\x23-\x5b\x5d-\x7e\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef]"
    r"|\\[\x01-\x09\x0b-\x7f\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef])*",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"[a-z0-9\u00a1-\uff00\uff5f-\uffff](?:[a-z0-9\u00a1-\uff00\uff5f-\uffff-]*[a-z0-9\u00a1-\uff00\uff5f-\uffff])?",
    re.IGNORECASE,
)


def is_email(value: Any) -> bool:
    """An e-mail address as Immich 1.134 takes it: a host name without a dot will do, an address will not."""
    if not isinstance(value, str):
        return False
    local, at, domain = value.rpartition("@")
    if not at or len(local.encode("utf-8", "replace")) > 64 or len(domain) > 254:
        return False
    return is_local_part(local) and is_domain(domain)


def is_local_part(local: str) -> bool:
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        return QUOTED.fullmatch(local[1:-1]) is not None
    return all(ATOM.fullmatch(atom) for atom in local.split("."))


def is_domain(domain: str) -> bool:
    labels = domain.split(".")
    if labels[-1].isascii() and labels[-1].isdigit():
        return False
    return all(len(label) <= 63 and LABEL.fullmatch(label) for label in labels)


IS_STRING = Rule("must be a string", lambda v: isinstance(v, str))
NOT_EMPTY = Rule("should not be empty", lambda v: v is not None and v != "")
IS_EMAIL = Rule("must be an email", is_email)
IS_PIN = Rule(
    "must be a 6-digit numeric string",
    lambda v: isinstance(v, str) and re.fullmatch(r"[0-9]{6}", v) is not None,
)
# Ours, not Immich's: what is longer is not worth hashing (architecture: inputs over 4 KiB are refused).
NOT_ABSURD = at_most(4096)
