"""Stock clients are refused by every operation that needs a caller, without a good credential or with too small a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.contract.immich.speech import OTHER_PIN, PIN
from tests.contract.immich.stock.clients import CLIENTS
from tests.contract.immich.stock.households import LICENCE, NOBODYS, Household, in_snake_case
from tests.fakes import NEW_PASSWORD, PASSWORD

from dragoman.dialects.immich.releases import RELEASES
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.wire import Access

NOBODY: Mapping[str, Any] = {"id": NOBODYS}
NEW_USER = {"email": "new@example.com", "name": "New", "password": PASSWORD}
NEW_KEY = {"name": "new", "permissions": ["all"]}
ONBOARDED = {"isOnboarded": True}
# Every operation that needs a caller, with arguments that each client's own checks let pass.
OPERATIONS: Mapping[str, Mapping[str, Any]] = {
    "validateAccessToken": {},
    "changePassword": {"changePasswordDto": {"password": PASSWORD, "newPassword": NEW_PASSWORD}},
    "logout": {},
    "getAuthStatus": {},
    "setupPinCode": {"pinCodeSetupDto": {"pinCode": PIN}},
    "changePinCode": {"pinCodeChangeDto": {"pinCode": PIN, "newPinCode": OTHER_PIN}},
    "resetPinCode": {"pinCodeResetDto": {"pinCode": PIN}},
    "unlockAuthSession": {"sessionUnlockDto": {"pinCode": PIN}},
    "lockAuthSession": {},
    "getAboutInfo": {},
    "searchUsers": {},
    "getMyUser": {},
    "updateMyUser": {"userUpdateMeDto": {"name": "New"}},
    "getUserOnboarding": {},
    "setUserOnboarding": {"onboardingDto": ONBOARDED},
    "deleteUserOnboarding": {},
    "getUser": NOBODY,
    "getMyPreferences": {},
    "updateMyPreferences": {"userPreferencesUpdateDto": {}},
    "getUserPreferencesAdmin": NOBODY,
    "updateUserPreferencesAdmin": {**NOBODY, "userPreferencesUpdateDto": {}},
    "searchUsersAdmin": {},
    "createUserAdmin": {"userAdminCreateDto": NEW_USER},
    "getUserAdmin": NOBODY,
    "updateUserAdmin": {**NOBODY, "userAdminUpdateDto": {}},
    "deleteUserAdmin": {**NOBODY, "userAdminDeleteDto": {}},
    "restoreUserAdmin": NOBODY,
    "getUserSessionsAdmin": NOBODY,
    "getUserStatisticsAdmin": NOBODY,
    "createApiKey": {"apiKeyCreateDto": NEW_KEY},
    "getApiKeys": {},
    "getMyApiKey": {},
    "getApiKey": NOBODY,
    "updateApiKey": {**NOBODY, "apiKeyUpdateDto": NEW_KEY},
    "deleteApiKey": NOBODY,
    "rotateApiKey": NOBODY,
    "createSession": {"sessionCreateDto": {}},
    "getSessions": {},
    "deleteAllSessions": {},
    "updateSession": {**NOBODY, "sessionUpdateDto": {"isPendingSyncReset": True}},
    "deleteSession": NOBODY,
    "lockSession": NOBODY,
    "getStorage": {},
    "getServerStatistics": {},
    "getVersionCheck": {},
    "getApkLinks": {},
    "getServerLicense": {},
    "setServerLicense": {"licenseKeyDto": LICENCE},
    "deleteServerLicense": {},
    "getUserLicense": {},
    "setUserLicense": {"licenseKeyDto": LICENCE},
    "deleteUserLicense": {},
    "getAdminOnboarding": {},
    "updateAdminOnboarding": {"adminOnboardingUpdateDto": ONBOARDED},
    "getReverseGeocodingState": {},
    "getVersionCheckState": {},
    "getAllAlbums": {},
    "getAlbumStatistics": {},
    "getAssetStatistics": {},
    "getAllLibraries": {},
    "getMapMarkers": {},
    "searchMemories": {},
    "getNotifications": {},
    "getPartners": {"direction": "shared-by"},
    "getAllPeople": {},
    "searchAssets": {"metadataSearchDto": {}},
    "getAllSharedLinks": {},
    "searchStacks": {},
    "getSyncAck": {},
    "getAllTags": {},
    "getTimeBuckets": {},
}
SERVED = {operation.name: operation for operation in ImmichApi.operations()}
# Each client, with each operation that its release has.
CALLS = [
    (client, operation)
    for client, (release, _) in CLIENTS.items()
    for operation in OPERATIONS
    if RELEASES[release].has(SERVED[in_snake_case(operation)])
]


def test_no_operation_is_left_out() -> None:
    """The table above has every operation served that is not for anybody."""
    protected = {name for name, operation in SERVED.items() if operation.access is not Access.PUBLIC}
    assert {in_snake_case(operation) for operation in OPERATIONS} == protected


@pytest.mark.parametrize(("household", "operation"), CALLS, indirect=["household"])
def test_it_is_refused(household: Household, operation: str) -> None:
    """A session that is gone is 401; an ordinary user at an administrator's operation, and a key that lacks the
    permission that the release names, are 403.
    """
    arguments, served = OPERATIONS[operation], SERVED[in_snake_case(operation)]
    with household.refused(401, "Invalid user token"):
        getattr(household.holding(token="gone"), operation)(**arguments)
    if served.access is Access.ADMIN:
        with household.refused(403, "Forbidden"):
            getattr(household.somebody, operation)(**arguments)
    needed = RELEASES[household.release].permission(served)
    if needed is not None:
        with household.refused(403, f"Missing required permission: {needed}"):
            getattr(household.limited, operation)(**arguments)
