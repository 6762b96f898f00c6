"""Paths, methods and the headers on everything (contract §0)."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.conftest import MASTER_KEY
from tests.contract.portainer.speech import House, assert_text, visiting
from tests.fakes import FakeClock, cheap_hasher
from tests.running import configured, running


def asked_as_written(house: House, method: str, target: str) -> tuple[int, str]:
    """Status and place of the answer to a path that no other client would send without cleaning it."""
    address = urlsplit(house.served.url)
    line = HTTPConnection(str(address.hostname), address.port, timeout=30)
    try:
        line.request(method, target)
        answer = line.getresponse()
        assert answer.read() == b""
        return answer.status, answer.getheader("location", "")
    finally:
        line.close()


@pytest.mark.parametrize(
    "path", ["/auth/", "/AUTH", "/auth/nope", "/auth/oauth", "/Users/me", "/users/me/", "/nope", "/system"]
)
def test_what_is_not_there_is_text(house: House, path: str) -> None:
    """Another case and a slash at the end are other paths; the router's own words, signed in or not."""
    for method in ("GET", "POST"):
        assert_text(house.ask(method, path), 404, "404 page not found")
        assert_text(house.ask(method, path, house.token(house.admin())), 404, "404 page not found")


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("//auth", "/auth"),
        ("/users//me", "/users/me"),
        ("/users///me/", "/users/me/"),
        ("/./auth", "/auth"),
        ("/auth/..//status", "/status"),
        ("/no%20where//", "/no%20where/"),
    ],
)
def test_a_path_that_is_not_clean_leads_to_one_that_is(house: House, path: str, clean: str) -> None:
    """301 to the same place with its query, below the mount, whatever the method."""
    for method in ("GET", "POST"):
        status, location = asked_as_written(house, method, f"/portainer/api{path}?a=1&b=%20")
        assert (status, location) == (301, f"/portainer/api{clean}?a=1&b=%20")


def test_no_path_leads_to_another_host(house: House) -> None:
    """However many slashes a path begins with, the place it leads to begins with one."""
    for path in ("//evil.example//a", "/..//..//evil.example/", "//"):
        status, location = asked_as_written(house, "GET", f"/portainer{path}")
        assert status == 301
        assert location.startswith("/portainer/")
        assert "//" not in location


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/auth", "POST"),
        ("DELETE", "/auth/logout", "POST"),
        ("PATCH", "/users/1", "DELETE, GET, PUT"),
        ("OPTIONS", "/status", "GET"),
    ],
)
def test_another_method_is_405(house: House, method: str, path: str, allowed: str) -> None:
    """Without a body, as Go's router has it, and with the methods there are (RFC 9110 §15.5.6)."""
    response = house.ask(method, path)
    assert (response.status_code, response.content) == (405, b"")
    assert "content-type" not in response.headers
    assert response.headers["allow"] == allowed


def test_a_host_name_of_its_own_has_the_product_at_its_root(tmp_path: Path) -> None:
    """Clients that know a host and no path ask `/api` there (§7)."""
    told = {"dialects": {"portainer": {"host": "portainer.example.org"}}}
    settings = configured(f"sqlite:///{tmp_path}/dragoman.db", master_key=MASTER_KEY, **told)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        headers = {"host": "portainer.example.org"}
        here = house._line.request("GET", f"{served.url}/api/status", headers=headers)
        assert here.json()["Version"] == "2.33.6"
        away = house._line.request("GET", f"{served.url}/api//status", headers=headers)
        assert (away.status_code, away.headers["location"]) == (301, "/api/status")
