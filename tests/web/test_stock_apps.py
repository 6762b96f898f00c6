"""Stock clients, unmodified, sign in to an account with a second factor: by what its owner does on the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest
from tests.fakes import PASSWORD
from tests.people import ALICE
from tests.running import Running
from tests.stock import Driver, Refused, driving, in_python
from tests.visiting import Browser
from tests.web.test_factors import code, set_up
from tests.web.test_second_factor import made

# As whoever uses it without a type checker: its models are generated, and want their aliases.
sdk: Any = import_module("immich_python_sdk")


@pytest.fixture
def portainer(house: Running) -> Iterator[Driver]:
    """Portainer's generated client, as ptctools carries it, in a process of its own."""
    base = f"{house.url}/portainer/api"
    with driving(*in_python("portainer", "tests.contract.portainer.stock.drive", "sdk", base)) as driver:
        yield driver


@contextmanager
def immich(house: Running) -> Iterator[Any]:
    """Immich's SDK for Python."""
    with sdk.ApiClient(sdk.Configuration(host=house.immich)) as client:
        yield sdk.AuthenticationApi(client)
        client.rest_client.pool_manager.clear()


def test_portainers_client_signs_in_by_an_app_password(
    house: Running, browser: Browser, portainer: Driver
) -> None:
    """The password alone is refused; the app password opens a session, which ends when it is removed on the page."""
    set_up(house, browser)

    def sign_in(password: str) -> str:
        body = {"username": ALICE, "password": password}
        return str(portainer.call("AuthApi.authenticate_user", {}, {"body": body})["jwt"])

    with pytest.raises(Refused) as raised:
        sign_in(PASSWORD)
    assert (raised.value.status, raised.value.said["message"]) == (422, "Invalid credentials")
    token = {"jwt": sign_in(made(browser, "portainer", "Stack"))}
    assert portainer.call("UsersApi.current_user_inspect", token, {})["Username"] == "alice"
    page = browser.go("/account/second-factor")
    [end] = re.findall(r'action="(/account/app-passwords/[^"]+/end)"', page.text)
    browser.send(end)
    with pytest.raises(Refused) as raised:
        portainer.call("UsersApi.current_user_inspect", token, {})
    assert raised.value.status == 401


def test_immichs_sdk_signs_in_once_it_is_approved(house: Running, browser: Browser) -> None:
    """Refused in Immich's own words while the page asks; approved there, it signs in, and does so again."""
    set_up(house, browser)
    credentials = sdk.LoginCredentialDto(email=ALICE, password=PASSWORD)
    with immich(house) as api:
        with pytest.raises(sdk.exceptions.UnauthorizedException) as raised:
            api.login(credentials)
        assert "Incorrect email or password" in raised.value.body
        page = browser.go("/account/approvals")
        [approve] = re.findall(r'action="(/account/approvals/[^"]+/approve)"', page.text)
        browser.send(approve)
        first, second = api.login(credentials), api.login(credentials)
        assert (first.user_email, second.user_email) == (ALICE, ALICE)
        browser.go("/account/sessions")
        browser.send("/account/sessions/others/end")
        with pytest.raises(sdk.exceptions.UnauthorizedException):
            api.login(credentials)


def test_immichs_sdk_signs_in_with_a_code_behind_the_password(house: Running, browser: Browser) -> None:
    """The password, a blank, and what the phone shows."""
    seed, _ = set_up(house, browser)
    with immich(house) as api:
        typed = f"{PASSWORD} {code(house, seed)}"
        assert api.login(sdk.LoginCredentialDto(email=ALICE, password=typed)).user_email == ALICE
