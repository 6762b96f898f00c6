"""What is written to people: each letter a pair of templates in this folder, plain text and HTML.

The first line of the plain text is the subject. What a name or a sender's own words hold is text: in HTML it is
escaped.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from dragoman.core.mail import Letter

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_SUBJECT = 200  # characters


def write(
    letter: Literal["approval", "change", "forgotten", "invitation", "link", "reset"], /, **facts: Any
) -> Letter:
    """The letter of this name with these facts, all that its templates name."""
    templates = _templates()
    subject, _, text = templates.get_template(f"{letter}.txt").render(facts).partition("\n")
    html = templates.get_template(f"{letter}.html").render(facts)
    # One line, whatever was put into it: what follows a line break in a subject would be another header.
    return Letter(" ".join(subject.split())[:LONGEST_SUBJECT], f"{text.strip()}\n", html)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape  # noqa: PLC0415 - rarely used

    return Environment(
        loader=PackageLoader("dragoman.core", "letters"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
