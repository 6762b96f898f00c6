"""What fields of Immich's shapes are made of: their types, their rules, and what the document says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, PlainSerializer, WithJsonSchema
from typing_extensions import TypeAliasType

from dragoman.dialects.immich import zod
from dragoman.dialects.immich.rules import (
    IS_BOOLEAN,
    IS_EMAIL,
    IS_PIN,
    IS_STRING,
    NOT_ABSURD,
    NOT_EMPTY,
    Rules,
    at_least,
)
from dragoman.wire import OMITTED, UNSEEN, Wire, camel

AvatarColor = Literal[
    "primary", "pink", "red", "yellow", "blue", "green", "purple", "orange", "gray", "amber"
]
AVATAR_COLORS: tuple[AvatarColor, ...] = (
    "primary",
    "pink",
    "red",
    "yellow",
    "blue",
    "green",
    "purple",
    "orange",
    "gray",
    "amber",
)

# Schemas of their own in the OpenAPI document, by these names (§7).
UserAvatarColor = TypeAliasType("UserAvatarColor", AvatarColor)
UserStatus = TypeAliasType("UserStatus", Literal["active", "removing", "deleted"])


def iso(moment: datetime) -> str:
    """A moment as JavaScript prints it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


Moment = Annotated[datetime, PlainSerializer(iso), WithJsonSchema({"type": "string", "format": "date-time"})]
Int64 = Annotated[int, WithJsonSchema({"type": "integer", "format": "int64"})]

# The document says less than the rules do, and no more than the product's (§3, §7).
AN_EMAIL = WithJsonSchema({"type": "string", "format": "email"})
EIGHT_LONG = WithJsonSchema({"type": "string", "minLength": 8})
A_STRING = WithJsonSchema({"type": "string"})
A_BOOLEAN = WithJsonSchema({"type": "boolean"})

Email = Annotated[str, Rules(NOT_EMPTY, IS_EMAIL, lower=True, zod=zod.email()), AN_EMAIL]
Password = Annotated[str, Rules(NOT_EMPTY, IS_STRING, NOT_ABSURD, zod=zod.string()), UNSEEN]
NewPassword = Annotated[
    str, Rules(at_least(8), NOT_EMPTY, IS_STRING, NOT_ABSURD, zod=zod.string(8)), EIGHT_LONG, UNSEEN
]
Name = Annotated[str, Rules(NOT_EMPTY, IS_STRING, zod=zod.string())]
PinCode = Annotated[str, Rules(IS_STRING, NOT_EMPTY, IS_PIN, zod=zod.pin()), UNSEEN]
# Optional means absent: a null breaks the rules as a missing required field would (contract §1.8).
MaybeEmail = Annotated[str | None, Rules(IS_EMAIL, lower=True, zod=zod.email()), AN_EMAIL, OMITTED]
MaybePassword = Annotated[
    str | None, Rules(NOT_EMPTY, IS_STRING, NOT_ABSURD, zod=zod.string()), A_STRING, UNSEEN, OMITTED
]
MaybeName = Annotated[str | None, Rules(NOT_EMPTY, IS_STRING, zod=zod.string()), A_STRING, OMITTED]
MaybePinCode = Annotated[
    str | None, Rules(IS_STRING, NOT_EMPTY, IS_PIN, zod=zod.pin()), A_STRING, UNSEEN, OMITTED
]
MaybeFlag = Annotated[bool | None, Rules(IS_BOOLEAN, zod=zod.boolean()), A_BOOLEAN, OMITTED]
MaybeMoment = Annotated[Moment | None, A_STRING, OMITTED]


class ImmichWire(Wire):
    model_config = ConfigDict(alias_generator=camel)
