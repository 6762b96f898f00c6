"""Lists as iterators, which fetch one page after the other: `for user in client.each(client.get_all_users)`.

By `id`, unless another order is asked for: what is added meanwhile then comes last, and nothing comes twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

from pydantic import RootModel

P = ParamSpec("P")
Item = TypeVar("Item")

PAGE = 100
BY_ID = {"ordering": "id", "limit": PAGE, "offset": 0}


class AtOnce:
    """For the client that waits for its answers."""

    @staticmethod
    def each(listing: Callable[P, RootModel[list[Item]]], *args: P.args, **asked: P.kwargs) -> Iterator[Item]:
        """Everything that a list operation lists, from `offset` on. `limit` is the size of a page."""
        fetch = cast("Callable[..., RootModel[list[Item]]]", listing)
        now: dict[str, Any] = {**BY_ID, **asked}
        while True:
            page = fetch(*args, **now).root
            yield from page
            if len(page) < now["limit"]:
                return
            now["offset"] += len(page)


class Awaited:
    """For the client that awaits them."""

    @staticmethod
    async def each(
        listing: Callable[P, Awaitable[RootModel[list[Item]]]], *args: P.args, **asked: P.kwargs
    ) -> AsyncIterator[Item]:
        """As `AtOnce.each`."""
        fetch = cast("Callable[..., Awaitable[RootModel[list[Item]]]]", listing)
        now: dict[str, Any] = {**BY_ID, **asked}
        while True:
            page = (await fetch(*args, **now)).root
            for item in page:
                yield item
            if len(page) < now["limit"]:
                return
            now["offset"] += len(page)
