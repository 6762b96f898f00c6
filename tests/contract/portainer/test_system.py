"""What clients ask around a sign-in: versions, settings, and environments that are not managed here (§2.9, §3, §7)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import MASTER_KEY
from tests.contract.portainer.speech import House, assert_says, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.running import configured, running

EDGE = {"PingInterval": 0, "SnapshotInterval": 0, "CommandInterval": 0, "CheckinInterval": 5}
PUBLIC = {
    "LogoURL": "",
    "AuthenticationMethod": 1,
    "RequiredPasswordLength": 12,
    "GlobalDeploymentOptions": {"hideStacksFunctionality": False},
    "EnableEdgeComputeFeatures": False,
    "Features": {},
    "OAuthLoginURI": "",
    "OAuthLogoutURI": "",
    "EnableTelemetry": False,
    "KubeconfigExpiry": "0",
    "TeamSync": False,
    "IsAMTEnabled": False,
    "Edge": EDGE,
    "IsDockerDesktopExtension": False,
}
BUILD = {
    "BuildNumber": "",
    "ImageTag": "2.33.6",
    "NodejsVersion": "",
    "YarnVersion": "",
    "WebpackVersion": "",
    "GoVersion": "",
    "GitCommit": "",
}
OAUTH = {
    "client_id": "dragoman",
    "client_secret": "hunter2-of-the-provider",
    "authorization_uri": "https://sso.example.org/authorize",
    "access_token_uri": "https://sso.example.org/token",
    "resource_uri": "https://sso.example.org/me",
    "redirect_uri": "https://id.example.org/",
    "user_identifier": "preferred_username",
    "scopes": "openid profile",
    "logout_uri": "https://sso.example.org/bye",
}
LOGIN = (
    "https://sso.example.org/authorize?response_type=code&client_id=dragoman"
    "&redirect_uri=https://id.example.org/&scope=openid profile"
)


@pytest.mark.parametrize("path", ["/status", "/system/status"])
def test_the_status_is_told_to_everybody(house: House, path: str) -> None:
    """A version of three numbers, and an id of the installation that stays the same (§3)."""
    response = house.ask("GET", path)
    instance = response.json()["InstanceID"]
    assert uuid.UUID(instance).version == 4
    assert_says(response, 200, {"Version": "2.33.6", "InstanceID": instance})
    assert house.ask("GET", "/status").json()["InstanceID"] == instance


@pytest.mark.parametrize("is_admin", [True, False])
def test_the_version_is_told_to_whoever_is_signed_in(house: House, *, is_admin: bool) -> None:
    """Nothing is newer; how the process was built is for administrators (§3)."""
    build = {**BUILD, "Env": []} if is_admin else BUILD
    response = house.ask("GET", "/system/version", house.token(house.account(is_admin=is_admin)))
    told = {
        "UpdateAvailable": False,
        "LatestVersion": "",
        "ServerVersion": "2.33.6",
        "ServerEdition": "CE",
        "DatabaseVersion": "2.33.6",
        "Build": build,
    }
    assert_says(response, 200, told)


TOLD: dict[str, Any] = {
    "/system/info": {"platform": "Docker Standalone", "edgeAgents": 0, "agents": 0},
    "/system/nodes": {"nodes": 1},
    "/motd": {"Title": "", "Message": "", "ContentLayout": None, "Style": "", "Hash": None},
    "/stacks": [],
    "/endpoints": [],
}


@pytest.mark.parametrize("path", TOLD)
def test_what_is_told_to_whoever_is_signed_in(house: House, path: str) -> None:
    """No agents, one node, no message, no stacks and no environments, whatever is asked of them (§3, §7)."""
    assert house.ask("GET", path).status_code == 401
    query = {"limit": "1", "excludeSnapshots": "true", "types[]": "x"}
    response = house.ask("GET", path, house.token(house.account()), params=query)
    assert_says(response, 200, TOLD[path])


def test_environments_are_counted_in_headers(house: House) -> None:
    """Numbers where clients look for them (§3)."""
    headers = house.ask("GET", "/endpoints", house.token(house.account())).headers
    counts = [headers[name] for name in ("x-total-count", "x-total-available", "x-update-available")]
    assert counts == ["0", "0", "false"]


def test_public_settings(house: House) -> None:
    """Every key that the sign-in page reads, and empty addresses while there is no provider (§3)."""
    assert_says(house.ask("GET", "/settings/public"), 200, PUBLIC)


@pytest.mark.parametrize(("sso", "ending"), [(True, ""), (False, "&prompt=login")])
def test_public_settings_with_a_provider(tmp_path: Path, *, sso: bool, ending: str) -> None:
    """The address to sign in at, with nothing escaped, and where to go after signing out (§2.9, §5)."""
    with with_provider(tmp_path, oauth={**OAUTH, "sso": sso}) as house:
        told = house.ask("GET", "/settings/public").json()
        assert told == {
            **PUBLIC,
            "AuthenticationMethod": 3,
            "OAuthLoginURI": LOGIN + ending,
            "OAuthLogoutURI": OAUTH["logout_uri"],
        }


@contextmanager
def with_provider(folder: Path, **own: Any) -> Iterator[House]:
    """A house where people sign in through a provider, while the body runs."""
    told = {"dialects": {"portainer": {"authentication_method": "oauth", **own}}}
    settings = configured(f"sqlite:///{folder}/dragoman.db", master_key=MASTER_KEY, **told)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        house.account(username="admin", is_admin=True)
        yield house


def test_settings_are_for_administrators_and_tell_no_secret(tmp_path: Path) -> None:
    """What clients read of them: the least length of a password, and the provider without its secret (§2.9, §7)."""
    with with_provider(tmp_path, oauth=OAUTH, required_password_length=15) as house:
        response = house.ask("GET", "/settings", house.token(house.admin()))
        told = response.json()
        assert told["InternalAuthSettings"] == {"RequiredPasswordLength": 15}
        assert told["AuthenticationMethod"] == 3
        assert told["OAuthSettings"] == {
            "ClientID": "dragoman",
            "AccessTokenURI": OAUTH["access_token_uri"],
            "AuthorizationURI": OAUTH["authorization_uri"],
            "ResourceURI": OAUTH["resource_uri"],
            "RedirectURI": OAUTH["redirect_uri"],
            "UserIdentifier": "preferred_username",
            "Scopes": "openid profile",
            "OAuthAutoCreateUsers": False,
            "DefaultTeamID": 0,
            "SSO": True,
            "LogoutURI": OAUTH["logout_uri"],
            "KubeSecretKey": None,
            "AuthStyle": 0,
        }
        assert "hunter2" not in response.text
