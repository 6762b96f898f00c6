"""The SDK that Aivo's own generator makes, unmodified, works against the server: every success and refusal (§2)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.contract.aivo.speech import BASE, NO_REFRESH, NO_SIGN_IN, NO_TOKEN, UNAUTHORIZED, House, visiting
from tests.fakes import PASSWORD, FakeClock, cheap_hasher, do
from tests.generated import generated_sdk
from tests.houses import ROOMY
from tests.running import configured, running

from dragoman.core import accounts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server on SQLite, shared by the tests of this module."""
    url = f"sqlite:///{tmp_path_factory.mktemp('house')}/dragoman.db"
    told = configured(url, **ROOMY)
    with running(told, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        yield house


@pytest.fixture(scope="module")
def sdk(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The SDK, generated from the document that the server publishes."""
    folder: Path = tmp_path_factory.mktemp("sdk")
    with generated_sdk("aivo", house.served.url, "aivo_sdk", folder) as package:
        yield package


@contextmanager
def api(house: House, sdk: Any, token: str | None = None) -> Iterator[Any]:
    """The page's API, with an access token configured or without."""
    configuration = sdk.Configuration(host=f"{house.served.url}{BASE}")
    configuration.access_token = token
    with sdk.ApiClient(configuration) as client:
        yield sdk.AuthenticationApi(client)
        client.rest_client.pool_manager.clear()


def fails(sdk: Any, kind: str, call: Callable[[], Any], status: int, body: Mapping[str, Any]) -> Any:
    """The SDK raises its own exception of this kind, which carries this body. What it made of the body."""
    with pytest.raises(getattr(import_module(f"{sdk.__name__}.exceptions"), kind)) as raised:
        call()
    assert (raised.value.status, json.loads(raised.value.body)) == (status, body)
    return raised.value.data


def test_a_whole_visit(house: House, sdk: Any) -> None:
    """Sign in, see who one is, refresh with and without the access token, sign out; each answer typed."""
    person = house.person(display_name="Ada Lovelace")
    with api(house, sdk) as stranger:
        entered = stranger.login_with_http_info(sdk.LoginRequest(email=person.address, password=PASSWORD))
        assert (entered.status_code, entered.data.expires_in) == (200, 900)
        user = entered.data.user
        assert (user.first_name, user.last_name, user.role, user.status) == (
            "Ada",
            "Lovelace",
            "learner",
            "active",
        )
        assert uuid.UUID(str(user.id)) == person.id
        assert user.last_login_at == datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
        spent = sdk.RefreshTokenRequest(refresh_token=entered.data.refresh_token)
        renewed = stranger.refresh_token(spent)
        assert renewed.user.id == user.id
    with api(house, sdk, renewed.access_token) as known:
        me = sdk.ProfileApi(known.api_client).get_current_user()
        assert me == renewed.user
        again = known.refresh_token(sdk.RefreshTokenRequest(refresh_token=renewed.refresh_token))
        assert known.logout() is None
        over = sdk.ProfileApi(known.api_client).get_current_user
        fails(sdk, "UnauthorizedException", over, 401, UNAUTHORIZED)
        said = fails(sdk, "UnauthorizedException", known.logout, 401, UNAUTHORIZED)
        assert (type(said).__name__, said.error) == ("Error", "unauthorized")
    with api(house, sdk) as stranger:
        over = sdk.RefreshTokenRequest(refresh_token=again.refresh_token)
        said = fails(sdk, "UnauthorizedException", lambda: stranger.refresh_token(over), 401, NO_REFRESH)
        assert said.error == "invalid_refresh_token"
        fails(sdk, "UnauthorizedException", stranger.logout, 401, NO_TOKEN)


def test_a_sign_in_that_is_refused(house: House, sdk: Any) -> None:
    """Wrong credentials are the SDK's 401 and what is not valid its 422, both with typed data."""
    person = house.person()
    with api(house, sdk) as stranger:
        wrong = sdk.LoginRequest(email=person.address, password="wrong-horse-7")
        said = fails(sdk, "UnauthorizedException", lambda: stranger.login(wrong), 401, NO_SIGN_IN)
        assert (said.error, said.message, said.details) == ("unauthorized", "Invalid credentials", None)
        do(house.core, accounts.disable, person.number)
        right = sdk.LoginRequest(email=person.address, password=PASSWORD)
        fails(sdk, "UnauthorizedException", lambda: stranger.login(right), 401, NO_SIGN_IN)
        body = {
            "error": "validation_failed",
            "message": "Validation failed",
            "validationErrors": [{"field": "email", "message": "must be a valid email address"}],
        }
        nobody = sdk.LoginRequest(email="nobody", password=PASSWORD)
        said = fails(sdk, "UnprocessableEntityException", lambda: stranger.login(nobody), 422, body)
        assert type(said).__name__ == "ValidationError"
        assert (said.validation_errors[0].var_field, said.error) == ("email", "validation_failed")
        with pytest.raises(ValueError, match="at least 8 characters"):
            sdk.LoginRequest(email=person.address, password="short")


def test_a_sign_in_that_is_delayed(house: House, sdk: Any) -> None:
    """Too many guesses are the SDK's plain exception, with the status and when to come back."""
    person = house.person()
    with api(house, sdk) as stranger:
        wrong = sdk.LoginRequest(email=person.address, password="wrong-horse-7")
        heard = []
        for _ in range(12):
            with pytest.raises(import_module("aivo_sdk.exceptions").ApiException) as raised:
                stranger.login(wrong)
            heard.append((raised.value.status, raised.value.headers.get("retry-after")))
        assert heard == [(401, None)] * 11 + [(429, "1")]
