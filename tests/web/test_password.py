"""Changing one's password on the pages."""

from __future__ import annotations

from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.running import Running
from tests.visiting import Browser, browsing

from dragoman.core import outbox


def changed(browser: Browser, old: str = PASSWORD, new: str = NEW_PASSWORD, again: str | None = None) -> str:
    """The page after an attempt."""
    if browser.go("/account/password").url.path != "/account/password":
        browser.sign_in()
        browser.go("/account/password")
    return browser.send("/account/password", old=old, new=new, again=new if again is None else again).text


def test_S_07_a_new_password_signs_out_everywhere_else_and_is_told(house: Running, browser: Browser) -> None:
    """The new one works, the old one does not, other sessions end unless that is unticked, and the owner is mailed."""
    with browsing(house.url) as other:
        other.sign_in()
        assert "Your password is changed." in changed(browser)
        assert other.go("/account").url.path == "/sign-in"
        assert browser.go("/account").url.path == "/account"
        assert other.sign_in().status_code == 401
        assert other.sign_in(password=NEW_PASSWORD).url.path == "/account"
    assert [mail.kind for mail in do(house.core, outbox.listed)] == ["change"]


def test_P_02_every_reason_against_a_password_is_given(browser: Browser) -> None:
    """A common password, one's own name, and two that differ are refused, each with its reason; nothing changes."""
    assert "not the same" in changed(browser, again="other")
    assert 'role="alert"' in changed(browser, new="password")
    assert 'role="alert"' in changed(browser, new="alice@example.org")
    assert "That is not your password." in changed(browser, old="wrong")
    browser.go("/account")
    browser.send("/sign-out")
    assert browser.sign_in().url.path == "/account"


def test_P_04_a_phrase_of_small_letters_will_do_and_does_not_expire(house: Running, browser: Browser) -> None:
    """No kind of character is asked for; after 400 days it signs in as on the first, and nothing is to be changed."""
    phrase = "lantern orchid ferry"
    assert "Your password is changed." in changed(browser, new=phrase)
    house.clock.forward(days=400)
    assert browser.go("/account").url.path == "/sign-in"
    assert browser.sign_in(password=phrase).url.path == "/account"


def test_P_05_a_password_of_a_mebibyte_is_refused_unread(browser: Browser) -> None:
    """What is longer than a form can be is 413, and nothing is hashed."""
    browser.sign_in()
    browser.go("/account/password")
    form = {**browser.form("/account/password"), "old": PASSWORD, "new": "x" * 2**20, "again": "x" * 2**20}
    assert browser.client.post("/account/password", data=form).status_code == 413


def test_S_09_an_old_session_proves_itself_first(house: Running, browser: Browser) -> None:
    """Whoever finds an open browser does not get as far as the form."""
    browser.sign_in()
    house.clock.forward(minutes=11)
    assert browser.go("/account/password").url.path == "/confirm"
