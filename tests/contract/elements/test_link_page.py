"""A link in a browser: people are shown a page, whose button opens it; programs are told the same in JSON."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.contract.elements.sharing import LINK_PASSWORD, enter, found, look, shared, visitor
from tests.contract.elements.speech import House, Page, assert_refused, cookies_of

from dragoman.core.accounts import Account

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
OWNER = "owner@example.org"


@pytest.fixture(scope="module")
def owner(house: House) -> Account:
    """Somebody with an e-mail address, who shares."""
    return house.account(email=OWNER)


def seen(house: House, link: dict[str, Any], **cookies: str) -> httpx2.Response:
    """What a browser is shown of a link."""
    return Page(house, cookies).ask("GET", f"/auth/fast-lane/{link['token']}", BROWSER)


def pressed(
    house: House, link: dict[str, Any], headers: dict[str, str] | None = None, **typed: str
) -> httpx2.Response:
    """What it is shown when somebody has pressed the button, with this typed in."""
    return house.ask(
        "POST",
        f"/auth/fast-lane/{link['token']}",
        headers={**BROWSER, "content-type": "application/x-www-form-urlencoded", **(headers or {})},
        data=typed,
    )


def test_a_page_shows_a_button_and_counts_nothing(house: House, owner: Account) -> None:
    """Looking shows a form and nothing of whose link it is; no view is counted, no cookie set."""
    token = house.token(owner)
    link = shared(house, token, view_limit=1)
    for _ in range(2):
        page = seen(house, link)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "<h1>Something was shared with you</h1>" in page.text
        assert '<form method="post">' in page.text
        assert 'type="password"' not in page.text
        assert not any(told in page.text for told in (OWNER, owner.username, link["token"]))
        assert "set-cookie" not in page.headers
    now = found(house, link, token)
    assert (now["view_limit_left"], now["activity"]) == (1, [])


def test_the_page_loads_and_runs_nothing(house: House, owner: Account) -> None:
    """No script, nothing from elsewhere, not to be kept or framed; forms go to us alone, and the address to nobody."""
    page = seen(house, shared(house, house.token(owner)))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
    # Of "no-referrer" browsers make `Origin: null`, which no page of ours has.
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("strict-origin", "no-store")
    assert "<script" not in page.text


def test_the_button_opens_the_link(house: House, owner: Account) -> None:
    """It counts the view, lets the visitor in by a cookie, and leads on to what is shared; once more is too often."""
    token = house.token(owner)
    link = shared(house, token, view_limit=1)
    page = pressed(house, link)
    assert (page.status_code, 'href="/media/bundles/5"' in page.text) == (200, True)
    assert house.is_good(cookies_of(page)["sessionid"])
    assert len(found(house, link, token)["activity"]) == 1
    for gone in (pressed(house, link), seen(house, link)):
        assert (gone.status_code, "not good any more" in gone.text, "<form" in gone.text) == (
            404,
            True,
            False,
        )


def test_a_password_is_typed_in(house: House, owner: Account) -> None:
    """A link with a password asks for it, and asks again after a wrong one, which it does not repeat."""
    link = shared(house, house.token(owner), password=LINK_PASSWORD)
    assert 'type="password"' in seen(house, link).text
    for typed in ("", "guess"):
        again = pressed(house, link, password=typed)
        assert (again.status_code, 'role="alert"' in again.text) == (400, True)
        assert 'type="password"' in again.text
        assert "guess" not in again.text
    assert "The link is open" in pressed(house, link, password=LINK_PASSWORD).text


def test_guesses_are_told_to_wait(house: House, owner: Account) -> None:
    """A throttled guess is a page, too, with Retry-After."""
    link = shared(house, house.token(owner), password=LINK_PASSWORD)
    answers = [pressed(house, link, password="guess") for _ in range(13)]
    assert answers[-1].status_code == 429
    assert "Please try again in a while" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_link_for_people_who_are_known_says_so(house: House, owner: Account) -> None:
    """Strangers are asked to sign in, and nothing is counted; the browser of somebody signed in opens it."""
    token = house.token(owner)
    link = shared(house, token, require_login=True, view_limit=1)
    page = pressed(house, link)
    assert (page.status_code, "Please sign in first" in page.text) == (200, True)
    known = {"cookie": f"sessionid={house.token(house.account())}"}
    assert "The link is open" in pressed(house, link, known).text


def test_a_stale_cookie_keeps_nobody_out_and_no_other_site_opens(house: House, owner: Account) -> None:
    """The secret in the address is all that opens; a form of another site's is refused, in a page, and counts nothing."""
    token = house.token(owner)
    link = shared(house, token, view_limit=1)
    foreign = pressed(house, link, {"origin": "https://evil.example"})
    assert (foreign.status_code, "That did not work" in foreign.text) == (403, True)
    assert found(house, link, token)["view_limit_left"] == 1
    assert seen(house, link, sessionid="stale").status_code == 200
    assert pressed(house, link, {"cookie": "sessionid=stale", "origin": house.served.url}).status_code == 200


def test_programs_are_told_in_json(house: House, owner: Account) -> None:
    """Whoever does not ask for HTML gets the contract's answer; a form anywhere else is no JSON."""
    link = shared(house, house.token(owner))
    for accept in ("*/*", "application/json"):
        answer = house.ask("GET", f"/auth/fast-lane/{link['token']}", headers={"accept": accept})
        assert answer.json()["id"] == link["id"]
    form = house.ask("POST", "/api/2/auth/login", headers=BROWSER, data={"username": "x", "password": "x"})
    media = "application/x-www-form-urlencoded"
    assert_refused(form, 415, f'Unsupported media type "{media}" in request.')


def test_strangers_are_not_told_an_address(house: House, owner: Account) -> None:
    """Neither who looks at a link nor who has opened it is told the e-mail address of its people; they are."""
    token = house.token(owner)
    link = shared(house, token)
    assert look(house, link).json()["user"]["email"] is None
    assert enter(house, link).json()["user"]["email"] is None
    assert house.ask("GET", "/api/2/users/me", visitor(house, link)).json()["email"] is None
    assert house.ask("GET", "/api/2/users/me", token).json()["email"] == OWNER
    assert link["user"]["email"] == OWNER
