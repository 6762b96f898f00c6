"""The products that are served, as people are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """A dialect that is served: its `title`, its addresses, and where its clients ask for one."""

    name: str
    title: str
    addresses: Sequence[str]
    where: str
