"""The sessions page: everywhere one is signed in, and the way out."""

from __future__ import annotations

import re

from tests.fakes import PASSWORD, do
from tests.people import ALICE, BOB, opened, somebody
from tests.running import Running, ask
from tests.visiting import Browser, browsing

from dragoman.core import accounts

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"


def immich(house: Running, agent: str = FIREFOX) -> str:
    """The token of a sign-in of Alice's to Immich."""
    body = {"email": ALICE, "password": PASSWORD}
    answer = ask(house, "POST", "/auth/login", json=body, headers={"user-agent": agent})
    return str(answer.json()["accessToken"])


def status(house: Running, token: str) -> int:
    """What Immich says to a token."""
    return ask(house, "GET", "/users/me", headers={"authorization": f"Bearer {token}"}).status_code


def test_S_06_every_session_is_listed_and_ended(house: Running) -> None:
    """Product, device, address and which is this one; one that is ended is refused at its next request."""
    token = immich(house)
    with browsing(house.url, **{"user-agent": FIREFOX}) as browser:
        browser.sign_in()
        page = browser.go("/account/sessions")
        assert re.search(r"<strong>Immich</strong>, Firefox on Linux", page.text)
        assert re.search(
            r"<strong>These pages</strong>, Firefox on Linux\s+<span class=\"tag good\">this one", page.text
        )
        assert "127.0.0.1" in page.text
        [action] = re.findall(r'action="(/account/sessions/[0-9a-f-]{36}/end)"', page.text)
        assert "That device is signed out." in browser.send(action).text
        assert status(house, token) == 401


def test_S_06_all_others_are_ended_at_once(house: Running, browser: Browser) -> None:
    """Whoever signs out everywhere else stays signed in here alone."""
    tokens = [immich(house), immich(house)]
    with browsing(house.url) as other:
        other.sign_in()
        browser.sign_in()
        browser.go("/account/sessions")
        page = browser.send("/account/sessions/others/end")
        assert "You are signed out everywhere but here." in page.text
        assert [status(house, token) for token in tokens] == [401, 401]
        assert other.go("/account").url.path == "/sign-in"
        assert browser.go("/account").url.path == "/account"


def test_sessions_come_fifty_to_a_page(house: Running, browser: Browser) -> None:
    """Those seen longer ago are on the next page; when that was is said as it is asked for, and exactly."""
    alice = do(house.core, accounts.get, ALICE)
    opened(house.core, alice)
    house.clock.forward(hours=3)
    browser.sign_in()
    for _ in range(50):
        opened(house.core, alice)
    page = browser.go("/account/sessions").text
    [further] = re.findall(r'<a href="([^"]+)">Older ones</a>', page)
    assert (page.count("just now"), "3 hours ago" in page) == (100, False)
    page = browser.go(further).text
    assert re.search(r"last used\s+3 hours ago \(<time datetime", page)
    assert "Older ones" not in page


def test_nobody_ends_anothers_session(house: Running, browser: Browser) -> None:
    """The session of another account is not there."""
    bobs, _ = opened(house.core, somebody(house.core, f"x{BOB}"))
    browser.sign_in()
    browser.go("/account/sessions")
    form = browser.form("/sign-out")
    answer = browser.client.post(f"/account/sessions/{bobs.id}/end", data=form)
    assert answer.status_code == 404
    assert browser.client.post("/account/sessions/none/end", data=form).status_code == 404
