"""What an installation tells of itself, and the empty library that apps ask for at sign-in (contract §4.1, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.contract.immich.speech import House, assert_empty, assert_refused, assert_says
from tests.contract.immich.spoken import NAMES, message

VERSIONS = {"1.134": "1.134.0", "2.7": "2.7.5", "3.2": "3.2.2"}
RELEASES = "https://github.com/immich-app/immich/releases"
NO_FLAG = {
    "1.134": ["isOnboarded must be a boolean value"],
    "2.7": ["isOnboarded must be a boolean value", "isOnboarded should not be empty"],
}
DIRECTIONS = "direction must be one of the following values: shared-by, shared-with"
NO_DIRECTION = {"1.134": [DIRECTIONS], "2.7": ["direction should not be empty", DIRECTIONS]}


def test_the_version_is_the_release_s(spoken: tuple[str, House]) -> None:
    """`server/version` and `server/about` name the release spoken; `prerelease` came with 3.x."""
    release, house = spoken
    major, minor, patch = map(int, VERSIONS[release].split("."))
    said = {"major": major, "minor": minor, "patch": patch}
    assert_ok(house.ask("GET", "/server/version"), said | ({"prerelease": None} if release == "3.2" else {}))
    about = {
        "version": f"v{VERSIONS[release]}",
        "versionUrl": f"{RELEASES}/tag/v{VERSIONS[release]}",
        "licensed": False,
    }
    assert_ok(house.ask("GET", "/server/about", house.person().token), about)


def test_features_and_config_have_the_fields_of_the_release(spoken: tuple[str, House]) -> None:
    """Each release's fields and no others: apps of a release refuse an answer without its own."""
    release, house = spoken
    features = house.ask("GET", "/server/features").json()
    assert len(features) == {"1.134": 14, "2.7": 15, "3.2": 16}[release]
    assert ("ocr" in features, "realtimeTranscoding" in features) == (release != "1.134", release == "3.2")
    config = house.ask("GET", "/server/config").json()
    assert len(config) == {"1.134": 10, "2.7": 11, "3.2": 12}[release]
    assert config.get("maintenanceMode") == (None if release == "1.134" else False)
    assert config.get("minFaces") == (3 if release == "3.2" else None)


def test_theme_is_gone_in_3(spoken: tuple[str, House]) -> None:
    """`server/theme` is empty before 3.0 and no route since."""
    release, house = spoken
    answer = house.ask("GET", "/server/theme")
    if release == "3.2":
        assert message(answer, 404) == "Cannot GET /api/server/theme"
    else:
        assert_says(answer, 200, {"customCss": ""})


def test_apk_links_came_later(spoken: tuple[str, House]) -> None:
    """Since 2.x the server knows where its Android app is, for each kind of processor."""
    release, house = spoken
    answer = house.ask("GET", "/server/apk-links", house.person().token)
    if release == "1.134":
        assert_refused(answer, 404, "Cannot GET /api/server/apk-links")
        return
    base = f"{RELEASES}/download/v{VERSIONS[release]}"
    assert_ok(
        answer,
        {
            "arm64v8a": f"{base}/app-arm64-v8a-release.apk",
            "armeabiv7a": f"{base}/app-armeabi-v7a-release.apk",
            "universal": f"{base}/app-release.apk",
            "x86_64": f"{base}/app-x86_64-release.apk",
        },
    )


def test_media_types_are_extensions(spoken: tuple[str, House]) -> None:
    """Programs choose by them what to upload: lower-case extensions with a dot, none in two lists."""
    said = spoken[1].ask("GET", "/server/media-types").json()
    assert list(said) == ["video", "image", "sidecar"]
    every = [extension for extensions in said.values() for extension in extensions]
    assert all(extension.startswith(".") and extension.islower() for extension in every)
    assert len(set(every)) == len(every)
    assert {".jpg", ".heic", ".mp4", ".xmp"} < set(every)


def test_nobody_learns_how_full_the_disk_is(spoken: tuple[str, House]) -> None:
    """The disk is an empty one: what ours is like is the operator's to know."""
    house = spoken[1]
    said = {
        "diskAvailable": "0 B",
        "diskSize": "0 B",
        "diskUse": "0 B",
        "diskAvailableRaw": 0,
        "diskSizeRaw": 0,
        "diskUseRaw": 0,
        "diskUsagePercentage": 0.0,
    }
    assert_ok(house.ask("GET", "/server/storage", house.person().token), said)


def test_statistics_name_everybody(spoken: tuple[str, House]) -> None:
    """An administrator sees each user, with nothing stored."""
    house = spoken[1]
    admin = house.person(is_admin=True, display_name="Grace")
    said = house.ask("GET", "/server/statistics", admin.token).json()
    totals = {name: value for name, value in said.items() if name != "usageByUser"}
    assert totals == {"photos": 0, "videos": 0, "usage": 0, "usagePhotos": 0, "usageVideos": 0}
    own = next(user for user in said["usageByUser"] if user["userId"] == str(admin.account.id))
    assert own == totals | {
        "userId": str(admin.account.id),
        "userName": "Grace",
        "quotaSizeInBytes": None,
    }
    assert len(said["usageByUser"]) == len(house.ask("GET", "/admin/users", admin.token).json())


def test_nobody_looks_for_newer_versions(spoken: tuple[str, House]) -> None:
    """This server asks nobody about newer ones, and so never did."""
    house = spoken[1]
    admin = house.person(is_admin=True)
    never = {"checkedAt": None, "releaseVersion": None}
    for path in ("/server/version-check", "/system-metadata/version-check-state"):
        assert_ok(house.ask("GET", path, admin.token), never)
    assert house.ask("GET", "/server/version-history").json() == []
    geocoding = {"lastUpdate": None, "lastImportFileName": None}
    assert_ok(house.ask("GET", "/system-metadata/reverse-geocoding-state", admin.token), geocoding)


def test_onboarding_is_done_until_somebody_says_otherwise(spoken: tuple[str, House]) -> None:
    """An administrator takes the flag back and sets it again; `server/config` says it to all apps."""
    house = spoken[1]
    admin = house.person(is_admin=True)
    path = "/system-metadata/admin-onboarding"
    for flag in (True, False, True):
        if flag is not house.ask("GET", "/server/config").json()["isOnboarded"]:
            answer = house.ask("POST", path, admin.token, json={"isOnboarded": flag})
            assert (answer.status_code, answer.content) == (204, b"")
        assert_ok(house.ask("GET", path, admin.token), {"isOnboarded": flag})
        assert house.ask("GET", "/server/config").json()["isOnboarded"] is flag


def test_onboarding_wants_a_flag(spoken: tuple[str, House]) -> None:
    """Without one, or with something else, each release says so in its words."""
    release, house = spoken
    admin = house.person(is_admin=True)
    answer = house.ask("POST", "/system-metadata/admin-onboarding", admin.token, json={})
    if release == "3.2":
        issue = {
            "expected": "boolean",
            "code": "invalid_type",
            "path": ["isOnboarded"],
            "message": "Invalid input: expected boolean, received undefined",
        }
        assert_says(answer, 400, {"message": "Validation failed", "errors": [issue]})
    else:
        assert_refused(answer, 400, NO_FLAG[release])


def test_onboarding_is_the_installation_s(houses: House) -> None:
    """The flag is stored with the installation, on either engine, and is asked for by administrators alone."""
    person, admin = houses.person(), houses.person(is_admin=True)
    path = "/system-metadata/admin-onboarding"
    for method in ("GET", "POST"):
        assert_refused(houses.ask(method, path, person.token, json={"isOnboarded": False}), 403, "Forbidden")
    for flag in (False, True):
        assert_empty(houses.ask("POST", path, admin.token, json={"isOnboarded": flag}), 204)
        assert houses.ask("GET", "/server/config").json()["isOnboarded"] is flag


EMPTY: Mapping[str, Any] = {
    "/albums": [],
    "/albums/statistics": {"owned": 0, "shared": 0, "notShared": 0},
    "/assets/statistics": {"images": 0, "videos": 0, "total": 0},
    "/libraries": [],
    "/map/markers": [],
    "/memories": [],
    "/notifications": [],
    "/partners?direction=shared-by": [],
    "/people": {"total": 0, "hidden": 0, "people": [], "hasNextPage": False},
    "/shared-links": [],
    "/stacks": [],
    "/sync/ack": [],
    "/tags": [],
    "/timeline/buckets": [],
}


@pytest.mark.parametrize("path", EMPTY)
def test_the_library_is_empty(spoken: tuple[str, House], path: str) -> None:
    """Apps ask for these at sign-in and give up on a 404: nothing is there, in the shape of the product."""
    house = spoken[1]
    assert_ok(house.ask("GET", path, house.person(is_admin=True).token), EMPTY[path])


def test_a_search_finds_nothing(spoken: tuple[str, House]) -> None:
    """A search by metadata answers its two empty lists; 3.x has a cursor besides the page."""
    release, house = spoken
    found = {"total": 0, "count": 0, "items": [], "facets": []}
    cursor = {"nextCursor": None} if release == "3.2" else {}
    answer = house.ask("POST", "/search/metadata", house.person().token, json={"city": "Oslo", "size": 5})
    assert_ok(answer, {"albums": found, "assets": found | {"nextPage": None} | cursor})


def test_partners_need_a_direction(spoken: tuple[str, House]) -> None:
    """Which way sharing goes must be said, in the words of the release."""
    release, house = spoken
    answer = house.ask("GET", "/partners", house.person().token)
    if release == "3.2":
        issue = answer.json()["errors"][0]
        assert (issue["code"], issue["path"]) == ("invalid_value", ["direction"])
        assert issue["message"] == 'Invalid option: expected one of "shared-by"|"shared-with"'
    else:
        assert_refused(answer, 400, NO_DIRECTION[release])


@pytest.mark.parametrize(
    ("query", "releases"),
    [
        ("assetId=123", NAMES),
        ("shared=maybe", ("1.134", "2.7")),
        ("isShared=maybe", ("3.2",)),
        ("id=123", ("3.2",)),
        ("something=else", ()),
    ],
)
def test_albums_are_asked_for_by_what_the_release_knows(
    spoken: tuple[str, House], query: str, releases: tuple[str, ...]
) -> None:
    """A filter that the release has is judged, any other is ignored."""
    release, house = spoken
    answer = house.ask("GET", f"/albums?{query}", house.person().token)
    assert answer.status_code == (400 if release in releases else 200), answer.text


@pytest.mark.parametrize("path", ["/albums", "/server/storage", "/system-metadata/admin-onboarding"])
def test_strangers_are_told_nothing(spoken: tuple[str, House], path: str) -> None:
    """None of it is for whoever is not signed in."""
    assert message(spoken[1].ask("GET", path), 401) == "Authentication required"


def assert_ok(response: Any, body: Any) -> None:
    """This JSON, its keys in this order."""
    assert response.status_code == 200, response.text
    assert list(response.json()) == list(body)
    assert response.json() == body
