"""What a browser sends of a form, read: URL-encoded by itself, JSON by a script of ours."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.exchange import Exchange, Malformed, parse_form, parse_json
from dragoman.web.pages import Form

LARGEST = 64 * 1024  # bytes of a form without a file
URL_ENCODED = "application/x-www-form-urlencoded"
JSON = "application/json"


def read(exchange: Exchange, raw: bytes) -> Form:
    """The form in a body. Refuses `Malformed` to what no page of ours sends."""
    media = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    fields: Mapping[str, str | list[str]]
    if media == URL_ENCODED:
        fields = parse_form(raw)
    elif media == JSON:
        fields = _object(parse_json(raw))
    else:
        raise Malformed("this is no form", 415)
    return Form({name: value if isinstance(value, list) else [value] for name, value in fields.items()})


def _object(value: object) -> Mapping[str, str | list[str]]:
    """The members of a JSON object that are text: what scripts of ours send."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise Malformed("this is no form")
    return value
