"""How lists are asked for: an order, how many, from where (contract §4, Pagination). Answers are bare arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from dragoman.core.lists import Order
from dragoman.dialects.elements.wire.fields import Listed

Item = TypeVar("Item")
Keys = Mapping[str, Callable[[Item], Any]]


def orders(ask: Listed, names: Mapping[str, str]) -> Iterator[Order]:
    """The orders that were asked for, as the core calls them by `names`; names that there are none of are not minded."""
    for name in (each.strip() for each in (ask.ordering or "").split(",")):
        by = names.get(name.removeprefix("-"))
        if by is not None:
            yield Order(by, descending=name.startswith("-"))


def arranged(items: Iterable[Item], ask: Listed, keys: Keys[Item]) -> Sequence[Item]:
    """The items that were asked for, by the fields that were asked for; names that there are none of are not minded.

    What has no value comes first, as it does in the product's database.
    """
    found = list(items)
    # The last field first: sorting keeps the order of what is equal.
    for name in reversed((ask.ordering or "").split(",")):
        key = keys.get(name.strip().removeprefix("-"))
        if key is not None:
            found.sort(key=_nothing_first(key), reverse=name.strip().startswith("-"))
    end = None if ask.limit is None else ask.offset + ask.limit
    return found[ask.offset : end]


def _nothing_first(key: Callable[[Item], Any]) -> Callable[[Item], Any]:
    def sorted_by(item: Item) -> tuple[bool, Any]:
        value = key(item)
        return (False, 0) if value is None else (True, value)

    return sorted_by
