"""What two releases of a product say differently: read from the same data that serving and documents are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from dragoman.releases import Release, shapes_within
from dragoman.wire import Access, Api, Operation, places


@dataclass(frozen=True)
class Difference:
    """One thing as it is in the older release and in the newer: `of` is an operation or a shape, by name.

    `what` is the operation's method and path, a field's name on the wire, or a permission. `before` and
    `after` say whether there is one (operations, fields, permissions), or which it is (a status; the
    permission that an API key needs, None for any key).
    """

    of: str
    what: str
    before: bool | int | str | None
    after: bool | int | str | None


@dataclass(frozen=True)
class Differences:
    """All differences between two releases, in the order of the contract."""

    operations: tuple[Difference, ...]
    statuses: tuple[Difference, ...]
    fields: tuple[Difference, ...]
    key_permissions: tuple[Difference, ...]
    permissions: tuple[Difference, ...]


def compared(api: type[Api], old: Release, new: Release) -> Differences:
    """What is not the same in both releases. Statuses, fields and keys: of operations that both have."""
    operations = api.operations()
    both = [each for each in operations if old.has(each) and new.has(each)]
    signed_in = [each for each in both if each.access is not Access.PUBLIC]
    return Differences(
        operations=_differing((e.name, _place(e), old.has(e), new.has(e)) for e in operations),
        statuses=_differing((e.name, _place(e), old.status(e), new.status(e)) for e in both),
        fields=_differing(_fields(both, old, new)),
        key_permissions=_differing(
            (e.name, _place(e), old.permission(e), new.permission(e)) for e in signed_in
        ),
        permissions=_differing(_permissions(old, new)),
    )


def _differing(rows: Iterable[tuple[str, str, Any, Any]]) -> tuple[Difference, ...]:
    return tuple(Difference(*row) for row in rows if row[2] != row[3])


def _place(operation: Operation[Any, Any]) -> str:
    return f"{operation.method} {operation.path}"


def _fields(
    operations: Iterable[Operation[Any, Any]], old: Release, new: Release
) -> Iterator[tuple[str, str, bool, bool]]:
    used: Iterable[type[BaseModel]] = (s for o in operations for s in (o.takes, o.gives))
    shapes = dict.fromkeys(inner for shape in used for inner in shapes_within(shape))
    for shape in shapes:
        for name, (_, wire_name) in places(shape).items():
            yield shape.__name__, wire_name, name not in old.unknown(shape), name not in new.unknown(shape)


def _permissions(old: Release, new: Release) -> Iterator[tuple[str, str, bool, bool]]:
    for name in dict.fromkeys((*old.permissions, *new.permissions)):
        yield "", name, name in old.permissions, name in new.permissions
