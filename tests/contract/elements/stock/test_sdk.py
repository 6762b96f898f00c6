"""The product's SDK in five releases, unmodified: each of its twelve operations, and its refusals (contract §6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from tests.contract.elements.sharing import shared
from tests.contract.elements.speech import BAD_TOKEN, FORBIDDEN, HERE, NO_CREDENTIALS, House
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.stock import Driver, Refused, driving, in_python

from dragoman.core import resets
from dragoman.core.accounts import Account
from dragoman.dialects.elements.wire.system import Parameters

RELEASES = ("3.3.2", "3.4.2", "3.6.1", "24.10.0", "26.8.0")
# 3.6.1 reads links as strictly as no answer can be that later ones read, too (§6).
STRICT = ("3.3.2", "3.4.2", "24.10.0", "26.8.0")
CASES = [(release, "readme") for release in RELEASES] + [(release, "strict") for release in STRICT]
# The one that demands them all.
WANTED = {"26.8.0": set(Parameters.model_fields)}
INVALID = {"reason": "invalid_credentials", "detail": "Unable to log in with provided credentials."}
CHANGE = {
    "reason": "password_change_required",
    "detail": "The password must be changed: send a new one along.",
}
NOBODYS = 'Invalid pk "{}" - object does not exist.'
NOT_THERE = {"detail": "Not found."}
NOBODY = {"detail": NO_CREDENTIALS}


@pytest.fixture(scope="module")
def drivers(house: House) -> Iterator[dict[str, Driver]]:
    """The SDK of each release, in a process of its own."""
    with ExitStack() as stack:
        base = f"{house.served.url}/elements"
        module = "tests.contract.elements.stock.drive"
        yield {
            release: stack.enter_context(driving(*in_python(f"elements-{release}", module, base)))
            for release in RELEASES
        }


@dataclass
class Sdk:
    """The SDK of a release in some settings, and somebody's credential once there is one."""

    house: House
    driver: Driver
    release: str
    settings: str

    def call(self, operation: str, token: str | None = None, **arguments: Any) -> Any:
        """What the SDK makes of an operation's answer."""
        shown = {} if token is None else {"token": token}
        return self.driver.call(operation, {"settings": self.settings, **shown}, arguments)

    def refused(
        self, status: int, said: Any, operation: str, token: str | None = None, **arguments: Any
    ) -> None:
        """The SDK raises its own exception, which carries this body."""
        with pytest.raises(Refused) as raised:
            self.call(operation, token, **arguments)
        assert (raised.value.status, raised.value.said) == (status, said)

    def log_in(self, account: Account, password: str = PASSWORD) -> Any:
        """The answer to a sign-in."""
        return self.call("login", body={"username": account.username, "password": password})


@pytest.fixture(params=CASES, ids="-".join)
def sdk(request: pytest.FixtureRequest, house: House, drivers: dict[str, Driver]) -> Sdk:
    """The SDK of each release, in each of the settings that it can do with."""
    release, settings = request.param
    return Sdk(house, drivers[release], release, settings)


def test_login(house: House, sdk: Sdk) -> None:
    """A sign-in's user is complete enough for the client's own models; a wrong password raises, with a reason."""
    account = house.account(display_name="Ann Ash")
    answer = sdk.log_in(account)
    assert (answer["user"]["id"], answer["user"]["display_name"]) == (account.number, "Ann Ash")
    sdk.refused(401, INVALID, "login", body={"username": account.username, "password": "wrong"})


def test_login_with_a_new_password(house: House, sdk: Sdk) -> None:
    """Whose password must be changed is refused, told why, and let in with a new one."""
    account = house.account(must_change_password=True)
    body = {"username": account.username, "password": PASSWORD}
    sdk.refused(403, CHANGE, "login", body=body)
    answer = sdk.call("login", body={**body, "new_password": NEW_PASSWORD})
    assert answer["user"]["password_change_required"] is False


def test_S_05_logout(house: House, sdk: Sdk) -> None:
    """A session's key that is held up is good for nothing afterwards; without one it is no error."""
    key = house.token(house.account())
    sdk.call("logout", key)
    sdk.refused(401, {"detail": BAD_TOKEN}, "generate_password", key)
    sdk.call("logout")


def test_generate_password(house: House, sdk: Sdk) -> None:
    """A session's key and an API token are told a password each; nobody is told none."""
    account = house.account()
    for token in (house.token(account), house.api_token(account)):
        assert len(sdk.call("generate_password", token)["password"]) >= 8
    sdk.refused(401, NOBODY, "generate_password")


def test_reset_password(house: House, sdk: Sdk) -> None:
    """What was mailed sets a password, once; an unknown token is 400 about it."""
    account = house.account()
    secret = do(house.core, resets.start, account, origin=HERE).link.reveal().partition("token=")[2]
    body = {"token": secret, "password": NEW_PASSWORD}
    sdk.call("reset_password", body=body)
    assert sdk.log_in(account, NEW_PASSWORD)["user"]["id"] == account.number
    with pytest.raises(Refused) as raised:
        sdk.call("reset_password", body=body)
    assert (raised.value.status, list(raised.value.said)) == (400, ["token"])


def test_a_cookie_is_sent_as_it_is_given(house: House, sdk: Sdk) -> None:
    """A program may set the session's cookie; a write with it needs the token that the framework asks for."""
    by = {"settings": sdk.settings, "cookie": f"sessionid={house.token(house.account())}"}
    with pytest.raises(Refused) as raised:
        sdk.driver.call("generate_password", by, {})
    assert raised.value.said == {"detail": "CSRF Failed: CSRF cookie not set."}


def test_impersonation(house: House, sdk: Sdk) -> None:
    """An administrator's session is a user's until it stops; nobody else starts, and nothing else can be stopped."""
    account, key = house.account(), house.token(house.account(is_admin=True))
    body = {"user": account.number}
    sdk.call("start_impersonation", key, body=body)
    assert house.ask("GET", "/api/2/users/me", key).json()["id"] == account.number
    sdk.call("stop_impersonation", key)
    assert house.ask("GET", "/api/2/users/me", key).json()["id"] != account.number
    sdk.refused(403, {"detail": FORBIDDEN}, "start_impersonation", house.token(account), body=body)
    sdk.refused(400, {"user": [NOBODYS.format(999_999)]}, "start_impersonation", key, body={"user": 999_999})
    with pytest.raises(Refused) as raised:
        sdk.call("stop_impersonation", key)
    assert (raised.value.status, list(raised.value.said)) == (400, ["detail"])


def test_tickets(house: House, sdk: Sdk) -> None:
    """Whoever holds up a ticket is told whose it is, once."""
    account = house.account()
    ticket = sdk.call("create_auth_ticket", house.token(account))
    assert sdk.call("check_auth_ticket", body=ticket)["id"] == account.number
    with pytest.raises(Refused) as raised:
        sdk.call("check_auth_ticket", body=ticket)
    assert (raised.value.status, list(raised.value.said)) == (403, ["detail"])
    sdk.refused(401, NOBODY, "create_auth_ticket")


def test_access_tokens(house: House, sdk: Sdk) -> None:
    """Links are listed, read, mailed and deleted by whom they belong to, and for others they are not there."""
    account = house.account()
    key, other = house.token(account), house.token(house.account())
    link = shared(house, key)["id"]
    (listed,) = sdk.call("get_all_access_tokens", key, ordering="-id", limit=10, offset=0)
    assert listed["id"] == link
    assert sdk.call("get_all_access_tokens", other) == []
    assert sdk.call("get_access_token", key, id=link)["user"]["id"] == account.number
    sdk.call("send_access_token_email_notification", key, id=link, body={"email": "guest@example.org"})
    for operation, more in [
        ("get_access_token", {}),
        ("delete_access_token", {}),
        ("send_access_token_email_notification", {"body": {"email": "guest@example.org"}}),
    ]:
        sdk.refused(404, NOT_THERE, operation, other, id=link, **more)
    sdk.call("delete_access_token", key, id=link)
    sdk.refused(404, NOT_THERE, "get_access_token", key, id=link)
    sdk.refused(401, NOBODY, "get_all_access_tokens")


def test_parameters(house: House, sdk: Sdk) -> None:
    """The server's parameters are complete enough for the client's own model of them."""
    told = sdk.call("get_parameters", house.token(house.account()))
    assert (told["language"], told["media_recycle_bin"]) == ("en", False)
    assert told.keys() >= WANTED.get(sdk.release, set())
    sdk.refused(401, NOBODY, "get_parameters")


def test_a_number_may_come_as_a_fraction(house: House, sdk: Sdk) -> None:
    """Releases up to 3.6.1 type a filter as a number and send `5.0`; a text that is none is 400 where it can be sent."""
    account = house.account()
    key = house.token(account)
    link = shared(house, key)["id"]
    shown = {"3.3.2": str(account.number), "3.4.2": str(account.number), "3.6.1": float(account.number)}
    (listed,) = sdk.call("get_all_access_tokens", key, user=shown.get(sdk.release, account.number))
    assert listed["id"] == link
