"""Writes that carry the session's cookie: a page must prove that it is ours (contract §3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import MASTER_KEY
from tests.contract.elements.speech import House, Page, assert_refused, assert_void, cookies_of, visiting
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.running import configured, running

ME = "/api/2/users/me"
LOGOUT = "/api/2/auth/logout"
CHANGE = {"default_page": "/media"}
FAILED = "CSRF Failed: "
INCORRECT = f"{FAILED}CSRF token from the 'X-Csrftoken' HTTP header incorrect."


@pytest.fixture
def signed_in(house: House) -> Page:
    """A page that somebody of its own has signed in on."""
    made = Page(house)
    made.sign_in(house.account())
    return made


def test_a_write_brings_the_cookies_token_back_in_a_header(signed_in: Page) -> None:
    """With the value of `csrftoken` in `X-CSRFToken` the write is done, and may be done again."""
    for _ in range(2):
        told = {"x-csrftoken": signed_in.cookies["csrftoken"]}
        assert signed_in.ask("PATCH", ME, told, json=CHANGE).status_code == 200


def test_a_write_without_the_token_is_refused(signed_in: Page) -> None:
    """403 in the framework's words: the header is missing, is another, or there is no cookie to it."""
    assert_refused(signed_in.ask("PATCH", ME, json=CHANGE), 403, f"{FAILED}CSRF token missing.")
    assert_refused(signed_in.ask("PATCH", ME, {"x-csrftoken": "another"}, json=CHANGE), 403, INCORRECT)
    token = signed_in.cookies.pop("csrftoken")
    told = {"x-csrftoken": token}
    assert_refused(signed_in.ask("PATCH", ME, told, json=CHANGE), 403, f"{FAILED}CSRF cookie not set.")


def test_a_token_of_another_session_is_refused(house: House, signed_in: Page) -> None:
    """A cookie that somebody planted does not fit the session, even if the header says the same."""
    other = Page(house)
    other.sign_in(house.account())
    signed_in.cookies["csrftoken"] = other.cookies["csrftoken"]
    told = {"x-csrftoken": other.cookies["csrftoken"]}
    assert_refused(signed_in.ask("PATCH", ME, told, json=CHANGE), 403, INCORRECT)


def test_a_page_without_a_token_gets_one_by_reading(signed_in: Page) -> None:
    """An answer to a reader brings the cookie where there is none that is good, and else none."""
    del signed_in.cookies["csrftoken"]
    assert "csrftoken" in cookies_of(signed_in.ask("GET", ME))
    assert cookies_of(signed_in.ask("GET", ME)) == {}
    told = {"x-csrftoken": signed_in.cookies["csrftoken"]}
    assert signed_in.ask("PATCH", ME, told, json=CHANGE).status_code == 200


def test_a_token_lasts_half_a_day(own: House) -> None:
    """After twelve hours it is refused, and reading brings a new one."""
    page = Page(own)
    page.sign_in(own.account())
    own.clock.forward(hours=12)
    told = {"x-csrftoken": page.cookies["csrftoken"]}
    assert_refused(page.ask("PATCH", ME, told, json=CHANGE), 403, INCORRECT)
    page.ask("GET", ME)
    told = {"x-csrftoken": page.cookies["csrftoken"]}
    assert page.ask("PATCH", ME, told, json=CHANGE).status_code == 200


def test_who_shows_a_bearer_token_needs_no_other(house: House) -> None:
    """No page of another site can make a browser send that header, so nothing is asked for, cookie or not."""
    key = house.token(house.account())
    for headers in ({}, {"cookie": f"sessionid={key}"}):
        assert house.ask("PATCH", ME, key, json=CHANGE, headers=headers).status_code == 200


def test_what_a_browser_adds_by_itself_is_no_proof(signed_in: Page) -> None:
    """`Authorization: Basic` is a proxy's, sent with every request of a browser: the cookie still needs its token."""
    says = f"{FAILED}CSRF token missing."
    assert_refused(signed_in.ask("PATCH", ME, {"authorization": "Basic eDp5"}, json=CHANGE), 403, says)


def test_signing_out_by_the_cookie_needs_a_page_of_ours(house: House, signed_in: Page) -> None:
    """Another site cannot sign anybody out; the page itself can, with or without the token, and then again."""
    key = signed_in.cookies["sessionid"]
    says = f"{FAILED}Origin checking failed - https://evil.example does not match any trusted origins."
    assert_refused(signed_in.ask("POST", LOGOUT, {"origin": "https://evil.example"}), 403, says)
    assert house.is_good(key)
    assert_void(signed_in.ask("POST", LOGOUT, {"origin": house.served.url}))
    assert not house.is_good(key)
    signed_in.cookies["sessionid"] = key
    assert_void(signed_in.ask("POST", LOGOUT))


def test_a_foreign_page_is_refused_whatever_it_knows(house: House, signed_in: Page) -> None:
    """A write whose Origin is another site's is 403, a sign-in that would replace a session's cookie, too."""
    foreign = {"origin": "https://evil.example", "x-csrftoken": signed_in.cookies["csrftoken"]}
    says = f"{FAILED}Origin checking failed - https://evil.example does not match any trusted origins."
    assert_refused(signed_in.ask("PATCH", ME, foreign, json=CHANGE), 403, says)
    account = house.account()
    body = {"username": account.username, "password": "any"}
    assert_refused(signed_in.ask("POST", "/api/2/auth/login", foreign, json=body), 403, says)


def test_a_foreign_page_does_not_choose_as_whom_a_browser_goes_on(house: House) -> None:
    """No cookie comes along from another site's form, but the answer would set one: 403, whichever call it is."""
    says = f"{FAILED}Origin checking failed - https://evil.example does not match any trusted origins."
    foreign = {"origin": "https://evil.example"}
    assert_refused(house.ask("POST", "/auth/fast-lane/made-up", headers=foreign), 403, says)
    account = house.account()
    body = {"username": account.username, "password": PASSWORD}
    assert_refused(house.ask("POST", "/api/2/auth/login", json=body, headers=foreign), 403, says)
    assert house.ask("POST", "/api/2/auth/login", json=body).status_code == 200


def test_a_page_of_our_own_may(house: House, signed_in: Page) -> None:
    """The server's own origin passes."""
    told = {"origin": house.served.url, "x-csrftoken": signed_in.cookies["csrftoken"]}
    assert signed_in.ask("PATCH", ME, told, json=CHANGE).status_code == 200


@pytest.fixture
def behind_tls(sqlite_url: str) -> Iterator[House]:
    """A server behind a proxy that speaks TLS, and that trusts another page."""
    settings = configured(
        sqlite_url,
        server={"base_url": "https://id.example.org", "trusted_proxies": ["127.0.0.0/8"]},
        master_key=MASTER_KEY,
        dialects={"elements": {"trusted_origins": ["https://panel.example.org"]}},
    )
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as made:
        yield made


def test_over_tls_a_browser_says_where_it_comes_from(behind_tls: House) -> None:
    """Cookies are for TLS alone there, and a write without Origin needs a Referer of a trusted page."""
    page, account = Page(behind_tls), behind_tls.account()
    secure = {"x-forwarded-proto": "https", "host": "id.example.org"}
    body = {"username": account.username, "password": "correct-horse-7-battery"}
    answer = page.ask("POST", "/api/2/auth/login", secure, json=body)
    assert all("; Secure; SameSite=Lax" in cookie for cookie in answer.headers.get_list("set-cookie"))
    told = {**secure, "x-csrftoken": page.cookies["csrftoken"]}
    no_referer = f"{FAILED}Referer checking failed - no Referer."
    assert_refused(page.ask("PATCH", ME, told, json=CHANGE), 403, no_referer)
    for referer, status in [
        ("https://evil.example/page", 403),
        ("https://id.example.org/elements/", 200),
        ("https://panel.example.org/x", 200),
    ]:
        assert page.ask("PATCH", ME, {**told, "referer": referer}, json=CHANGE).status_code == status
