"""What the releases of Immich say differently, by operation, shape, field and permission: tables, to be read as such.

`wire/` has each operation and each shape once, with all that any release has. The tables say since when, and
until when. What differs whatever the operation is in `behaviour.py`, what a field is asked for in
`field_rules.py`; here it comes together: `dragoman diff` prints all of it. Contract §5.1 and §8; the names of
permissions are the products' own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from dragoman.dialects.immich import permissions, wire
from dragoman.dialects.immich.behaviour import FIRST, LAST, NAMES, VERSION, habits, up_to, within
from dragoman.dialects.immich.rules import Rules, rules_of
from dragoman.dialects.immich.wire.keys import (
    APIKeyCreateDto,
    APIKeyCreateResponseDto,
    APIKeyResponseDto,
    APIKeyUpdateDto,
)
from dragoman.dialects.immich.wire.library import AlbumSearch, SearchAssetResponseDto
from dragoman.dialects.immich.wire.sessions import SessionCreateResponseDto, SessionResponseDto
from dragoman.dialects.immich.wire.system import ServerConfigDto, ServerFeaturesDto, ServerVersionResponseDto
from dragoman.releases import Release, shapes_within

Row = TypeVar("Row")
Said = TypeVar("Said")

# Any valid key will do, whatever its permissions.
ANY = None

# Operations that not all releases have: the first and the last one that does.
OPERATIONS: Mapping[str, tuple[str, str]] = {
    "update_session": ("2.7", LAST),
    "get_my_api_key": ("2.7", LAST),
    "rotate_api_key": ("3.2", LAST),
    "get_theme": (FIRST, "2.7"),
    "get_apk_links": ("2.7", LAST),
    "get_user_onboarding": ("2.7", LAST),
    "set_user_onboarding": ("2.7", LAST),
    "delete_user_onboarding": ("2.7", LAST),
    "get_user_sessions_admin": ("2.7", LAST),
}

# Statuses that are not what the endpoint says: since when.
STATUSES: Mapping[str, Mapping[str, int]] = {
    "setup_pin_code": {"2.7": 204},
    "change_pin_code": {"2.7": 204},
    "reset_pin_code": {"2.7": 204},
    "unlock_auth_session": {"2.7": 204},
    "lock_auth_session": {"2.7": 204},
    "delete_user_license": {"2.7": 204},
    "delete_server_license": {"2.7": 204},
}

# Fields that not all releases have: the first and the last one that does.
FIELDS: Sequence[tuple[type[BaseModel], str, str, str]] = (
    (SessionResponseDto, "app_version", "2.7", LAST),
    (SessionResponseDto, "is_pending_sync_reset", "2.7", LAST),
    (SessionCreateResponseDto, "app_version", "2.7", LAST),
    (SessionCreateResponseDto, "is_pending_sync_reset", "2.7", LAST),
    (APIKeyUpdateDto, "permissions", "2.7", LAST),
    (APIKeyCreateResponseDto, "id", "3.2", LAST),
    (APIKeyCreateResponseDto, "name", "3.2", LAST),
    (APIKeyCreateResponseDto, "created_at", "3.2", LAST),
    (APIKeyCreateResponseDto, "updated_at", "3.2", LAST),
    (APIKeyCreateResponseDto, "permissions", "3.2", LAST),
    (ServerVersionResponseDto, "prerelease", "3.2", LAST),
    (ServerFeaturesDto, "ocr", "2.7", LAST),
    (ServerFeaturesDto, "realtime_transcoding", "3.2", LAST),
    (ServerConfigDto, "maintenance_mode", "2.7", LAST),
    (ServerConfigDto, "min_faces", "3.2", LAST),
    (ServerConfigDto, "oauth_account_management_url", "3.2", LAST),
    (AlbumSearch, "shared", FIRST, "2.7"),
    (AlbumSearch, "id", "3.2", LAST),
    (AlbumSearch, "name", "3.2", LAST),
    (AlbumSearch, "is_owned", "3.2", LAST),
    (AlbumSearch, "is_shared", "3.2", LAST),
    (SearchAssetResponseDto, "next_cursor", "3.2", LAST),
    (wire.LoginResponseDto, "is_onboarded", "2.7", LAST),
    (wire.ChangePasswordDto, "invalidate_sessions", "2.7", LAST),
    (wire.UserAdminResponseDto, "cluster_group_id", "3.2", LAST),
    (wire.UserAdminCreateDto, "pin_code", "2.7", LAST),
    (wire.UserAdminCreateDto, "is_admin", "2.7", LAST),
    (wire.UserAdminUpdateDto, "is_admin", "2.7", LAST),
    (wire.UserPreferencesResponseDto, "albums", "2.7", LAST),
    (wire.UserPreferencesResponseDto, "cast", "2.7", LAST),
    (wire.UserPreferencesResponseDto, "recently_added", "3.2", LAST),
    (wire.MemoriesResponse, "duration", "2.7", LAST),
    (wire.MemoriesResponse, "sidebar_web", "3.2", LAST),
    (wire.PeopleResponse, "minimum_faces", "3.2", LAST),
    (wire.UserPreferencesUpdateDto, "albums", "2.7", LAST),
    (wire.UserPreferencesUpdateDto, "cast", "2.7", LAST),
    (wire.UserPreferencesUpdateDto, "recently_added", "3.2", LAST),
    (wire.UserPreferencesOfDto, "albums", "2.7", LAST),
    (wire.UserPreferencesOfDto, "cast", "2.7", LAST),
    (wire.UserPreferencesOfDto, "recently_added", "3.2", LAST),
    (wire.MemoriesUpdate, "duration", "2.7", LAST),
    (wire.MemoriesUpdate, "sidebar_web", "3.2", LAST),
    (wire.PeopleUpdate, "minimum_faces", "3.2", LAST),
)

# Shapes whose fields are complained of in another order than they are printed in: since when.
ORDERS: Mapping[type[BaseModel], Mapping[str, tuple[str, ...]]] = {
    wire.SignUpDto: {"3.2": ("email", "password", "name")},
    wire.PinCodeChangeDto: {"3.2": ("pinCode", "password", "newPinCode")},
    AlbumSearch: {"3.2": ("id", "name", "isOwned", "isShared", "assetId")},
}

# Shapes that the documents call otherwise: the first and the last release that does.
CALLED: Sequence[tuple[type[BaseModel], str, str, str]] = (
    (wire.UserPreferencesOfDto, "UserPreferencesUpdateDto", FIRST, LAST),
    (wire.LicenseResponseDto, "UserLicense", "3.2", LAST),
    (APIKeyCreateDto, "ApiKeyCreateDto", "3.2", LAST),
    (APIKeyCreateResponseDto, "ApiKeyCreateResponseDto", "3.2", LAST),
    (APIKeyResponseDto, "ApiKeyResponseDto", "3.2", LAST),
    (APIKeyUpdateDto, "ApiKeyUpdateDto", "3.2", LAST),
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
    "update_my_preferences": {"1.134": ANY, "2.7": "userPreference.update"},
    "search_users_admin": {"1.134": "admin.user.read", "2.7": "adminUser.read"},
    "create_user_admin": {"1.134": "admin.user.create", "2.7": "adminUser.create"},
    "get_user_admin": {"1.134": "admin.user.read", "2.7": "adminUser.read"},
    "update_user_admin": {"1.134": "admin.user.update", "2.7": "adminUser.update"},
    "delete_user_admin": {"1.134": "admin.user.delete", "2.7": "adminUser.delete"},
    "restore_user_admin": {"1.134": "admin.user.delete", "2.7": "adminUser.delete"},
    "get_user_preferences_admin": {"1.134": "admin.user.read", "2.7": "adminUser.read"},
    "update_user_preferences_admin": {"1.134": "admin.user.update", "2.7": "adminUser.update"},
    "get_user_sessions_admin": {"2.7": "adminSession.read"},
    "get_user_statistics_admin": {"1.134": "admin.user.read", "2.7": "adminUser.read"},
    "search_users": {"1.134": ANY, "2.7": "user.read"},
    "get_user": {"1.134": ANY, "2.7": "user.read"},
    "get_user_onboarding": {"2.7": "userOnboarding.read"},
    "set_user_onboarding": {"2.7": "userOnboarding.update"},
    "delete_user_onboarding": {"2.7": "userOnboarding.delete"},
    "get_user_license": {"1.134": ANY, "2.7": "userLicense.read"},
    "set_user_license": {"1.134": ANY, "2.7": "userLicense.update"},
    "delete_user_license": {"1.134": ANY, "2.7": "userLicense.delete"},
    "get_sessions": {"1.134": "session.read"},
    "create_session": {"1.134": "session.create"},
    "delete_all_sessions": {"1.134": "session.delete"},
    "delete_session": {"1.134": "session.delete"},
    "update_session": {"2.7": "session.update"},
    "lock_session": {"1.134": "session.lock"},
    "get_api_keys": {"1.134": "apiKey.read"},
    "create_api_key": {"1.134": "apiKey.create"},
    "get_my_api_key": {"2.7": ANY},
    "get_api_key": {"1.134": "apiKey.read"},
    "update_api_key": {"1.134": "apiKey.update"},
    "delete_api_key": {"1.134": "apiKey.delete"},
    "rotate_api_key": {"3.2": "apiKey.rotate"},
    "get_about_info": {"1.134": ANY, "2.7": "server.about"},
    "get_apk_links": {"2.7": "server.apkLinks"},
    "get_server_license": {"1.134": ANY, "2.7": "serverLicense.read"},
    "set_server_license": {"1.134": ANY, "2.7": "serverLicense.update"},
    "delete_server_license": {"1.134": ANY, "2.7": "serverLicense.delete"},
    "get_server_statistics": {"1.134": ANY, "2.7": "server.statistics"},
    "get_storage": {"1.134": ANY, "2.7": "server.storage"},
    "get_version_check": {"1.134": ANY, "2.7": "server.versionCheck"},
    "get_admin_onboarding": {"1.134": "systemMetadata.read"},
    "update_admin_onboarding": {"1.134": "systemMetadata.update"},
    "get_reverse_geocoding_state": {"1.134": "systemMetadata.read"},
    "get_version_check_state": {"1.134": "systemMetadata.read"},
    "get_all_albums": {"1.134": "album.read"},
    "get_album_statistics": {"1.134": "album.statistics"},
    "get_asset_statistics": {"1.134": ANY, "2.7": "asset.statistics"},
    "get_all_libraries": {"1.134": "library.read"},
    "get_map_markers": {"1.134": ANY, "2.7": "map.read"},
    "search_memories": {"1.134": "memory.read"},
    "get_notifications": {"1.134": "notification.read"},
    "get_partners": {"1.134": "partner.read"},
    "get_all_people": {"1.134": "person.read"},
    "search_assets": {"1.134": ANY, "2.7": "asset.read"},
    "get_all_shared_links": {"1.134": "sharedLink.read"},
    "search_stacks": {"1.134": "stack.read"},
    "get_sync_ack": {"1.134": ANY, "2.7": "syncCheckpoint.read"},
    "get_all_tags": {"1.134": "tag.read"},
    "get_time_buckets": {"1.134": "asset.read"},
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


def as_of(release: str, table: Mapping[Row, Mapping[str, Said]]) -> Iterator[tuple[Row, Said]]:
    """What a table of "since when" says of a release."""
    for row, since in table.items():
        if said := up_to(release, since):
            yield row, said[-1]


def fields_without(release: str) -> Mapping[type[BaseModel], frozenset[str]]:
    """The fields that a release does not have, by shape."""
    missing = [(shape, field) for shape, field, *had in FIELDS if not within(release, *had)]
    return {shape: frozenset(f for s, f in missing if s is shape) for shape, _ in missing}


def ruled() -> Mapping[type[BaseModel], Mapping[str, Rules]]:
    """The fields of all asks that have rules, by shape and by their names in Python."""
    shapes = {inner for o in wire.ImmichApi.operations() for inner in shapes_within(o.takes)}
    rules = {shape: {n: rules_of(f.metadata) for n, f in shape.model_fields.items()} for shape in shapes}
    return {shape: {n: rule for n, rule in found.items() if rule} for shape, found in rules.items()}


RULED = ruled()


def fields_required(release: str) -> Mapping[type[BaseModel], frozenset[str]]:
    """The fields that a release's rules miss although their shape lets them be, by shape."""
    found = {
        shape: frozenset(name for name, rule in rules.items() if release in rule.required)
        for shape, rules in RULED.items()
    }
    return {shape: names for shape, names in found.items() if names}


def messages(release: str) -> Mapping[type[BaseModel], Mapping[str, tuple[str, ...]]]:
    """All that a release can say of a field, {} being its name, by shape and field."""
    return {
        shape: {name: rule.words(release) for name, rule in rules.items()} for shape, rules in RULED.items()
    }


def described(release: str) -> Release:
    """A release, as the tables describe it."""
    return Release(
        release,
        VERSION.of(release),
        lacks=frozenset(name for name, had in OPERATIONS.items() if not within(release, *had)),
        without=fields_without(release),
        requires=fields_required(release),
        called={shape: name for shape, name, *so in CALLED if within(release, *so)},
        behaviour=habits(release),
        messages=messages(release),
        orders=dict(as_of(release, ORDERS)),
        statuses=dict(as_of(release, STATUSES)),
        key_permissions=dict(as_of(release, KEY_PERMISSIONS)),
        permissions=PERMISSIONS[release],
        renamed=RENAMED[release],
    )


RELEASES: Mapping[str, Release] = {name: described(name) for name in NAMES}
# Whatever any release has: for the operator, whose keys outlive a change of the release.
ALL_PERMISSIONS = tuple(dict.fromkeys(name for release in NAMES for name in PERMISSIONS[release]))


def spoken_by(release: Release | None) -> Release:
    """The release of a request; the first, where nobody has said which."""
    return release or RELEASES[FIRST]
