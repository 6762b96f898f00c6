"""What lists have in common."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """By one of the names that a list can be ordered by, from the least on or from the most."""

    by: str
    descending: bool = False
