"""Pages that mailed links lead to: complete in themselves, at whatever host name; nothing is loaded, nothing runs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from dragoman.exchange import Spoken

if TYPE_CHECKING:
    from jinja2 import Environment

HTML = "text/html; charset=utf-8"
FORM = "application/x-www-form-urlencoded"


def page(status: int, template: str, *headers: tuple[str, str], **facts: Any) -> Spoken:
    """A page of a template in this folder, with all the facts that it names. Forms in it are sent to us alone."""
    from dragoman.reference import policy  # noqa: PLC0415 - Jinja2 only when somebody comes here

    templates = _templates()
    text = templates.get_template(template).render(facts)
    allowed = policy(templates.get_template("mailed.css").render().encode(), forms_to="'self'")
    return Spoken(
        status, text.encode("utf-8", "replace"), HTML, (("content-security-policy", allowed), *headers)
    )


@cache
def _templates() -> Environment:
    from dragoman.reference import templates_of  # noqa: PLC0415 - as above

    return templates_of("dragoman.web")
