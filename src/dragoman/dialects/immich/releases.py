"""The releases of Immich that can be spoken, and everything in which they differ: tables, to be read as such.

`wire.py` has each operation and each shape once, with all that any release has. The tables say since when,
and until when. Contract §5.1 and §8; the names of permissions are the products' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from dragoman.dialects.immich import permissions
from dragoman.releases import Release

Said = TypeVar("Said")
NAMES = ("1.134", "2.7", "3.2")
FIRST, LAST = NAMES[0], NAMES[-1]
VERSIONS = {"1.134": "1.134.0", "2.7": "2.7.5", "3.2": "3.2.2"}

# Any valid key will do, whatever its permissions.
ANY = None

# Operations that not all releases have: the first and the last one that does.
OPERATIONS: Mapping[str, tuple[str, str]] = {
    # here
}

# Statuses that are not what the endpoint says: since when.
STATUSES: Mapping[str, Mapping[str, int]] = {
    "setup_pin_code": {"2.7": 204},
    "change_pin_code": {"2.7": 204},
    "reset_pin_code": {"2.7": 204},
    "unlock_auth_session": {"2.7": 204},
    "lock_auth_session": {"2.7": 204},
}

# Fields that not all releases have: the first and the last one that does.
FIELDS: Sequence[tuple[type[BaseModel], str, str, str]] = (
    # here
)

# What an API key needs, since when (contract §2.4). No operation that has a caller is left out.
KEY_PERMISSIONS: Mapping[str, Mapping[str, str | None]] = {
    "change_password": {"1.134": ANY, "2.7": "auth.changePassword"},
    "logout": {"1.134": ANY, "2.7": "all"},
    "reset_pin_code": {"1.134": ANY, "2.7": "pinCode.delete"},
    "setup_pin_code": {"1.134": ANY, "2.7": "pinCode.create"},
    "change_pin_code": {"1.134": ANY, "2.7": "pinCode.update"},
    "lock_auth_session": {"1.134": ANY, "2.7": "all"},
    "unlock_auth_session": {"1.134": ANY, "2.7": "all"},
    "get_auth_status": {"1.134": ANY, "2.7": "all"},
    "validate_access_token": {"1.134": ANY},
    "get_my_user": {"1.134": ANY, "2.7": "user.read"},
    "update_my_user": {"1.134": ANY, "2.7": "user.update"},
    "get_my_preferences": {"1.134": ANY, "2.7": "userPreference.read"},
    "get_about_info": {"1.134": ANY, "2.7": "server.about"},
}

# What a permission is called since 2.7; a key keeps the names it was given, and is read by today's.
RENAMED_SINCE_2_7: Mapping[str, str] = {
    "admin.user.create": "adminUser.create",
    "admin.user.read": "adminUser.read",
    "admin.user.update": "adminUser.update",
    "admin.user.delete": "adminUser.delete",
    "album.addAsset": "albumAsset.create",
    "album.removeAsset": "albumAsset.delete",
}
RENAMED: Mapping[str, Mapping[str, str]] = {
    "1.134": {new: old for old, new in RENAMED_SINCE_2_7.items()},
    "2.7": RENAMED_SINCE_2_7,
    "3.2": RENAMED_SINCE_2_7,
}
PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "1.134": permissions.V1_134,
    "2.7": permissions.V2_7,
    "3.2": permissions.V3_2,
}


def within(release: str, first: str, last: str) -> bool:
    """Whether a release is one of those from the first to the last."""
    return NAMES.index(first) <= NAMES.index(release) <= NAMES.index(last)


def as_of(release: str, table: Mapping[str, Mapping[str, Said]]) -> Iterator[tuple[str, Said]]:
    """What a table of "since when" says of a release."""
    for name, since in table.items():
        said = [value for first, value in since.items() if within(release, first, LAST)]
        if said:
            yield name, said[-1]


def fields_without(release: str) -> Mapping[type[BaseModel], frozenset[str]]:
    """The fields that a release does not have, by shape."""
    missing = [(shape, field) for shape, field, *had in FIELDS if not within(release, *had)]
    return {shape: frozenset(f for s, f in missing if s is shape) for shape, _ in missing}


def described(release: str) -> Release:
    """A release, as the tables describe it."""
    return Release(
        release,
        VERSIONS[release],
        lacks=frozenset(name for name, had in OPERATIONS.items() if not within(release, *had)),
        without=fields_without(release),
        statuses=dict(as_of(release, STATUSES)),
        key_permissions=dict(as_of(release, KEY_PERMISSIONS)),
        permissions=PERMISSIONS[release],
        renamed=RENAMED[release],
    )


RELEASES: Mapping[str, Release] = {name: described(name) for name in NAMES}
# Whatever any release has: for the operator, whose keys outlive a change of the release.
ALL_PERMISSIONS = tuple(dict.fromkeys(name for release in NAMES for name in PERMISSIONS[release]))
