"""The three cookies of a sign-in, attribute for attribute, and how a log-out takes them back (contract §0.6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.contract.immich.speech import SESSION_ONLY, SIGN_UP, House, assert_refused, visiting
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.running import configured, running

# 400 days after the tests' first instant, 5 January 2026 at 09:30.
EXPIRES = "Tue, 09 Feb 2027 09:30:00 GMT"
CLEARED = [
    "immich_access_token=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "immich_auth_type=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "immich_is_authenticated=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
]


def cookies_of(response: httpx2.Response) -> list[str]:
    """Every Set-Cookie header, in the order received."""
    return response.headers.get_list("set-cookie")


def signed_in(token: str, secure: str = "") -> list[str]:
    """What a log-in sets."""
    lasting = f"Max-Age=34560000; Path=/; Expires={EXPIRES}"
    return [
        f"immich_access_token={token}; {lasting}; HttpOnly;{secure} SameSite=Lax",
        f"immich_auth_type=password; {lasting}; HttpOnly;{secure} SameSite=Lax",
        f"immich_is_authenticated=true; {lasting};{secure} SameSite=Lax",
    ]


def behind(tmp_path: Path, *trusted: str) -> Any:
    """A server that trusts proxies at these networks."""
    url = f"sqlite:///{tmp_path}/dragoman.db"
    return running(configured(url, server={"trusted_proxies": list(trusted)}), cheap_hasher(), FakeClock())


def test_login_sets_three_cookies(own: House) -> None:
    """Over http: token, type and mark in this order, the mark alone readable by scripts, none Secure."""
    own.call("sign_up_admin", body=SIGN_UP)
    response = own.log_in(SIGN_UP["email"])
    assert cookies_of(response) == signed_in(response.json()["accessToken"])


def test_cookies_last_400_days_from_the_login(own: House) -> None:
    """The expiry moves with the log-in."""
    person = own.person()
    own.clock.forward(days=10, seconds=1)
    for cookie in cookies_of(own.log_in(person.email)):
        assert "; Expires=Fri, 19 Feb 2027 09:30:01 GMT;" in cookie


@pytest.mark.parametrize("proto", ["https", "HTTPS", "http, https", "wss"])
def test_cookies_are_secure_behind_a_proxy_that_says_so(tmp_path: Path, proto: str) -> None:
    """When a trusted proxy took the request over TLS, each cookie is Secure, before SameSite."""
    with behind(tmp_path, "127.0.0.0/8") as served, visiting(served) as house:
        person = house.person()
        response = house.log_in(person.email, headers={"x-forwarded-proto": proto})
        assert cookies_of(response) == signed_in(response.json()["accessToken"], " Secure;")


@pytest.mark.parametrize(
    ("trusted", "headers"),
    [
        ([], {"x-forwarded-proto": "https"}),
        (["10.0.0.0/8"], {"x-forwarded-proto": "https"}),
        (["127.0.0.0/8"], {"x-forwarded-proto": "http"}),
        (["127.0.0.0/8"], {"x-forwarded-proto": "https, http"}),
        (["127.0.0.0/8"], {"x-forwarded-ssl": "on", "front-end-https": "on"}),
        (["127.0.0.0/8"], {"forwarded": "proto=https"}),
    ],
)
def test_cookies_are_not_secure_on_a_stranger_s_word(
    tmp_path: Path, trusted: list[str], headers: dict[str, str]
) -> None:
    """Nobody but a trusted proxy is believed, and of its list only what it wrote itself."""
    with behind(tmp_path, *trusted) as served, visiting(served) as house:
        response = house.log_in(house.person().email, headers=headers)
        assert cookies_of(response) == signed_in(response.json()["accessToken"])


def test_cookies_alone_carry_a_session(houses: House) -> None:
    """What a log-in sets is enough for all that follows, until a log-out takes it back (§4.2, apps since 2.6)."""
    person = houses.person()
    with httpx2.Client(base_url=f"{houses.served.immich}/", trust_env=False) as browser:
        browser.post("auth/login", json={"email": person.email, "password": PASSWORD})
        assert set(browser.cookies) == {"immich_access_token", "immich_auth_type", "immich_is_authenticated"}
        assert browser.get("users/me").status_code == 200
        out = browser.post("auth/logout")
        assert cookies_of(out) == CLEARED
        assert not browser.cookies
        assert browser.get("users/me").status_code == 401


@pytest.mark.parametrize("place", ["authorization", "cookie", "x-immich-user-token"])
def test_logout_clears_three_cookies(house: House, place: str) -> None:
    """However the session was held up, the cookies are taken back in their order and with no more attributes."""
    token = house.person().token
    held = {"authorization": f"Bearer {token}", "cookie": f"immich_access_token={token}"}.get(place, token)
    assert cookies_of(house.call("logout", headers={place: held})) == CLEARED


def test_logout_by_key_clears_the_cookies_too(house: House) -> None:
    """A log-out with an API key ends nothing, and clears the cookies all the same (§1.5)."""
    _, key = house.key(house.account())
    response = house.call("logout", headers={"x-api-key": key})
    assert (response.status_code, cookies_of(response)) == (200, CLEARED)


@pytest.mark.parametrize(
    ("headers", "message"),
    [({}, "Authentication required"), ({"cookie": "immich_access_token=gone"}, "Invalid user token")],
)
def test_refused_logout_clears_nothing(house: House, headers: dict[str, str], message: str) -> None:
    """A log-out that is refused leaves the cookies as they are (§1.5)."""
    refused = house.call("logout", headers=headers)
    assert_refused(refused, 401, message)
    assert cookies_of(refused) == []


def test_nothing_else_sets_a_cookie(house: House) -> None:
    """Only log-in and log-out speak of cookies."""
    person = house.person()
    _, key = house.key(person.account)
    quiet = [
        house.call("sign_up_admin", body=SIGN_UP),
        house.log_in(person.email, "some-other-4-passphrase"),
        house.call("login", body={}),
        house.call("validate_access_token", person.token),
        house.call("get_auth_status", person.token),
        house.call("setup_pin_code", person.token, {"pinCode": "123456"}),
        house.call("get_my_user", person.token),
        house.ask("GET", "/server/ping"),
    ]
    assert [cookies_of(response) for response in quiet] == [[]] * len(quiet)
    locked = house.call("lock_auth_session", headers={"x-api-key": key})
    assert_refused(locked, 400, SESSION_ONLY)
