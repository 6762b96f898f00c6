"""Writes with the session's cookie: a page must prove that it is ours (contract §2.4), and signing out (§1.2)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pytest
from tests.conftest import MASTER_KEY
from tests.contract.portainer.speech import House, assert_empty, assert_text, visiting
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.running import configured, running

GONE = (
    "portainer_api_key=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; SameSite=Strict"
)
CHANGE = {"theme": {"color": "dark"}}


@dataclass
class Page:
    """A page that somebody signed in on: it keeps cookies, and sends back the last token if it is told to."""

    house: House
    number: int
    jwt: str
    cookies: dict[str, str]
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What the browser sends by itself."""
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def read(self) -> httpx2.Response:
        """Read something, and remember what the answer brings."""
        response = self.house.ask("GET", "/users/me", headers=self.headers)
        self.remember(response)
        return response

    def write(self, **more: str) -> httpx2.Response:
        """Change something, with these headers besides."""
        response = self.house.ask(
            "PUT", f"/users/{self.number}", headers={**self.headers, **more}, json=CHANGE
        )
        self.remember(response)
        return response

    def remember(self, response: httpx2.Response) -> None:
        """Keep the cookies that an answer sets, and its token."""
        for cookie in response.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.token = response.headers.get("x-csrf-token") or self.token


@pytest.fixture
def page(house: House) -> Page:
    """A page on which somebody of its own is signed in, and that has read nothing yet."""
    return page_at(house)


def page_at(house: House) -> Page:
    """A page of a new account's."""
    account = house.account()
    jwt = house.log_in(account.username).json()["jwt"]
    return Page(house, account.number, jwt, {"portainer_api_key": jwt})


def test_an_answer_hands_out_a_token_and_a_cookie(page: Page) -> None:
    """The token is 88 characters of base64, the cookie 144, HttpOnly, for twelve hours, without Secure (§2.4)."""
    response = page.read()
    assert len(base64.b64decode(response.headers["x-csrf-token"])) == 64
    assert response.headers["vary"] == "Cookie"
    (cookie,) = response.headers.get_list("set-cookie")
    value = page.cookies["_gorilla_csrf"]
    assert len(value) == 144
    lasting = "Expires=Mon, 05 Jan 2026 21:30:00 GMT; Max-Age=43200"
    assert cookie == f"_gorilla_csrf={value}; Path=/; {lasting}; HttpOnly; SameSite=Lax"
    again = page.read()
    assert "set-cookie" not in again.headers
    assert again.headers["x-csrf-token"] != response.headers["x-csrf-token"]


def test_every_token_of_a_cookie_stays_good(page: Page) -> None:
    """Each answer has another token, and all are good until the cookie is another."""
    tokens = [page.read().headers["x-csrf-token"] for _ in range(3)]
    assert len(set(tokens)) == 3
    for token in tokens:
        assert page.write(**{"x-csrf-token": token}).status_code == 200


def test_a_write_without_a_token_is_refused(page: Page) -> None:
    """Plain text says that none was found, also at the very first request; the refusal sets the cookie."""
    response = page.write()
    assert_text(response, 403, "Forbidden - CSRF token not found in request")
    assert "_gorilla_csrf" in page.cookies
    assert "x-csrf-token" not in response.headers
    page.read()
    assert_text(page.write(), 403, "Forbidden - CSRF token not found in request")


@pytest.mark.parametrize("told", ["not base64", "AAAA", "another's", "its own, cut"])
def test_a_write_with_a_wrong_token_is_refused(page: Page, told: str) -> None:
    """What is no token, half of one, or somebody else's is invalid."""
    page.read()
    other = page_at(page.house)
    other.read()
    token = {"another's": other.token, "its own, cut": page.token[:-4]}.get(told, told)
    assert_text(page.write(**{"x-csrf-token": token}), 403, "Forbidden - CSRF token invalid")


def test_a_token_needs_its_cookie(page: Page) -> None:
    """A token without the cookie, or with one that another page was given, is invalid."""
    page.read()
    other = page_at(page.house)
    other.read()
    mine = page.token
    page.cookies["_gorilla_csrf"] = other.cookies["_gorilla_csrf"]
    assert_text(page.write(**{"x-csrf-token": other.token}), 403, "Forbidden - CSRF token invalid")
    del page.cookies["_gorilla_csrf"]
    assert_text(page.write(**{"x-csrf-token": mine}), 403, "Forbidden - CSRF token invalid")


def test_a_token_is_good_for_twelve_hours(own: House) -> None:
    """When the cookie has expired the next answer sets another, and the token that went with it is invalid."""
    page = page_at(own)
    page.read()
    before = page.cookies["_gorilla_csrf"]
    own.clock.forward(hours=7)
    assert page.write(**{"x-csrf-token": page.token}).status_code == 200
    own.clock.forward(hours=5)
    assert_text(page.write(**{"x-csrf-token": page.token}), 403, "Forbidden - CSRF token invalid")
    assert page.cookies["_gorilla_csrf"] != before


FORM = "application/x-www-form-urlencoded"
FIELD = "gorilla.csrf.Token"
NOT_FOUND, INVALID = "CSRF token not found in request", "CSRF token invalid"


def signed_out(page: Page, media: str, form: Mapping[str, object], **more: str) -> httpx2.Response:
    """The answer to a form by which a page signs out."""
    headers = {**page.headers, "content-type": media, **more}
    body = urlencode(form, doseq=True).encode()
    return page.house.ask("POST", "/auth/logout", headers=headers, content=body)


@pytest.mark.parametrize("media", [FORM, "Application/X-WWW-Form-Urlencoded; charset=utf-8"])
def test_a_form_brings_the_token_in_a_field(page: Page, media: str) -> None:
    """Where the header has no token a form's field counts, the first of that name (§2.4)."""
    page.read()
    assert_empty(signed_out(page, media, {"theme": "dark", FIELD: [page.token, "second"]}), 204)
    assert not page.house.is_good(page.jwt)


@pytest.mark.parametrize(
    ("media", "field", "header", "why"),
    [
        (FORM, "not one", "", INVALID),
        (FORM, "", "", NOT_FOUND),
        (FORM, "good", "not one", INVALID),
        ("application/json", "good", "", NOT_FOUND),
        ("multipart/form-data", "good", "", NOT_FOUND),
    ],
)
def test_a_form_that_brings_no_good_token_is_refused(
    page: Page, media: str, field: str, header: str, why: str
) -> None:
    """A wrong field, none, one behind a header that is wrong, or what is no form proves nothing."""
    page.read()
    told = {FIELD: page.token if field == "good" else field}
    assert_text(signed_out(page, media, told, **{"x-csrf-token": header}), 403, f"Forbidden - {why}")
    assert page.house.is_good(page.jwt)


@pytest.mark.parametrize("fields", [1001, 400_000])
def test_a_form_that_is_too_large_brings_no_token(page: Page, fields: int) -> None:
    """Past a thousand fields, or past the longest body, a form is not read for its token."""
    page.read()
    body = f"{FIELD}={quote(page.token)}&{'a=&' * fields}".encode()
    response = page.house.ask(
        "POST", "/auth/logout", headers={**page.headers, "content-type": FORM}, content=body
    )
    assert_text(response, 403, f"Forbidden - {NOT_FOUND}")


def test_only_bodies_that_go_takes_for_forms_are_read(page: Page) -> None:
    """The body of a DELETE is none, whatever it says it is (Go's http.Request.ParseForm)."""
    page.read()
    body = urlencode({FIELD: page.token}).encode()
    headers = {**page.headers, "content-type": FORM}
    response = page.house.ask("DELETE", "/users/1", headers=headers, content=body)
    assert_text(response, 403, f"Forbidden - {NOT_FOUND}")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/auth", "/auth/logout", "/auth/oauth/validate", "/users", "/nope"])
def test_the_gate_stands_before_every_path(page: Page, method: str, path: str) -> None:
    """Sign-in, sign-out and nowhere are refused, too, before anybody asks whose cookie it is (§0, §1.2)."""
    response = page.house.ask(method, path, headers={"cookie": "portainer_api_key=whatever"})
    assert_text(response, 403, "Forbidden - CSRF token not found in request")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_what_changes_nothing_needs_no_token(page: Page, method: str) -> None:
    """Safe methods pass, and successes hand a token out (RFC 9110 §9.2.1)."""
    response = page.house.ask(method, "/users/me", headers=page.headers)
    assert response.status_code in (200, 405)
    assert ("x-csrf-token" in response.headers) == (response.status_code == 200)
    assert response.headers["vary"] == "Cookie"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": "portainer_api_key="},
        {"cookie": "theme=dark"},
        {"x-api-key": "key"},
        {"authorization": "token"},
        {"origin": "https://evil.example"},
    ],
)
def test_who_shows_no_cookie_needs_no_token(house: House, headers: dict[str, str]) -> None:
    """ShouldSkipCSRFCheck: nothing that a browser sends by itself is there, and the header's value is empty (§5)."""
    account = house.account()
    told = {"key": house.key(account), "token": house.token(account)}
    headers = {name: told.get(value, value) for name, value in headers.items()}
    response = house.ask("POST", "/auth/logout", headers=headers)
    assert_empty(response, 204)
    assert response.headers["x-csrf-token"] == ""
    assert "vary" not in response.headers


def test_a_cookie_jar_meets_the_gate_at_its_second_sign_in(page: Page) -> None:
    """Who keeps cookies and knows nothing of tokens is refused when writing, a bearer token or not (issue 12669)."""
    body = {"username": "nobody", "password": PASSWORD}
    again = page.house.ask("POST", "/auth", headers=page.headers, json=body)
    assert_text(again, 403, "Forbidden - CSRF token not found in request")
    response = page.write(authorization=f"Bearer {page.jwt}")
    assert_text(response, 403, "Forbidden - CSRF token not found in request")


# --- where a page is from -------------------------------------------------------------------------------

TRUSTED = "https://dash.example.org"


@pytest.fixture(scope="module")
def behind_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server behind a proxy that speaks TLS, which trusts one other origin."""
    told: dict[str, Any] = {
        "server": {"trusted_proxies": "127.0.0.0/8"},
        "dialects": {"portainer": {"trusted_origins": [TRUSTED]}},
    }
    file = tmp_path_factory.mktemp("tls") / "dragoman.db"
    settings = configured(f"sqlite:///{file}", master_key=MASTER_KEY, **told)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        yield house


OWN = {"host": "id.example.org"}
OVER_TLS = {**OWN, "x-forwarded-proto": "https"}
ORIGINS: Mapping[str, tuple[Mapping[str, str], str | None]] = {
    "no origin over HTTP": (OWN, None),
    "our own over HTTP": ({**OWN, "origin": "http://id.example.org"}, None),
    "a foreign one over HTTP": ({**OWN, "origin": "http://evil.example"}, "origin invalid"),
    "no origin of a page": ({**OWN, "origin": "null"}, "origin invalid"),
    "our own over TLS": ({**OVER_TLS, "origin": "https://id.example.org"}, None),
    "ours, but without TLS": ({**OVER_TLS, "origin": "http://id.example.org"}, "origin invalid"),
    "ours, but another port": ({**OVER_TLS, "origin": "https://id.example.org:8443"}, "origin invalid"),
    "one that is trusted": ({**OVER_TLS, "origin": TRUSTED}, None),
    "neither origin nor referer": (OVER_TLS, "referer not supplied"),
    "our own referer": ({**OVER_TLS, "referer": "https://id.example.org/portainer/"}, None),
    "a referer that is trusted": ({**OVER_TLS, "referer": f"{TRUSTED}/app"}, None),
    "a foreign referer": ({**OVER_TLS, "referer": "https://evil.example/id.example.org"}, "referer invalid"),
    "a foreign referer over HTTP": ({**OWN, "referer": "http://evil.example/"}, None),
}


@pytest.mark.parametrize("case", ORIGINS)
def test_a_write_comes_from_a_page_that_is_trusted(behind_tls: House, case: str) -> None:
    """Where a browser says a page is from is checked before the token; over TLS it must say so (§2.4 [N])."""
    headers, why = ORIGINS[case]
    page = page_at(behind_tls)
    page.read()
    good = page.write(**headers, **{"x-csrf-token": page.token})
    without = page.write(**headers)
    if why is None:
        assert good.status_code == 200, good.text
        assert_text(without, 403, "Forbidden - CSRF token not found in request")
    else:
        assert_text(good, 403, f"Forbidden - {why}")
        assert_text(without, 403, f"Forbidden - {why}")


# --- signing out ----------------------------------------------------------------------------------------


def test_S_05_signing_out_ends_the_session_of_the_cookie(page: Page) -> None:
    """204 without a body; the cookie is taken away and its session is ended, whoever still holds the token."""
    page.read()
    headers = {**page.headers, "x-csrf-token": page.token}
    response = page.house.ask("POST", "/auth/logout", headers=headers)
    assert_empty(response, 204)
    assert response.headers.get_list("set-cookie") == [GONE]
    assert not page.house.is_good(page.jwt)
    again = page.house.ask("POST", "/auth/logout", headers=headers)
    assert_empty(again, 204)
    assert again.headers.get_list("set-cookie") == [GONE]


@pytest.mark.parametrize("shown", ["nothing", "an empty cookie", "a bearer token", "an API key"])
def test_signing_out_without_a_session_is_no_accident(house: House, shown: str) -> None:
    """204, too, and nothing else is ended: only the cookie says whose session it is (§1.2, issue 12457)."""
    account = house.account()
    jwt, key = house.token(account), house.key(account)
    headers = {
        "nothing": {},
        "an empty cookie": {"cookie": "portainer_api_key="},
        "a bearer token": {"authorization": f"Bearer {jwt}"},
        "an API key": {"x-api-key": key},
    }[shown]
    response = house.ask("POST", "/auth/logout", headers=headers, content=b"not read")
    assert_empty(response, 204)
    assert response.headers.get_list("set-cookie") == [GONE]
    assert house.is_good(jwt)
    assert house.ask("GET", "/users/me", headers={"x-api-key": key}).status_code == 200
