"""aioimmich, the library behind Home Assistant's integration, which knows API keys alone and no path before /api (§4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.contract.immich.speech import PHRASES
from tests.contract.immich.stock.clients import aioimmich
from tests.contract.immich.stock.households import NOBODYS, Household
from tests.stock import Driver, Refused, driving

from dragoman.dialects.immich.behaviour import VERSION

# It works with every release; each server of these has another client's administrator.
SERVERS = {"1.134": "sdk-1.135.3", "2.7": "immichpy-4.2.3", "3.2": "sdk-3.2.2"}
NEVER = {"checked_at": None, "release_version": None}
EMPTY = (
    "albums.async_get_all_albums",
    "people.async_get_all_people",
    "search.async_get_all",
    "tags.async_get_all_tags",
)


@dataclass(frozen=True)
class Integration:
    """aioimmich at the host name that is Immich's alone, and the household whose keys it is given."""

    household: Household
    driver: Driver

    def call(self, operation: str, key: str, **arguments: Any) -> Any:
        """What `group.method` of the library returns."""
        return self.driver.call(operation, {"key": key}, arguments)

    def refused(
        self, kind: str, status: int, message: str, operation: str, key: str, **arguments: Any
    ) -> None:
        """The library raises its exception of this kind, whose one sentence says what it made of the body."""
        with pytest.raises(Refused) as raised:
            self.call(operation, key, **arguments)
        beside = "" if self.household.release == "3.2" else f"error: '{PHRASES[status]}' code: '{status}' "
        sentence = re.fullmatch(r"(.*) \((.*)correlation_id: '([\w-]+)'\)", raised.value.said)
        assert sentence, raised.value.said
        assert (raised.value.kind, sentence[1], sentence[2]) == (kind, message, beside)


@pytest.fixture(scope="module", params=SERVERS)
def integration(
    request: pytest.FixtureRequest, households: Callable[[str], Household]
) -> Iterator[Integration]:
    """aioimmich at a server of each release."""
    household = households(SERVERS[request.param])
    port = urlsplit(household.url).port
    assert port
    with driving(*aioimmich("localhost", port)) as driver:
        yield Integration(household, driver)


@pytest.fixture
def key(integration: Integration) -> str:
    """A key of the administrator's that may do everything."""
    return integration.household.key_of(integration.household.admin).by["key"]


def test_it_finds_out_the_version(integration: Integration, key: str) -> None:
    """Setting up asks for the version, by which later calls are made as the release wants them."""
    version = integration.call("version", key)
    numbers = ".".join(str(version[part]) for part in ("major", "minor", "patch"))
    assert numbers == VERSION.of(integration.household.release)


def test_it_knows_the_user(integration: Integration, key: str) -> None:
    """The user is understood, whatever the release says of one."""
    user = integration.call("users.async_get_my_user", key)
    admin = integration.household.signed_up
    assert (user["user_id"], user["email"], user["name"]) == (admin["id"], admin["email"], admin["name"])
    assert (user["is_admin"], user["status"], user["storage_label"]) == (True, "active", "admin")


def test_it_shows_the_server(integration: Integration, key: str) -> None:
    """What becomes sensors there: the release, an empty disk, nothing counted, and no newer version known."""
    release = integration.household.release
    assert integration.call("server.async_get_about_info", key)["version"] == f"v{VERSION.of(release)}"
    assert integration.call("server.async_get_storage_info", key)["disk_usage_percentage"] == 0
    counted = integration.call("server.async_get_server_statistics", key)
    assert (counted["photos"], counted["usage"]) == (0, 0)
    assert integration.call("server.async_get_version_check", key) == NEVER


@pytest.mark.parametrize("operation", EMPTY)
def test_it_finds_nothing(integration: Integration, key: str, operation: str) -> None:
    """What becomes folders of media there is empty."""
    assert integration.call(operation, key) == []
    assert integration.call("people.async_get_people_count", key) == 0


def test_it_is_refused_with_a_bad_key(integration: Integration) -> None:
    """A key that is none, or is no more, makes the integration ask for another."""
    integration.refused("ImmichUnauthorizedError", 401, "Invalid API key", "users.async_get_my_user", "gone")


def test_it_is_refused_with_too_small_a_key(integration: Integration) -> None:
    """What a key may not do is forbidden, as is what its owner may not do."""
    limited = integration.household.limited.by["key"]
    missing = "Missing required permission: album.read"
    integration.refused("ImmichForbiddenError", 403, missing, "albums.async_get_all_albums", limited)
    ordinary = integration.household.key_of(integration.household.somebody).by["key"]
    integration.refused(
        "ImmichForbiddenError", 403, "Forbidden", "server.async_get_server_statistics", ordinary
    )


def test_it_is_told_what_is_not_there(integration: Integration, key: str) -> None:
    """What no login needs is not served, and the library can read that, too."""
    for path, operation, arguments in (
        (f"people/{NOBODYS}", "people.async_get_person_by_id", {"person_id": NOBODYS}),
        (f"albums/{NOBODYS}", "albums.async_get_album_info", {"album_id": NOBODYS}),
    ):
        integration.refused(
            "ImmichNotFoundError", 404, f"Cannot GET /api/{path}", operation, key, **arguments
        )
