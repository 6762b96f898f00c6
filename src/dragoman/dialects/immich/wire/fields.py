"""What fields of Immich's shapes are made of: their types, their rules, and what the document says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, PlainSerializer, WithJsonSchema
from typing_extensions import TypeAliasType

from dragoman.dialects.immich import field_rules as rules
from dragoman.dialects.immich.choices import AvatarColor
from dragoman.wire import OMITTED, UNSEEN, Wire, camel

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
A_COUNT = WithJsonSchema({"type": "integer", "minimum": 1})

Email = Annotated[str, rules.EMAIL_TO_SIGN_IN, AN_EMAIL]
Password = Annotated[str, rules.SECRET, UNSEEN]
NewPassword = Annotated[str, rules.NEW_PASSWORD, EIGHT_LONG, UNSEEN]
Name = Annotated[str, rules.NAME]
PinCode = Annotated[str, rules.PIN, UNSEEN]
# Optional means absent: a null breaks the rules as a missing required field would (contract §1.8).
MaybeEmail = Annotated[str | None, rules.EMAIL, AN_EMAIL, OMITTED]
MaybePassword = Annotated[str | None, rules.SECRET, A_STRING, UNSEEN, OMITTED]
MaybeName = Annotated[str | None, rules.NAME, A_STRING, OMITTED]
MaybePinCode = Annotated[str | None, rules.PIN, A_STRING, UNSEEN, OMITTED]
MaybeFlag = Annotated[bool | None, rules.FLAG, A_BOOLEAN, OMITTED]
MaybeCount = Annotated[int | None, rules.COUNT, A_COUNT, OMITTED]
MaybeMoment = Annotated[Moment | None, A_STRING, OMITTED]


class ImmichWire(Wire):
    model_config = ConfigDict(alias_generator=camel)
