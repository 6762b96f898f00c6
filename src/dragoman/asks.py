"""What is read of a request: its ask, made of path, query and body as the contract says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, RootModel

from dragoman.exchange import NO_BODY, Exchange, Malformed
from dragoman.releases import ONLY, Release
from dragoman.wire import InPath, InQuery, WholeBody, places

Given = TypeVar("Given", bound=BaseModel)


def read_ask(
    shape: type[Given], exchange: Exchange, body: Any, parameters: Mapping[str, str], release: Release = ONLY
) -> Given:
    """The ask in a request: path and query parameters, and the body's fields. Raises `ValidationError`."""
    if isinstance(body, Malformed):
        raise body
    context = {"release": release.name}
    if issubclass(shape, RootModel):
        return shape.model_validate(body, context=context, by_alias=True, by_name=False)
    values: dict[str, Any] = release.known(shape, body) if isinstance(body, Mapping) else {}
    unknown = release.unknown(shape)
    for name, (place, wire_name) in places(shape).items():
        if place is not None:
            values.pop(wire_name, None)
        if place is InPath:
            values[wire_name] = parameters[wire_name]
        elif place is WholeBody:
            if body is not NO_BODY:
                values[wire_name] = body
        elif place is InQuery and name not in unknown:
            given = exchange.query.getlist(wire_name)
            if given:
                values[wire_name] = given[0] if len(given) == 1 else given
    # By the names on the wire alone: our own are for Python.
    return shape.model_validate(values, context=context, by_alias=True, by_name=False)
