"""What one release of a product says that another does not: data, read by server, document and client alike.

A dialect that speaks several releases lists them, each with what it lacks or says otherwise. Shapes and
operations are written once, with everything that any release has; a `Release` leaves out what it never had.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel, RootModel

from dragoman.wire import Operation, places

Fields = Mapping[type[BaseModel], frozenset[str]]
Words = tuple[str, ...]


@dataclass(frozen=True)
class Habit:
    """What a release does in a way of its own, whatever the operation: what it is about, in words, and which way."""

    about: str
    way: bool | str | Words


@dataclass(frozen=True, eq=False)
class Release:
    """One release, such as "2.7" whose `version` is "2.7.5".

    `lacks` are operations it does not have, by name; `without` fields it does not have, by shape; `requires`
    fields that it misses in an ask whose shape lets them be; `called` the names of shapes in its document;
    `statuses` and `key_permissions` what it answers and asks of an API key, by operation, where that is not
    what the endpoint says; `permissions` are the names of all permissions that a key can have, and `renamed`
    what it calls those that other releases call otherwise. `behaviour` is what it does in a way of its own,
    by name; `messages` all that it can say of a field, by shape and field, {} being the field's name; `orders`
    the order in which it speaks of a shape's fields, by their names on the wire, where that is not the shape's.
    """

    name: str
    version: str
    lacks: frozenset[str] = frozenset()
    without: Fields = field(default_factory=dict)
    requires: Fields = field(default_factory=dict)
    called: Mapping[type[BaseModel], str] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    key_permissions: Mapping[str, str | None] = field(default_factory=dict)
    permissions: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    behaviour: Mapping[str, Habit] = field(default_factory=dict)
    messages: Mapping[type[BaseModel], Mapping[str, Words]] = field(default_factory=dict)
    orders: Mapping[type[BaseModel], Words] = field(default_factory=dict)

    def has(self, operation: Operation[Any, Any]) -> bool:
        """Whether the release has the operation."""
        return operation.name not in self.lacks

    def status(self, operation: Operation[Any, Any]) -> int:
        """The status of its success."""
        return self.statuses.get(operation.name, operation.status)

    def permission(self, operation: Operation[Any, Any]) -> str | None:
        """What an API key needs to call it; None: any key will do."""
        return self.key_permissions.get(operation.name, operation.permission)

    def spoken(self, permissions: Iterable[str]) -> tuple[str, ...]:
        """Permissions by this release's names, in its order. It leaves out what it does not know."""
        meant = {self.renamed.get(name, name) for name in permissions}
        return tuple(name for name in self.permissions if name in meant)

    def unknown(self, shape: type[BaseModel]) -> frozenset[str]:
        """The fields of a shape, by their names in Python, that the release does not have."""
        return self.without.get(shape, frozenset())

    def known(self, shape: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent for a shape, without the fields that the release does not have, those within included."""
        unknown = self.unknown(shape)
        dropped = {
            n for name, (_, wire_name) in places(shape).items() if name in unknown for n in (name, wire_name)
        }
        kept = {name: value for name, value in values.items() if name not in dropped}
        for name, (_, wire_name) in places(shape).items():
            below = kept.get(wire_name)
            if isinstance(below, Mapping):
                for inner, _ in inner_shapes(shape.model_fields[name].annotation):
                    kept[wire_name] = self.known(inner, below)
        return kept

    def excluded(self, shape: type[BaseModel]) -> Any:
        """What to leave out of an answer of this shape: an `exclude` of pydantic's, or None for nothing."""
        return _excluded(self, shape) or None


ONLY = Release("", "")


@cache
def _excluded(release: Release, shape: type[BaseModel]) -> dict[str, Any]:
    tree: dict[str, Any] = dict.fromkeys(release.unknown(shape), True)
    for name, info in shape.model_fields.items():
        if name in tree:
            continue
        for inner, many in inner_shapes(info.annotation):
            below = _excluded(release, inner)
            if below:
                tree[name] = {"__all__": below} if many else below
    return tree


def inner_shapes(annotation: Any, *, many: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    """The shapes within a type, and whether they stand in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, many
    origin = typing.get_origin(annotation)
    for argument in typing.get_args(annotation):
        yield from inner_shapes(argument, many=many or origin in (list, tuple))


def shapes_within(shape: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A shape and every shape in it."""
    yield shape
    for info in shape.model_fields.values():
        for inner, _ in inner_shapes(info.annotation):
            yield from shapes_within(inner)


def dumped(release: Release, answer: BaseModel) -> bytes:
    """An answer as this release prints it: compact JSON in UTF-8."""
    if isinstance(answer, RootModel):
        # pydantic leaves nothing out of a root, so a list's items are printed one by one.
        items: Any = answer.root
        if isinstance(items, list) and all(isinstance(item, BaseModel) for item in items):
            return b"[" + b",".join(dumped(release, item) for item in items) + b"]"
    text = answer.model_dump_json(exclude=release.excluded(type(answer)))
    return text.encode("utf-8", "replace")
