"""What two releases of a product say differently: read from the same data that serving and documents are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from dragoman.releases import Release, Words, shapes_within
from dragoman.wire import Access, Api, Operation, places

Operations = Sequence[Operation[Any, Any]]
Row = tuple[str, str, Any, Any]


@dataclass(frozen=True)
class Difference:
    """One thing as it is in the older release and in the newer: `of` is an operation, a shape or a habit, by name.

    `what` is the operation's method and path, a field's name on the wire, a permission, or what the habit is
    about. `before` and `after` say whether there is one (operations, fields, permissions), or which it is (a
    status; a name; words, in their order; the permission that an API key needs, None for any key).
    """

    of: str
    what: str
    before: bool | int | str | Words | None
    after: bool | int | str | Words | None


@dataclass(frozen=True)
class Differences:
    """All differences between two releases, in the order of the contract."""

    behaviour: tuple[Difference, ...]
    operations: tuple[Difference, ...]
    statuses: tuple[Difference, ...]
    fields: tuple[Difference, ...]
    required: tuple[Difference, ...]
    called: tuple[Difference, ...]
    messages: tuple[Difference, ...]
    orders: tuple[Difference, ...]
    key_permissions: tuple[Difference, ...]
    permissions: tuple[Difference, ...]
    renamed: tuple[Difference, ...]


def compared(api: type[Api], old: Release, new: Release) -> Differences:
    """What is not the same in both releases. All but operations and permissions: of operations that both have."""
    operations = api.operations()
    both = [each for each in operations if old.has(each) and new.has(each)]
    signed_in = [each for each in both if each.access is not Access.PUBLIC]
    return Differences(
        behaviour=_differing(_behaviour(old, new)),
        operations=_differing((e.name, _place(e), old.has(e), new.has(e)) for e in operations),
        statuses=_differing((e.name, _place(e), old.status(e), new.status(e)) for e in both),
        fields=_differing(_fields(both, old, new)),
        required=_differing(_required(both, old, new)),
        called=_differing(_called(both, old, new)),
        messages=_differing(_messages(both, old, new)),
        orders=_differing(_orders(both, old, new)),
        key_permissions=_differing(
            (e.name, _place(e), old.permission(e), new.permission(e)) for e in signed_in
        ),
        permissions=_differing(_permissions(old, new)),
        renamed=_differing(("", name, name, new.renamed.get(name, name)) for name in old.permissions),
    )


def _differing(rows: Iterable[Row]) -> tuple[Difference, ...]:
    return tuple(Difference(*row) for row in rows if row[2] != row[3])


def _place(operation: Operation[Any, Any]) -> str:
    return f"{operation.method} {operation.path}"


def _behaviour(old: Release, new: Release) -> Iterator[Row]:
    for name, habit in old.behaviour.items():
        yield name, habit.about, habit.way, new.behaviour[name].way


def _fields(operations: Operations, old: Release, new: Release) -> Iterator[Row]:
    for shape in _shapes(operations):
        for name, (_, wire_name) in places(shape).items():
            yield shape.__name__, wire_name, name not in old.unknown(shape), name not in new.unknown(shape)


def _required(operations: Operations, old: Release, new: Release) -> Iterator[Row]:
    for shape, name, wire_name in _fields_in_both(operations, old, new):
        requires = name in old.requires.get(shape, ()), name in new.requires.get(shape, ())
        yield shape.__name__, wire_name, *requires


def _called(operations: Operations, old: Release, new: Release) -> Iterator[Row]:
    for shape in _shapes(operations):
        name = shape.__name__
        yield "", name, old.called.get(shape, name), new.called.get(shape, name)


def _messages(operations: Operations, old: Release, new: Release) -> Iterator[Row]:
    for shape, name, wire_name in _fields_in_both(operations, old, new):
        before, after = (
            tuple(said.replace("{}", wire_name) for said in release.messages.get(shape, {}).get(name, ()))
            for release in (old, new)
        )
        yield shape.__name__, wire_name, before, after


def _orders(operations: Operations, old: Release, new: Release) -> Iterator[Row]:
    """Of the fields that both releases have."""
    as_printed: dict[type[BaseModel], list[str]] = {}
    for shape, _, wire_name in _fields_in_both(operations, old, new):
        as_printed.setdefault(shape, []).append(wire_name)
    for shape, names in as_printed.items():
        before, after = (
            tuple(name for name in release.orders.get(shape, names) if name in names)
            for release in (old, new)
        )
        yield "", shape.__name__, before, after


def _permissions(old: Release, new: Release) -> Iterator[Row]:
    for name in dict.fromkeys((*old.permissions, *new.permissions)):
        yield "", name, name in old.permissions, name in new.permissions


def _shapes(operations: Operations) -> Iterable[type[BaseModel]]:
    used: Iterable[type[BaseModel]] = (s for o in operations for s in (o.takes, o.gives))
    return dict.fromkeys(inner for shape in used for inner in shapes_within(shape))


def _fields_in_both(
    operations: Operations, old: Release, new: Release
) -> Iterator[tuple[type[BaseModel], str, str]]:
    """The shapes' fields that both releases have, by their names in Python and on the wire."""
    for shape in _shapes(operations):
        missing = old.unknown(shape) | new.unknown(shape)
        for name, (_, wire_name) in places(shape).items():
            if name not in missing:
                yield shape, name, wire_name
