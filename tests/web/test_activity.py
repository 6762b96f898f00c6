"""The overview and the activity page: what matters, and what happened, in plain words."""

from __future__ import annotations

import re

from tests.fakes import do
from tests.people import ALICE, BOB
from tests.running import Running
from tests.visiting import Browser, browsing

from dragoman.core import audit

ALICES = 1  # the number of her account


def test_what_happened_is_told_in_plain_words(house: Running, browser: Browser) -> None:
    """A refused sign-in, where it came from, and what one did oneself; of others nothing."""
    with browsing(
        house.url, **{"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Firefox/132.0"}
    ) as other:
        other.sign_in(ALICE, "guess")
        other.sign_in(BOB, "guess")
    browser.sign_in()
    page = browser.go("/account/activity")
    assert page.text.count("Somebody tried to sign in as you, and was refused") == 1
    assert re.search(r"at these pages · from\s+127.0.0.1 · Firefox on Linux", page.text)
    assert "Signed in" in page.text
    assert "Your account was made" in page.text


def test_activity_goes_on(house: Running, browser: Browser) -> None:
    """Fifty lines are shown, and the way to those before them, each once."""
    for at in range(55):
        house.clock.forward(seconds=1)
        do(house.core, audit.record, f"happening {at}.", account=ALICES)
    browser.sign_in()
    page = browser.go("/account/activity")
    [older] = re.findall(r'href="(/account/activity\?after=[^"]+)"', page.text)
    seen = re.findall(r"Happening (\d+)", page.text + browser.go(older).text)
    assert seen == [str(at) for at in reversed(range(55))]
    assert "after=" not in browser.go(older).text


def test_the_overview_says_what_matters(browser: Browser) -> None:
    """Who one is, how many sessions and keys there are, who signed in, and that only a password protects it."""
    browser.sign_in(password="guess")
    page = browser.sign_in()
    assert "Whoever knows your password is in" in page.text
    assert re.search(r'class="figure">1</span> <span class="quiet">signed in', page.text)
    assert re.search(r'class="figure">off</span> <span class="quiet">codes of an app', page.text)
    assert "Somebody tried to sign in as you" in page.text
