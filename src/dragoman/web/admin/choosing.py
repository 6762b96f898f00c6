"""A product's settings as the fields of a form, and what a form says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le

from dragoman.chosen import WHERE, choosable, is_fixed
from dragoman.settings.fields import settings_of

if TYPE_CHECKING:
    from dragoman.settings import DialectSettings
    from dragoman.settings.fields import Known
    from dragoman.web.pages import Form

NUMBER = re.compile(r"-?[0-9]{1,9}")


@dataclass(frozen=True)
class Field:
    """A setting as a form shows it. `value` is text, but of a box whether it is ticked. `fixed`: by the configuration."""

    name: str
    label: str
    kind: Literal["box", "choice", "number", "text"]
    value: str | bool
    fixed: bool
    options: Sequence[str] = ()
    least: int | None = None
    most: int | None = None
    problems: Sequence[str] = ()


def fields(
    configured: DialectSettings, own: DialectSettings, problems: Mapping[str, Sequence[str]]
) -> Mapping[str, Field]:
    """The fields of a dialect by their names: of where it is served, then of its own settings, with values in force."""
    return {known.name: _field(known, configured, own, problems) for known in _offered(configured)}


def _offered(configured: DialectSettings) -> Sequence[Known]:
    where = [known for known in settings_of(type(configured)) if known.name in WHERE]
    return [*where, *choosable(configured)]


def _field(
    known: Known, configured: DialectSettings, own: DialectSettings, problems: Mapping[str, Sequence[str]]
) -> Field:
    value = getattr(own, known.name)
    bounds: dict[type, Any] = {type(bound): bound for bound in known.field.metadata}
    return Field(
        known.name,
        (known.field.description or known.name).removesuffix("."),
        _kind(known),
        value if isinstance(value, bool) else _text(value),
        is_fixed(configured, known.name),
        _options(known),
        bounds[Ge].ge if Ge in bounds else None,
        bounds[Le].le if Le in bounds else None,
        problems.get(known.name, ()),
    )


def _kind(known: Known) -> Literal["box", "choice", "number", "text"]:
    if bool in known.kinds:
        return "box"
    if int in known.kinds:
        return "number"
    return "choice" if _options(known) else "text"


def _options(known: Known) -> Sequence[str]:
    return [option for kind in known.kinds if get_origin(kind) is Literal for option in get_args(kind)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(value) if isinstance(value, tuple) else str(value)


def read(form: Form, configured: DialectSettings) -> Mapping[str, Any]:
    """What a form says of a dialect, by the names of its settings, yet to be validated. Of what is fixed it says nothing."""
    return {
        known.name: _value(known, form)
        for known in _offered(configured)
        if not is_fixed(configured, known.name) and (_kind(known) == "box" or known.name in form.fields)
    }


def _value(known: Known, form: Form) -> Any:
    if _kind(known) == "box":
        return form.ticked(known.name)
    text = form.text(known.name)
    if _kind(known) == "number" and NUMBER.fullmatch(text):
        return int(text)
    return None if not text and known.field.default is None else text
