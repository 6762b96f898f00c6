"""The OpenAPI document that a dialect publishes, read from the same contract that serves and calls it.

OpenAPI 3.0 (https://spec.openapis.org/oas/v3.0.0), since that is what the products themselves publish and what
generators understand best. Properties and required names are sorted where the product's are, and of texts and
refusals there is what an operation is `Described` with and no more: so generated clients come out as the product's
own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, RootModel
from pydantic.json_schema import models_json_schema

from dragoman.releases import ONLY, Release, shapes_within
from dragoman.wire import (
    Access,
    Api,
    Described,
    InPath,
    InQuery,
    Later,
    Nothing,
    Operation,
    WholeBody,
    camel,
    has_body,
    places,
)

SCHEMAS = "#/components/schemas/"
Mode = Literal["validation", "serialization"]


def document(
    api: type[Api], *, mount: str = "", base_url: str | None = None, release: Release = ONLY
) -> dict[str, Any]:
    """A contract as one release speaks it, served below `mount` at `base_url` (None: wherever it was asked)."""
    operations = [operation for operation in api.operations() if release.has(operation)]
    schemas = _schemas(api, operations, release)
    roots = {shape.__name__: schemas.pop(shape.__name__) for shape in _roots(operations)}
    root = f"{base_url or ''}{mount}"
    version = release.version or api.version
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = _inside(api, operation)
        item = paths.setdefault(operation.path if path is None else path, {})
        if path is None:
            item["servers"] = [{"url": root or "/"}]
        item[operation.method.lower()] = _operation(api, operation, release, roots)
    names = {shape.__name__: name for shape, name in release.called.items()}
    return {
        "openapi": "3.0.0",
        "info": {
            "title": api.title,
            "description": api.description,
            "version": version,
            "contact": dict(api.contact),
        },
        "servers": [{"url": f"{root}{api.base}" or "/"}],
        "tags": [],
        "paths": _with_references(paths, names),
        "components": {
            "securitySchemes": {k: dict(v) for k, v in api.security.items()},
            "schemas": _with_references(_renamed(_used(schemas, paths), names), names),
        },
    }


def _inside(api: type[Api], operation: Operation[Any, Any]) -> str | None:
    """The path by which an operation is found below the API's base, or None where no path of it is."""
    base = f"{api.base}/" if api.base else ""
    below = (path for path in (operation.path, *operation.also) if path.startswith(base))
    return next((path.removeprefix(api.base) for path in below), None)


def _used(schemas: Mapping[str, Any], paths: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schemas that something refers to: a shape may be there for fields that the release does not have."""
    reached: set[str] = set()
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += _references(schemas[name])
    return {name: schema for name, schema in schemas.items() if name in reached}


def _renamed(schemas: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The schemas by the release's names. Where it has one name for two shapes, the one it renames says more."""
    renamed_last = sorted(schemas, key=lambda name: name in names)
    return dict(sorted({names.get(name, name): schemas[name] for name in renamed_last}.items()))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from [value.removeprefix(SCHEMAS)] if key == "$ref" else _references(value)


def _with_references(node: Any, names: Mapping[str, str]) -> Any:
    """The same with every reference to a schema by its name."""
    if isinstance(node, list):
        return [_with_references(item, names) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: SCHEMAS + names.get(value.removeprefix(SCHEMAS), value.removeprefix(SCHEMAS))
        if key == "$ref"
        else _with_references(value, names)
        for key, value in node.items()
    }


def _roots(operations: Iterable[Operation[Any, Any]]) -> Iterable[type[BaseModel]]:
    """Shapes that are bare arrays or values: they have no name in the document, but stand where they are used."""
    used = {shape for operation in operations for shape in (operation.takes, operation.gives)}
    return [shape for shape in used if issubclass(shape, RootModel)]


def _operation(
    api: type[Api], operation: Operation[Any, Any], release: Release, roots: Mapping[str, Any]
) -> dict[str, Any]:
    status = release.status(operation)
    told = operation.described
    described: dict[str, Any] = {
        "operationId": camel(operation.name),
        **_texts(summary=told.summary, description=told.description),
        "parameters": list(_parameters(operation, release)),
        "responses": {},
        "tags": [operation.tag or api.tag],
    }
    for each in told.responses if status in told.responses else (status, *told.responses):
        answer = _response(operation, status, roots) if each == status else _refusal(told, each)
        described["responses"][str(each)] = answer
    if has_body(operation.takes) and told.body_media:
        content = _content(_body(operation.takes, roots), told.body_media)
        required = {"required": True} if told.body_required else {}
        described["requestBody"] = {**_texts(description=told.body), **required, **content}
        described |= _texts(**{"x-codegen-request-body-name": told.body_name})
    return described | _security(api, operation)


def _security(api: type[Api], operation: Operation[Any, Any]) -> dict[str, Any]:
    """Which credentials an operation takes. A public one that is documented with some can do without."""
    secured_by, access = operation.described.secured_by, operation.access
    if secured_by is None:
        secured_by = () if access is Access.PUBLIC else tuple(api.security)
    named: list[dict[str, list[str]]] = [{name: []} for name in secured_by]
    return {"security": [*named, *([{}] if access.is_open else [])]} if named else {}


def _body(shape: type[BaseModel], roots: Mapping[str, Any]) -> Any:
    """The schema of a request's body: the shape's, or that of its only field that is the body itself."""
    for place, name in places(shape).values():
        if place is WholeBody:
            return _plain(shape.model_json_schema(by_alias=True))["properties"][name]
    return _reference(shape, roots)


def _texts(**named: str) -> dict[str, str]:
    """Those texts that there are."""
    return {name: text for name, text in named.items() if text}


def _reference(shape: type[BaseModel], roots: Mapping[str, Any]) -> Any:
    return roots.get(shape.__name__, {"$ref": SCHEMAS + shape.__name__})


def _response(operation: Operation[Any, Any], status: int, roots: Mapping[str, Any]) -> dict[str, Any]:
    told = {"description": operation.described.responses.get(status, "")}
    if operation.gives is Nothing and operation.described.void is not None:
        return {**told, **_content(operation.described.void)}
    if operation.gives is Nothing or status == HTTPStatus.NO_CONTENT or not operation.described.shown:
        return told
    return {**told, **_content(_reference(operation.gives, roots))}


def _refusal(told: Described, status: int) -> dict[str, Any]:
    text, shape = {"description": told.responses[status]}, told.refusals.get(status)
    if shape is None:
        return text
    return {**text, **_content({"$ref": SCHEMAS + shape.__name__}, told.refusal_media)}


def _content(schema: Any, types: Sequence[str] = ("application/json",)) -> dict[str, Any]:
    return {"content": {media: {"schema": schema} for media in types}}


def _parameters(operation: Operation[Any, Any], release: Release) -> Iterable[dict[str, Any]]:
    takes: type[BaseModel] = operation.takes
    schema = _plain(takes.model_json_schema(by_alias=True))
    properties, required = schema.get("properties", {}), schema.get("required", [])
    for field, (place, name) in places(takes).items():
        if place in (InPath, InQuery) and field not in release.unknown(takes):
            described = dict(properties[name])
            yield {
                "name": name,
                "in": "query" if place is InQuery else "path",
                **_texts(description=described.pop("description", "")),
                "required": place is not InQuery or name in required,
                "schema": described,
            }


def _schemas(api: type[Api], operations: Iterable[Operation[Any, Any]], release: Release) -> dict[str, Any]:
    shapes: dict[type[BaseModel], Mode] = {}
    for operation in operations:
        if operation.gives is not Nothing:
            shapes[operation.gives] = "serialization"
        if has_body(operation.takes):
            shapes.setdefault(operation.takes, "validation")
        shapes.update(dict.fromkeys(operation.described.refusals.values(), "serialization"))
    _, definitions = models_json_schema(list(shapes.items()), by_alias=True, ref_template=SCHEMAS + "{model}")
    schemas: dict[str, Any] = _plain(definitions.get("$defs", {}), by_alphabet=api.by_alphabet)
    asks = {shape.__name__: shape for shape, mode in shapes.items() if mode == "validation"}
    for name, shape in asks.items():
        _drop_parameters(schemas[name], shape)
    for shape in {inner for outer in shapes for inner in shapes_within(outer)}:
        if shape.__name__ in schemas:
            _as_of(release, schemas[shape.__name__], shape)
    return dict(sorted(schemas.items()))


def _as_of(release: Release, schema: dict[str, Any], shape: type[BaseModel]) -> None:
    """Leave out what the release does not have, and require what it always sends."""
    properties, required = schema.get("properties", {}), set(schema.get("required", []))
    for field, (_, name) in places(shape).items():
        later = next((m for m in shape.model_fields[field].metadata if isinstance(m, Later)), None)
        if field in release.unknown(shape):
            properties.pop(name, None)
            required.discard(name)
        elif later is not None:
            required.add(name)
            if not later.nullable:
                properties[name].pop("nullable", None)
        elif field in release.requires.get(shape, ()):
            required.add(name)
    if required:
        schema["required"] = [name for name in properties if name in required]


def _drop_parameters(schema: dict[str, Any], shape: type[BaseModel]) -> None:
    elsewhere = {wire_name for place, wire_name in places(shape).values() if place is not None}
    schema["properties"] = {k: v for k, v in schema.get("properties", {}).items() if k not in elsewhere}
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name not in elsewhere]
        if not schema["required"]:
            del schema["required"]  # OpenAPI 3.0 knows no empty one


def _plain(schema: Any, *, by_alphabet: bool = True) -> Any:
    """A JSON Schema of pydantic's as OpenAPI 3.0 spells it: sorted or not, untitled, `nullable` for null."""
    if isinstance(schema, list):
        return [_plain(item, by_alphabet=by_alphabet) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    ordered = sorted if by_alphabet else list
    plain = {
        key: _plain(value, by_alphabet=by_alphabet)
        for key, value in schema.items()
        if key not in ("title", "default")
    }
    if "properties" in schema:
        properties = schema["properties"]
        plain["properties"] = {
            name: _plain(properties[name], by_alphabet=by_alphabet) for name in ordered(properties)
        }
    if isinstance(plain.get("required"), list):
        plain["required"] = ordered(plain["required"])
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    return _without_null(plain)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = schema.get("anyOf", [])
    others = [choice for choice in choices if choice != {"type": "null"}]
    if len(others) == len(choices):
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(others) > 1:
        return {**rest, "anyOf": others, "nullable": True}
    only: Mapping[str, Any] = others[0]
    if "$ref" in only:
        return {**rest, "allOf": [only], "nullable": True}
    return {**only, **rest, "nullable": True}
