"""The SDK that Shoko's own generator makes, unmodified, works against the server: every operation (contract §6)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.contract.shoko.speech import GUID, KINDS, House
from tests.fakes import NEW_PASSWORD, PASSWORD
from tests.generated import seedcheck
from tests.stock import Driver, Refused, driving, in_python

from dragoman.core.accounts import Account

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MEDIA = ("application/json-patch+json", "application/json")


@pytest.fixture(scope="module")
def generated(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDK, generated from the document that the server publishes."""
    folder = tmp_path_factory.mktemp("sdk")
    seedcheck("shoko", house.served.url, "--sdk", str(folder), "--sdk-only")
    return folder


@pytest.fixture(scope="module", params=["", "/api/v3"], ids=["the product's address", "the page's base"])
def sdk(request: pytest.FixtureRequest, house: House, generated: Path) -> Iterator[Driver]:
    """The SDK in a process of its own, told either address."""
    driver = "tests.contract.shoko.drive_sdk"
    with ExitStack() as stack:
        command = in_python("shoko", driver, f"{house.url}{request.param}", beside=[generated])
        yield stack.enter_context(driving(*command))


def log_in(sdk: Driver, account: Account, password: str = PASSWORD, **more: Any) -> str:
    """The key of the device "example"."""
    body = {"user": account.username, "pass": password, "device": "example"}
    answer = sdk.call("api_auth_post", {}, {"body": body, **more})
    assert answer["status"] == 200
    return str(json.loads(answer["text"])["apikey"])


def refused(call: Callable[[], Any], status: int) -> Any:
    """The SDK raises its own exception with this status. What the body said."""
    with pytest.raises(Refused) as raised:
        call()
    assert (raised.value.kind, raised.value.status) == ("ApiException", status)
    return raised.value.said


@pytest.mark.parametrize("media", MEDIA)
def test_a_sign_in(house: House, sdk: Driver, media: str) -> None:
    """It sends JSON Patch's type unless told otherwise, and reads the key off the answer."""
    account = house.account()
    key = log_in(sdk, account, content_type=media)
    assert GUID.fullmatch(key)
    assert house.is_good(key)
    assert log_in(sdk, account) == key


def test_sign_ins_that_are_refused(house: House, sdk: Driver) -> None:
    """Wrong, incomplete, without a body: problem details that it reads, as JSON by its Accept."""
    account = house.account()
    said = refused(lambda: log_in(sdk, account, "wrong-horse-7-battery"), 401)
    assert (said["title"], said["type"]) == KINDS[401]
    blank = {"user": account.username, "pass": PASSWORD, "device": " "}
    said = refused(lambda: sdk.call("api_auth_post", {}, {"body": blank}), 400)
    assert said["errors"] == {"device": ["Device is required"]}
    said = refused(lambda: sdk.call("api_auth_post", {}, {}), 400)
    assert said["errors"] == {"": ["A non-empty request body is required."]}


def test_a_sign_in_that_is_delayed(house: House, sdk: Driver) -> None:
    """Too many guesses are its plain exception."""
    account = house.account()
    for _ in range(11):
        refused(lambda: log_in(sdk, account, "wrong-horse-7-battery"), 401)
    said = refused(lambda: log_in(sdk, account), 429)
    assert said["detail"] == "Too many attempts, try again later."


def test_a_new_password(house: House, sdk: Driver) -> None:
    """A bare string with the key in the header; then every key is dead, and the new password right."""
    account = house.account()
    key = log_in(sdk, account)

    def change(password: str) -> Any:
        return sdk.call("api_auth_change_password_post", {"key": key}, {"body": password})

    assert refused(lambda: change("xq7!z"), 400)["errors"] == {"": ["Use at least 8 characters"]}
    assert change(NEW_PASSWORD) == {"status": 200, "text": ""}
    assert refused(lambda: change(PASSWORD), 401) is None
    assert refused(lambda: sdk.call("api_auth_change_password_post", {}, {"body": PASSWORD}), 401) is None
    assert log_in(sdk, account, NEW_PASSWORD) != key


def test_S_05_a_key_is_deleted(house: House, sdk: Driver) -> None:
    """By query, always with success."""
    key = log_in(sdk, house.account())
    for params in ({"apikey": key}, {"apikey": key}, {"apikey": ""}, {}):
        answer = sdk.call("api_auth_delete", {}, {"query_params": params})
        assert answer == {"status": 200, "text": ""}
    assert not house.is_good(key)
