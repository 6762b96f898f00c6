"""What fields of Shoko's shapes are made of: texts as Json.NET reads them, trimmed as Shoko trims them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidatorFunctionWrapHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# What .NET's String.Trim takes off: Unicode's white space.
BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
TOKENS: Mapping[type, str] = {dict: "StartObject", list: "StartArray"}


@dataclass(frozen=True)
class Text:
    """A string field: other plain values become text, outer blanks go (contract §0, §1.1).

    `complaint` is what is said of one that is absent, null or, unless it `may_be_blank`, blank; `longest` is
    how many characters it may have.
    """

    complaint: str
    may_be_blank: bool = False
    longest: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._read, handler(source))

    def _read(self, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        if value is None:
            raise self.unsaid()
        text = read(spelled(value)).strip(BLANKS)
        if not text and not self.may_be_blank:
            raise self.unsaid()
        if self.longest is not None and len(text) > self.longest:
            raise PydanticCustomError("too_long", "Use at most {limit} characters", {"limit": self.longest})
        return text

    def unsaid(self) -> PydanticCustomError:
        """What is wrong with a field that is not there."""
        return PydanticCustomError("unsaid", "{complaint}", {"complaint": self.complaint})


def spelled(value: Any) -> str:
    """A JSON value where a string is due, as Json.NET reads it. `PydanticCustomError` for what has parts."""
    if type(value) in TOKENS:
        why = "Error reading string. Unexpected token: {token}."
        raise PydanticCustomError("not_text", why, {"token": TOKENS[type(value)]})
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
