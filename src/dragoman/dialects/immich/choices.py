"""The values that some fields of Immich's are chosen from, in the product's order (contract §3, §4.1)."""

from __future__ import annotations

from typing import Literal, get_args

AvatarColor = Literal[
    "primary", "pink", "red", "yellow", "blue", "green", "purple", "orange", "gray", "amber"
]
Order = Literal["asc", "desc"]
Direction = Literal["shared-by", "shared-with"]

AVATAR_COLORS: tuple[AvatarColor, ...] = get_args(AvatarColor)
ORDERS: tuple[Order, ...] = get_args(Order)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
VISIBILITIES = ("archive", "timeline", "hidden", "locked")
