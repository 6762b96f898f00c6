"""Immich's clients, both of them, told which release they speak to: what 1.134 lacks, and what is never granted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.contract.immich.speech import House, Person
from tests.contract.immich.spoken import LATER, NAMES, speaking
from tests.speaking import KINDS, Opener, Speaker, opening

from dragoman.dialects import immich
from dragoman.dialects.immich import ImmichApi
from dragoman.dialects.immich.releases import RELEASES

# Operations that came after 1.134, and those that are for nobody here.
LATE = {o.name: o for o in ImmichApi.operations() if not RELEASES["1.134"].has(o)}
LICENCE = {"license_key": "IMCL-0001-0002-0003-0004-0005-0006-0007-0008", "activation_key": "key"}


@pytest.fixture(scope="module")
def houses(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, House]]:
    """A server for each release."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("clients")
        yield {name: stack.enter_context(speaking(name, sqlite_template, folder)) for name in NAMES}


@pytest.fixture(params=KINDS)
def opener(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Makes clients of each kind in turn, and closes them."""
    with opening(immich, request.param) as open_client:
        yield open_client


class Visit:
    """An administrator's client at a server that speaks a release, and others there."""

    def __init__(self, opener: Opener, house: House, release: str) -> None:
        self.release = release
        self._opener, self._url = opener, house.served.immich
        self.me: Person = house.person(is_admin=True)
        self.client = self._open(token=self.me.token)

    def _open(self, **shown: str) -> Speaker:
        return self._opener(self._url, release=self.release, **shown)

    def do(self, operation: str, **named: Any) -> Any:
        """Call a method of the administrator's client."""
        return self.client.do(operation, **named)

    def by_key(self, key: str) -> Speaker:
        """A client with an API key."""
        return self._open(api_key=key)


def onboarding(visit: Visit) -> None:
    """Said, kept and taken back."""
    assert visit.do("get_user_onboarding").is_onboarded is False
    assert visit.do("set_user_onboarding", is_onboarded=True).is_onboarded is True
    assert visit.do("get_user_onboarding").is_onboarded is True
    assert isinstance(visit.do("delete_user_onboarding"), immich.Nothing)
    assert visit.do("get_user_onboarding").is_onboarded is False


def own_key(visit: Visit) -> None:
    """A key learns what it is; a session is none."""
    made = visit.do("create_api_key", permissions=["tag.read"])
    mine = visit.by_key(made.secret).do("get_my_api_key")
    assert (mine.id, mine.permissions) == (made.api_key.id, ["tag.read"])
    with pytest.raises(immich.Forbidden, match="Not authenticated with an API Key"):
        visit.do("get_my_api_key")


def rotation(visit: Visit) -> None:
    """A new secret for the same key; the old one opens nothing any more."""
    made = visit.do("create_api_key", name="mine", permissions=["all"])
    rotated = visit.do("rotate_api_key", id=made.id)
    assert (rotated.id, rotated.name) == (made.id, "mine")
    assert visit.by_key(rotated.secret).do("get_my_user").email == visit.me.email
    with pytest.raises(immich.Unauthorized, match="Invalid API key"):
        visit.by_key(made.secret).do("get_my_user")


def links(visit: Visit) -> None:
    """Where the Android app is, for each processor."""
    said = visit.do("get_apk_links")
    assert said.universal.endswith("app-release.apk")
    assert said.x86_64.endswith("app-x86_64-release.apk")


def sync_reset(visit: Visit) -> None:
    """A session is marked by its id, and is shown so."""
    opened = visit.do("create_session", device_type="TV")
    assert visit.do("update_session", id=opened.id, is_pending_sync_reset=True).is_pending_sync_reset is True
    with pytest.raises(immich.Refused, match=r"Not found or no session\.update access"):
        visit.do("update_session", id=str(visit.me.account.id))


def somebodys_sessions(visit: Visit) -> None:
    """An administrator's own are a user's, too; nobody has none."""
    found = visit.do("get_user_sessions_admin", id=str(visit.me.account.id))
    assert isinstance(found, immich.SessionResponses)
    assert [(each.current, each.app_version) for each in found.root] == [(True, None)]
    with pytest.raises(immich.Refused, match="User not found"):
        visit.do("get_user_sessions_admin", id=found.root[0].id)


STORIES: Mapping[str, Callable[[Visit], None]] = {
    **dict.fromkeys(("get_user_onboarding", "set_user_onboarding", "delete_user_onboarding"), onboarding),
    "get_my_api_key": own_key,
    "rotate_api_key": rotation,
    "get_apk_links": links,
    "update_session": sync_reset,
    "get_user_sessions_admin": somebodys_sessions,
}


def test_every_late_operation_has_a_story() -> None:
    """Nothing that came after 1.134 is left out."""
    assert STORIES.keys() == LATE.keys()


@pytest.mark.parametrize("release", LATER)
@pytest.mark.parametrize("name", sorted(STORIES))
def test_what_came_later_is_called_by_name(
    name: str, release: str, opener: Opener, houses: dict[str, House]
) -> None:
    """Where the release has the operation, its story is told; where not, the client says so and asks nobody."""
    visit = Visit(opener, houses[release], release)
    if RELEASES[release].has(LATE[name]):
        STORIES[name](visit)
    else:
        with pytest.raises(immich.NotInRelease, match=release):
            visit.do(name, **({"id": "1"} if "{id}" in LATE[name].path else {}))


@pytest.mark.parametrize("release", NAMES)
@pytest.mark.parametrize("whose", ["user", "server"])
def test_a_licence_is_asked_for_by_name(
    whose: str, release: str, opener: Opener, houses: dict[str, House]
) -> None:
    """There is none to get, none is good, and to give none up is no error."""
    visit = Visit(opener, houses[release], release)
    with pytest.raises(immich.Refused, match="404 Not Found"):
        visit.do(f"get_{whose}_license")
    with pytest.raises(immich.Refused, match="400 Invalid license key"):
        visit.do(f"set_{whose}_license", **LICENCE)
    assert isinstance(visit.do(f"delete_{whose}_license"), immich.Nothing)


@pytest.mark.parametrize("release", NAMES)
def test_a_user_has_stored_nothing(release: str, opener: Opener, houses: dict[str, House]) -> None:
    """Statistics of a user are asked for by id, and narrowed by name."""
    visit = Visit(opener, houses[release], release)
    said = visit.do("get_user_statistics_admin", id=str(visit.me.account.id), is_favorite=True)
    assert (said.images, said.videos, said.total) == (0, 0, 0)
