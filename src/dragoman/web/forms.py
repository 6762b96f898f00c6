"""What a browser sends of a form, read: URL-encoded by itself, in parts where there is a file, JSON by a script of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dragoman.exchange import Exchange, Malformed, parse_form, parse_json, read_body
from dragoman.web.pages import Form
from dragoman.web.pictures import LARGEST as LARGEST_FILE

if TYPE_CHECKING:
    from starlette.types import Receive

LARGEST = 64 * 1024  # bytes of a form without a file
URL_ENCODED = "application/x-www-form-urlencoded"
IN_PARTS = "multipart/form-data"
JSON = "application/json"
MOST_PARTS = 20
# RFC 7578 §4.1, §4.2; a boundary is at most 70 characters long (RFC 2046 §5.1.1).
BOUNDARY = re.compile(r';\s*boundary="?([A-Za-z0-9\'()+_,./:=?-]{1,70})"?\s*(?:;|$)', re.IGNORECASE)
DISPOSITION = re.compile(
    rb'^content-disposition:[ \t]*form-data;[ \t]*name="([^"\r\n]{1,100})"(;[ \t]*filename\*?=)?',
    re.IGNORECASE | re.MULTILINE,
)


async def read(exchange: Exchange, receive: Receive, *, files: bool = False) -> Form:
    """The form in a request, with files if the page takes any. Refuses `Malformed` to what no page of ours sends."""
    told = exchange.headers.get("content-type", "")
    media = told.partition(";")[0].strip().lower()
    raw = await read_body(exchange, receive, LARGEST + (LARGEST_FILE if files else 0))
    if media == IN_PARTS and files:
        return _in_parts(raw, told)
    if media == URL_ENCODED:
        return _form(parse_form(raw))
    if media == JSON:
        return _form(_object(parse_json(raw)))
    raise Malformed("this is no form", 415)


def _form(fields: Mapping[str, str | list[str]]) -> Form:
    return Form({name: value if isinstance(value, list) else [value] for name, value in fields.items()})


def _object(value: object) -> Mapping[str, str | list[str]]:
    """The members of a JSON object that are text: what scripts of ours send."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise Malformed("this is no form")
    return value


def _in_parts(raw: bytes, told: str) -> Form:
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, is_file, content in _parts(raw, told):
        if is_file:
            files[name] = content
        else:
            fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
    return Form(fields, files)


def _parts(raw: bytes, told: str) -> Iterator[tuple[str, bool, bytes]]:
    """Each part's name, whether it is a file, and what is in it (RFC 7578)."""
    boundary = BOUNDARY.search(told)
    if boundary is None:
        raise Malformed("the parts of the form have no boundary")
    # Of what comes before the first boundary and after the last nothing is meant (RFC 2046 §5.1.1).
    _, *parts, end = (b"\r\n" + raw).split(b"\r\n--" + boundary[1].encode(), MOST_PARTS + 1)
    if not end.startswith(b"--"):
        raise Malformed("the form is cut off, or has too many parts")
    for part in parts:
        head, blank, content = part.partition(b"\r\n\r\n")
        said = DISPOSITION.search(head)
        if not blank or said is None:
            raise Malformed("a part of the form has no name")
        yield said[1].decode("utf-8", "replace"), said[2] is not None, content
