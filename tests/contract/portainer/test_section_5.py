"""The product's own tests (contract §5), and where each of them is held here.

| its list | tests here |
| --- | --- |
| mwAuthenticateFirst, cookie, bearer, API key header and query | `test_credentials.py` |
| apiKeyLookup, API key service | `test_api_keys.py`; its cache: `test_a_key_that_was_used_is_refused_at_once` |
| ShouldSkipCSRFCheck, logout | `test_forgery.py` |
| JWT, JWT revocation | `test_tokens.py` |
| limiter, address strip | `test_guessing_…` in `test_authentication.py`; here, that there is one for all |
| password strength, users | `test_users.py` |
| bcrypt | `test_passwords.py` of the core |
| OAuth | `test_oauth_list.py` |
| public settings | `test_system.py` |
| admin monitor | `test_an_installation_that_is_not_open_…` in `test_users.py` |
| offline gate | nothing: a backup keeps nobody waiting, and what has to wait is 503 (`test_errors.py`) |
| libhttp | `test_errors.py`, `assert_says` and `assert_empty` everywhere |
"""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from tests.contract.portainer.speech import BAD_TOKEN, House, assert_empty, assert_refused
from tests.fakes import NEW_PASSWORD, PASSWORD

from dragoman.core.accounts import Account

WRONG = "wrong-horse-7-battery"
BANNED = ("Access denied", "Access denied to resource")
Try = Callable[[House, Account, str], httpx2.Response]


def signing_in(house: House, account: Account, password: str) -> httpx2.Response:
    """A password tried at the sign-in."""
    return house.log_in(account.username, password)


def changing(house: House, account: Account, password: str) -> httpx2.Response:
    """A password tried by changing it."""
    body = {"password": password, "newPassword": NEW_PASSWORD}
    return house.ask("PUT", f"/users/{account.number}/passwd", house.token(account), json=body)


def making_a_key(house: House, account: Account, password: str) -> httpx2.Response:
    """A password tried by making an API key."""
    body = {"password": password, "description": "backup"}
    return house.ask("POST", f"/users/{account.number}/tokens", house.token(account), json=body)


TRIES: tuple[Try, ...] = (signing_in, changing, making_a_key)


@pytest.mark.parametrize("guessed", TRIES)
def test_one_limiter_stands_before_every_password(own: House, guessed: Try) -> None:
    """Who guesses too often in one place is refused in all, also with the right password, for a while (§2.5)."""
    account = own.account()
    answers = [guessed(own, account, WRONG) for _ in range(12)]
    assert {answer.status_code for answer in answers[:11]} <= {403, 422}
    assert all("retry-after" not in answer.headers for answer in answers[:11])
    for tried in TRIES:
        banned = tried(own, account, PASSWORD)
        assert_refused(banned, 403, *BANNED)
        assert int(banned.headers["retry-after"]) >= 1
    own.clock.forward(minutes=5)
    assert making_a_key(own, account, PASSWORD).status_code == 201


def test_a_key_that_was_used_is_refused_at_once(house: House) -> None:
    """Nothing remembers that a key was good: once it is removed the next request is refused (§5, cache)."""
    account = house.account()
    by_key = {"x-api-key": house.key(account)}
    assert house.ask("GET", "/users/me", headers=by_key).status_code == 200
    path = f"/users/{account.number}/tokens"
    (key,) = house.ask("GET", path, house.token(account)).json()
    assert_empty(house.ask("DELETE", f"{path}/{key['id']}", house.token(account)), 204)
    assert_refused(house.ask("GET", "/users/me", headers=by_key), 401, *BAD_TOKEN)
