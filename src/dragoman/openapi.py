"""The OpenAPI document that a dialect publishes, read from the same contract that serves and calls it.

OpenAPI 3.0 (https://spec.openapis.org/oas/v3.0.0), since that is what the products themselves publish and
what generators understand best. Properties and required names are sorted, responses have no description
and nothing is listed but what is on success: so generated clients come out as the product's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dragoman.wire import Access, Api, InQuery, Nothing, Operation, camel, places

SCHEMAS = "#/components/schemas/"
Mode = Literal["validation", "serialization"]


def document(
    api: type[Api], *, mount: str = "", base_url: str | None = None, release: str | None = None
) -> dict[str, Any]:
    """The document of one contract, served below `mount` at `base_url` (None: wherever it was asked for)."""
    operations = api.operations()
    schemas = _schemas(operations)
    root = f"{base_url or ''}{mount}"
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        inside = operation.path.startswith(api.base + "/") if api.base else True
        item = paths.setdefault(operation.path.removeprefix(api.base) if inside else operation.path, {})
        if not inside:
            item["servers"] = [{"url": root or "/"}]
        item[operation.method.lower()] = _operation(api, operation, release)
    return {
        "openapi": "3.0.0",
        "info": {"title": api.title, "description": api.description, "version": api.version, "contact": {}},
        "servers": [{"url": f"{root}{api.base}" or "/"}],
        "tags": [],
        "paths": paths,
        "components": {"securitySchemes": {k: dict(v) for k, v in api.security.items()}, "schemas": schemas},
    }


def _operation(api: type[Api], operation: Operation[Any, Any], release: str | None) -> dict[str, Any]:
    status = operation.status_in(release)
    described: dict[str, Any] = {
        "operationId": camel(operation.name),
        "parameters": list(_parameters(operation)),
        "responses": {str(status): _response(operation, status)},
        "tags": [operation.tag or api.tag],
    }
    if _has_body(operation.takes):
        schema = {"$ref": SCHEMAS + operation.takes.__name__}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if operation.access is not Access.PUBLIC:
        described["security"] = [{name: []} for name in api.security]
    return described


def _response(operation: Operation[Any, Any], status: int) -> dict[str, Any]:
    if operation.gives is Nothing or status == HTTPStatus.NO_CONTENT:
        return {"description": ""}
    schema = {"$ref": SCHEMAS + operation.gives.__name__}
    return {"description": "", "content": {"application/json": {"schema": schema}}}


def _parameters(operation: Operation[Any, Any]) -> Iterable[dict[str, Any]]:
    takes: type[BaseModel] = operation.takes
    schema = _plain(takes.model_json_schema(by_alias=True))
    properties, required = schema.get("properties", {}), schema.get("required", [])
    for place, name in places(takes).values():
        if place is not None:
            yield {
                "name": name,
                "in": "query" if place is InQuery else "path",
                "required": place is not InQuery or name in required,
                "schema": properties[name],
            }


def _has_body(shape: type[BaseModel]) -> bool:
    return shape is not Nothing and any(place is None for place, _ in places(shape).values())


def _schemas(operations: Iterable[Operation[Any, Any]]) -> dict[str, Any]:
    shapes: dict[type[BaseModel], Mode] = {}
    for operation in operations:
        if operation.gives is not Nothing:
            shapes[operation.gives] = "serialization"
        if _has_body(operation.takes):
            shapes.setdefault(operation.takes, "validation")
    _, definitions = models_json_schema(list(shapes.items()), by_alias=True, ref_template=SCHEMAS + "{model}")
    schemas: dict[str, Any] = _plain(definitions.get("$defs", {}))
    asks = {shape.__name__: shape for shape, mode in shapes.items() if mode == "validation"}
    for name, shape in asks.items():
        _drop_parameters(schemas[name], shape)
    return dict(sorted(schemas.items()))


def _drop_parameters(schema: dict[str, Any], shape: type[BaseModel]) -> None:
    elsewhere = {wire_name for place, wire_name in places(shape).values() if place is not None}
    schema["properties"] = {k: v for k, v in schema.get("properties", {}).items() if k not in elsewhere}
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name not in elsewhere]


def _plain(schema: Any) -> Any:
    """A JSON Schema of pydantic's as OpenAPI 3.0 spells it: sorted, untitled, `nullable` for null."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    plain = {key: _plain(value) for key, value in schema.items() if key not in ("title", "default")}
    if "properties" in schema:
        plain["properties"] = {
            name: _plain(schema["properties"][name]) for name in sorted(schema["properties"])
        }
    if isinstance(plain.get("required"), list):
        plain["required"] = sorted(plain["required"])
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
