"""A dialect's OpenAPI document as a page for people, whole when it arrives: no script, nothing from elsewhere.

The page is a view of the document and knows nothing else. Every name in it is escaped, and the content
security policy (https://www.w3.org/TR/CSP3/) that goes with it allows one thing, the page's own style sheet
by its hash: a name that escaped the escaping would still run nothing and load nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dragoman.exchange import Spoken

HTML = "text/html; charset=utf-8"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# What OpenAPI 3.0 calls a bound (JSON Schema, draft 5), in words.
BOUNDS: Mapping[str, str] = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "pattern": "matches {}",
}

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """A piece of a type's name; `anchor` is where on the page it is described, "" for a plain word."""

    text: str
    anchor: str = ""


@dataclass(frozen=True)
class Field:
    """A named value: of a body, or `place`d in the path, the query or a header."""

    name: str
    type: Sequence[Part]
    required: bool
    notes: Sequence[str]
    place: str = ""


@dataclass(frozen=True)
class Shape:
    """A schema by name: its fields, or for one without any its `type` alone."""

    name: str
    anchor: str
    fields: Sequence[Field]
    type: Sequence[Part]
    notes: Sequence[str]


@dataclass(frozen=True)
class Answer:
    """A response: its status, what the document says of it, and the type of its body (none: ())."""

    status: str
    text: str
    type: Sequence[Part]


@dataclass(frozen=True)
class Described:
    """An operation, ready to be printed. `callers` are the ways to show who is calling; none: anyone may."""

    anchor: str
    name: str
    method: str
    root: str
    path: str
    callers: Sequence[str]
    fields: Sequence[Field]
    body: Sequence[Part]
    answers: Sequence[Answer]


@dataclass(frozen=True)
class Group:
    """The operations that share a tag."""

    name: str
    anchor: str
    operations: Sequence[Described]


def page(product: str, document: Mapping[str, Any], address: str) -> Spoken:
    """The page of one dialect: `document` is its OpenAPI 3.0 document, to be had as JSON at `address`."""
    schemas = document.get("components", {}).get("schemas", {})
    templates = _templates()
    text = templates.get_template("reference.html").render(
        product=product,
        info=document["info"],
        root=_root(document),
        address=address,
        credentials=[_credential(scheme) for scheme in _schemes(document).values()],
        groups=list(_groups(document)),
        shapes=[_shape(name, schema) for name, schema in schemas.items()],
    )
    style = templates.get_template("reference.css").render().encode()
    return Spoken(200, text.encode("utf-8", "replace"), HTML, (("content-security-policy", policy(style)),))


def policy(style: bytes, *, forms_to: str = "'none'") -> str:
    """The content security policy of a page whose one style sheet is `style`, as between its tags."""
    allowed = base64.b64encode(hashlib.sha256(style).digest()).decode()
    nothing_else = f"base-uri 'none'; form-action {forms_to}; frame-ancestors 'none'"
    return f"default-src 'none'; style-src 'sha256-{allowed}'; {nothing_else}"


def templates_of(package: str) -> Environment:
    """The templates in a package's folder: what they are told is text, and none leaves out what it was not told."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _templates() -> Environment:
    return templates_of("dragoman")


def _groups(document: Mapping[str, Any]) -> Iterator[Group]:
    """Operations by their first tag, in the document's order of both."""
    by_tag: dict[str, list[Described]] = {}
    for path, item in document["paths"].items():
        for method in item:
            if method in METHODS:
                tag = next(iter(item[method].get("tags", ())), "Other")
                by_tag.setdefault(tag, []).append(_described(document, path, item, method))
    for tag, operations in by_tag.items():
        yield Group(tag, _anchor("group", tag), operations)


def _described(document: Mapping[str, Any], path: str, item: Mapping[str, Any], method: str) -> Described:
    operation = item[method]
    name = operation.get("operationId", f"{method} {path}")
    body = _content(operation.get("requestBody", {}))
    parameters = [
        _parameter(each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))
    ]
    return Described(
        anchor=_anchor("operation", name),
        name=name,
        method=method.upper(),
        root=_root(item) or _root(document),
        path=path,
        callers=_callers(document, operation),
        fields=[*parameters, *_fields(_resolved(document, body))],
        body=_type(body) if body else (),
        answers=[_answer(status, answer) for status, answer in operation["responses"].items()],
    )


def _root(holder: Mapping[str, Any]) -> str:
    servers = holder.get("servers", ())
    return str(servers[0]["url"]).rstrip("/") if servers else ""


def _schemes(document: Mapping[str, Any]) -> Mapping[str, Any]:
    schemes: Mapping[str, Any] = document.get("components", {}).get("securitySchemes", {})
    return schemes


def _callers(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Sequence[str]:
    ways = operation.get("security", document.get("security", ()))
    return [
        " and ".join(_credential(_schemes(document).get(name, {})) for name in way) for way in ways if way
    ]


def _credential(scheme: Mapping[str, Any]) -> str:
    """How a credential is held up, in words."""
    if scheme.get("type") == "http":
        return f"Authorization: {str(scheme.get('scheme', '')).capitalize()}"
    return f"{scheme.get('in', 'credential')} {scheme.get('name', '')}".strip()


def _parameter(parameter: Mapping[str, Any]) -> Field:
    schema = parameter.get("schema", {})
    required = bool(parameter.get("required", False))
    return Field(
        parameter["name"], _type(schema), required, _notes(schema), place=f"in the {parameter['in']}"
    )


def _answer(status: str, answer: Mapping[str, Any]) -> Answer:
    content = _content(answer)
    return Answer(status, answer.get("description", ""), _type(content) if content else ())


def _content(holder: Mapping[str, Any]) -> Schema:
    for media in holder.get("content", {}).values():
        schema: Schema = media.get("schema", {})
        return schema
    return {}


def _resolved(document: Mapping[str, Any], schema: Schema) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Schema = document.get("components", {}).get("schemas", {}).get(name, schema)
    return found


def _shape(name: str, schema: Schema) -> Shape:
    return Shape(name, _anchor("schema", name), _fields(schema), _type(schema), _notes(schema))


def _fields(schema: Schema) -> Sequence[Field]:
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    return [Field(name, _type(each), name in required, _notes(each)) for name, each in properties.items()]


def _type(schema: Schema) -> Sequence[Part]:
    """What a value is, in words and links: "list of UserDto"."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return (Part(name, _anchor("schema", name)),)
    for key, between in (("allOf", " and "), ("anyOf", " or "), ("oneOf", " or ")):
        if key in schema:
            return _joined([_type(each) for each in schema[key]], between)
    if schema.get("type") == "array":
        return (Part("list of "), *_type(schema.get("items", {})))
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping) and "properties" not in schema:
        return (Part("object of "), *_type(more))
    word, form = str(schema.get("type", "anything")), schema.get("format")
    return (Part(f"{word} ({form})" if form else word),)


def _joined(types: Sequence[Sequence[Part]], between: str) -> Sequence[Part]:
    parts: list[Part] = []
    for each in types:
        parts += [Part(between), *each] if parts else each
    return parts


def _notes(schema: Schema) -> Sequence[str]:
    """What else a value must be."""
    notes = [words.format(_literal(schema[bound])) for bound, words in BOUNDS.items() if bound in schema]
    if "enum" in schema:
        notes.append("one of " + ", ".join(map(_literal, schema["enum"])))
    if schema.get("nullable"):
        notes.append("may be null")
    if schema.get("description"):
        notes.append(str(schema["description"]))
    return notes


def _literal(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _anchor(kind: str, name: str) -> str:
    return f"{kind}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}"
