"""What each release asks of a field: a table, whose rows the shapes in `wire/` put beside their fields' types.

A row is a kind of field. Its rules are 1.134's, in the order of their messages; those of a later release, where
they are others, stand after `since`; `zod` is what has judged since 3.0. Contract §1, §4.1 and §5.2.
"""

from __future__ import annotations

from dragoman.dialects.immich import permissions, zod
from dragoman.dialects.immich.choices import AVATAR_COLORS, DIRECTIONS, ORDERS, VISIBILITIES
from dragoman.dialects.immich.rules import (
    IS_BOOLEAN,
    IS_DATE,
    IS_EMAIL,
    IS_GROUP,
    IS_INT,
    IS_LICENSE_KEY,
    IS_NUMBER,
    IS_PIN,
    IS_POSITIVE,
    IS_STRICTLY_BOOLEAN,
    IS_STRING,
    IS_UUID,
    NOT_ABSURD,
    NOT_EMPTY,
    NOT_UNSAFE,
    Rules,
    at_least,
    at_most,
    blank_as_null,
    each,
    fields_of,
    holding,
    no_less_than,
    no_more_than,
    one_of,
    storage_label,
    whole,
)

# Ours: a session that would outlive the calendar is refused, not cut.
A_CENTURY = 100 * 365 * 24 * 3600
LONGEST_KEY_NAME = 256

# Who somebody is, and what proves it.
EMAIL = Rules(IS_EMAIL, lower=True, zod=zod.email())
EMAIL_TO_SIGN_IN = Rules(NOT_EMPTY, IS_EMAIL, lower=True, zod=zod.email())
NAME = Rules(NOT_EMPTY, IS_STRING, zod=zod.string())
NAME_BY_ADMIN = Rules(IS_STRING, NOT_EMPTY, zod=zod.string())
SECRET = Rules(NOT_EMPTY, IS_STRING, NOT_ABSURD, zod=zod.string())
NEW_PASSWORD = Rules(at_least(8), NOT_EMPTY, IS_STRING, NOT_ABSURD, zod=zod.string(8))
# Here a null is first no string and then empty, where `/auth` says it the other way round.
NEW_PASSWORD_OF_USER = Rules(IS_STRING, NOT_EMPTY, NOT_ABSURD, zod=zod.string())
PIN = Rules(IS_STRING, NOT_EMPTY, IS_PIN, zod=zod.pin())
# Null, and "", take the PIN away.
PIN_BY_ADMIN = Rules(IS_PIN, nullable=True, before=blank_as_null, zod=zod.pin())
LICENSE_KEY = Rules(IS_LICENSE_KEY, NOT_EMPTY, IS_STRING, NOT_ABSURD, zod=zod.license_key())

# Of any shape.
UUID = Rules(IS_UUID, zod=zod.uuid())
TEXT = Rules(IS_STRING, NOT_ABSURD, zod=zod.string())
# Any text is a date since 3.0; how much of it we keep is ours to say.
DATE = Rules(IS_DATE, at_most(256), zod=zod.string())
COUNT = Rules(IS_POSITIVE, IS_INT, NOT_UNSAFE, zod=zod.integer(1), after=whole)
FLAG = Rules(IS_BOOLEAN, zod=zod.boolean())
FLAG_IN_QUERY = Rules(IS_BOOLEAN, zod=zod.query_boolean())
ONBOARDED = Rules(IS_BOOLEAN, since={"2.7": (IS_BOOLEAN, NOT_EMPTY)}, zod=zod.boolean())
# A group of fields within another shape: its own fields are judged by their own rules.
GROUP = Rules(IS_GROUP, zod=zod.group(), after=fields_of)

# One of a few.
COLOR = Rules(one_of(*AVATAR_COLORS), zod=zod.enum(AVATAR_COLORS))
COLOR_OR_NULL = Rules(one_of(*AVATAR_COLORS), nullable=True, zod=zod.enum(AVATAR_COLORS))
ORDER = Rules(one_of(*ORDERS), zod=zod.enum(ORDERS))
VISIBILITY = Rules(one_of(*VISIBILITIES), zod=zod.enum(VISIBILITIES))
DIRECTION = Rules(
    one_of(*DIRECTIONS), since={"2.7": (NOT_EMPTY, one_of(*DIRECTIONS))}, zod=zod.enum(DIRECTIONS)
)

# What an administrator says of an account.
STORAGE_LABEL = Rules(nullable=True, after=storage_label, zod=zod.string())
# 1.134 takes a fraction of a byte.
QUOTA = Rules(
    no_less_than(0),
    IS_NUMBER,
    NOT_UNSAFE,
    since={"2.7": (no_less_than(0), IS_INT, NOT_UNSAFE)},
    zod=zod.integer(0),
    nullable=True,
    after=whole,
)
NOTIFY = Rules(IS_STRICTLY_BOOLEAN, since={"2.7": (IS_BOOLEAN,)}, zod=zod.boolean())

# Sessions and keys. The names of permissions are the release's own, so they are looked up in its list.
DURATION = Rules(IS_POSITIVE, IS_INT, no_more_than(A_CENTURY), zod=zod.integer(1))
PERMISSIONS = Rules(
    holding(1),
    each(one_of(*permissions.V1_134)),
    since={"2.7": (holding(1), NOT_EMPTY, each(one_of(*permissions.V2_7)))},
    zod=zod.array(zod.enum(permissions.V3_2), 1),
)
OTHER_PERMISSIONS = Rules(
    holding(1),
    each(one_of(*permissions.V1_134)),
    since={"2.7": (holding(1), each(one_of(*permissions.V2_7)))},
    zod=zod.array(zod.enum(permissions.V3_2), 1),
)
KEY_NAME = Rules(NOT_EMPTY, IS_STRING, at_most(LONGEST_KEY_NAME), zod=zod.string())
OTHER_KEY_NAME = Rules(NOT_EMPTY, IS_STRING, at_most(LONGEST_KEY_NAME), zod=zod.string(), required=("1.134",))
