"""Stock clients read what surrounds a sign-in: the server, and a photo library with nothing in it (contract §4.1, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.contract.immich.stock.clients import speaking
from tests.contract.immich.stock.households import Household

from dragoman.dialects.immich.behaviour import VERSION

# What anybody is told, as far as all releases say the same.
OPEN: Mapping[str, Any] = {
    "pingServer": {"res": "pong"},
    "getServerFeatures": {"passwordLogin": True, "oauth": False, "trash": False},
    "getServerConfig": {"isInitialized": True, "isOnboarded": True, "oauthButtonText": "Login with OAuth"},
    "getSupportedMediaTypes": {},
}
# What whoever is signed in is told.
TOLD: Mapping[str, Any] = {
    "getStorage": {"diskSize": "0 B", "diskUseRaw": 0, "diskUsagePercentage": 0},
    "getVersionCheck": {"checkedAt": None, "releaseVersion": None},
    "getVersionCheckState": {"checkedAt": None, "releaseVersion": None},
    "getReverseGeocodingState": {"lastUpdate": None, "lastImportFileName": None},
    "getAlbumStatistics": {"owned": 0, "shared": 0, "notShared": 0},
    "getAssetStatistics": {"images": 0, "videos": 0, "total": 0},
    "getAllPeople": {"total": 0, "hidden": 0, "people": [], "hasNextPage": False},
}
EMPTY: Mapping[str, Mapping[str, Any]] = {
    "getAllAlbums": {},
    "getAllLibraries": {},
    "getAllSharedLinks": {},
    "getAllTags": {},
    "getMapMarkers": {},
    "getNotifications": {},
    "getPartners": {"direction": "shared-by"},
    "getSyncAck": {},
    "getTimeBuckets": {},
    "getVersionHistory": {},
    "searchMemories": {},
    "searchStacks": {},
}


def test_the_version_is_the_releases(household: Household) -> None:
    """Whoever asks is told the release that is spoken, in numbers and by name."""
    version = VERSION.of(household.release)
    numbers = household.anyone.getServerVersion()
    assert ".".join(str(numbers[part]) for part in ("major", "minor", "patch")) == version
    assert household.admin.getAboutInfo()["version"] == f"v{version}"


@pytest.mark.parametrize("operation", OPEN)
def test_anybody_is_told(household: Household, operation: str) -> None:
    """What an app asks before a sign-in is answered without one."""
    assert OPEN[operation].items() <= getattr(household.anyone, operation)().items()


@pytest.mark.parametrize("operation", TOLD)
def test_an_administrator_is_told(household: Household, operation: str) -> None:
    """What an app asks after a sign-in is answered in the shape of the release: nothing is stored here."""
    assert TOLD[operation].items() <= getattr(household.admin, operation)().items()


@pytest.mark.parametrize("operation", EMPTY)
def test_there_is_nothing(household: Household, operation: str) -> None:
    """Every list of a photo library is there, and empty."""
    assert getattr(household.admin, operation)(**EMPTY[operation]) == []


def test_a_search_finds_nothing(household: Household) -> None:
    """A search by metadata finds no album and no asset."""
    found = household.admin.searchAssets(metadataSearchDto={"city": "Oslo"})
    assert (found["albums"]["items"], found["assets"]["items"]) == ([], [])


@pytest.mark.parametrize("household", speaking("2.7", "3.2"), indirect=True)
def test_the_android_app_is_somewhere(household: Household) -> None:
    """Links to the app are those of the release."""
    assert VERSION.of(household.release) in household.admin.getApkLinks()["universal"]


@pytest.mark.parametrize("household", speaking("1.134", "2.7"), indirect=True)
def test_the_theme_is_plain(household: Household) -> None:
    """Before 3.0 an app asks for a style sheet, and gets an empty one."""
    assert household.anyone.getTheme() == {"customCss": ""}
