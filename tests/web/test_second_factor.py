"""How apps sign in: the ways that are allowed, app passwords, and sign-ins that wait for their owner's word."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx2
import pytest
from tests.fakes import PASSWORD, do
from tests.people import ALICE, BOB
from tests.running import Running, ask
from tests.visiting import Browser, browsing
from tests.web.test_factors import code, set_up

from dragoman.core import accounts, app_passwords, outbox, ways
from dragoman.core.ways import Ways

PHONE = {"user-agent": "Immich_Android_1.134.0"}


def knock(house: Running, password: str = PASSWORD, headers: Mapping[str, str] = PHONE) -> httpx2.Response:
    """Sign in to Immich as its app on a phone does."""
    return ask(house, "POST", "/auth/login", json={"email": ALICE, "password": password}, headers=headers)


def told(house: Running) -> list[str]:
    """The kinds of mail that were sent, in order."""
    return [mail.kind for mail in do(house.core, outbox.listed)]


def made(browser: Browser, product: str = "immich", name: str = "Phone") -> str:
    """An app password, as the page shows it."""
    browser.go("/account/app-passwords/new")
    page = browser.send("/account/app-passwords/new", product=product, name=name)
    [shown] = re.findall(r'id="secret">((?:[a-z2-7]{4}-){6}[a-z2-7]{4})<', page.text)
    return str(shown)


def test_an_app_password_is_shown_once_listed_and_ended(house: Running, browser: Browser) -> None:
    """It signs in without a code, is listed with what used it, and ends with what it opened; its owner is told."""
    set_up(house, browser)
    before = told(house)
    secret = made(browser)
    token = knock(house, secret).json()["accessToken"]
    page = browser.go("/account/second-factor")
    assert (secret in page.text, PHONE["user-agent"] in page.text, "<strong>Phone</strong>" in page.text) == (
        False,
        True,
        True,
    )
    [action] = re.findall(r'action="(/account/app-passwords/[0-9a-f-]{36}/end)"', page.text)
    page = browser.send(action)
    assert "The app password was removed" in page.text
    answer = ask(house, "GET", "/users/me", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, knock(house, secret).status_code) == (401, 401)
    assert sorted(told(house)) == sorted([*before, "change", "change"])


def test_an_app_password_that_cannot_be_made_says_why(house: Running, browser: Browser) -> None:
    """Without a name the form comes back with what was chosen; a product that is not served is not there."""
    browser.sign_in()
    browser.go("/account/app-passwords/new")
    page = browser.send("/account/app-passwords/new", product="shoko", name=" ")
    assert (page.status_code, 'value="shoko" selected' in page.text, 'role="alert"' in page.text) == (
        422,
        True,
        True,
    )
    assert browser.send("/account/app-passwords/new", product="web", name="x").status_code == 404
    alice = do(house.core, accounts.get, ALICE)
    assert do(house.core, app_passwords.of_account, alice.number) == []


def test_S_09_all_of_it_asks_for_a_fresh_proof(house: Running, browser: Browser) -> None:
    """Switches, app passwords and approvals are for whoever has just proved who they are."""
    seed, _ = set_up(house, browser)
    made(browser)
    page = browser.go("/account/second-factor")
    [end] = re.findall(r'action="(/account/app-passwords/[^"]+)"', page.text)
    house.clock.forward(minutes=11)
    assert knock(house).status_code == 401
    assert browser.send("/account/second-factor").url.path == "/confirm"
    for path in ("/account/app-passwords/new", "/account/approvals"):
        assert browser.go(path).url.path == "/confirm"
    browser.go("/account/second-factor")
    assert browser.send(end).url.path == "/confirm"
    page = browser.send("/confirm", password=PASSWORD, code=code(house, seed))
    assert page.url.path == "/account/second-factor"


def test_a_sign_in_is_approved_and_the_device_is_known(house: Running, browser: Browser) -> None:
    """Refused like a wrong password, asked by mail and on every page, approved, let in; then it is known."""
    set_up(house, browser)
    wrong, right = knock(house, "wrong"), knock(house)
    assert (right.status_code, right.json()["message"]) == (wrong.status_code, wrong.json()["message"])
    assert told(house).count("approval") == 1
    assert "A sign-in with your password waits for you." in browser.go("/account").text
    page = browser.go("/account/approvals")
    assert re.search(r"<strong>Immich</strong>, [^<]*Android", page.text)
    assert "127.0.0.1" in page.text
    [action] = re.findall(r'action="(/account/approvals/[0-9a-f-]{36}/approve)"', page.text)
    page = browser.send(action)
    assert ("Approved." in page.text, "waits for you." in page.text) == (True, False)
    other = {"user-agent": "Immich_iOS_1.134.0"}
    assert [knock(house, headers=other).status_code, knock(house).status_code] == [401, 201]
    assert knock(house).status_code == 201


def test_a_sign_in_is_refused(house: Running, browser: Browser) -> None:
    """Whoever was refused stays outside, and the owner is told what to do."""
    set_up(house, browser)
    knock(house)
    page = browser.go("/account/approvals")
    [action] = re.findall(r'action="(/account/approvals/[0-9a-f-]{36}/refuse)"', page.text)
    page = browser.send(action)
    assert ("knows your password" in page.text, "Nothing waits." in page.text) == (True, True)
    assert knock(house).status_code == 401
    assert "Nothing waits." in browser.go("/account/approvals").text
    form = browser.form("/sign-out")
    for approval in ("none", action.split("/")[3]):
        assert browser.client.post(f"/account/approvals/{approval}/approve", data=form).status_code == 404


@pytest.mark.parametrize("way", Ways.__dataclass_fields__)
def test_a_way_is_switched_off(house: Running, browser: Browser, way: str) -> None:
    """What is not ticked is not allowed; the rest is as it was, and the page shows it so."""
    browser.sign_in()
    browser.go("/account/second-factor")
    form = {**browser.form("/account/second-factor")}
    assert set(form) == {"form_token", *Ways.__dataclass_fields__}
    del form[way]
    answer = browser.client.post("/account/second-factor", data=form, follow_redirects=True)
    assert "Saved." in answer.text
    number = do(house.core, accounts.get, ALICE).number
    assert do(house.core, ways.allowed, number) == Ways(**{way: False})
    browser.go("/account/second-factor")
    assert way not in browser.form("/account/second-factor")


def test_nobody_sees_or_ends_what_is_anothers(house: Running, browser: Browser) -> None:
    """Bob is not asked about Alice's sign-ins, and her app passwords are not there for him."""
    set_up(house, browser)
    made(browser)
    page = browser.go("/account/second-factor")
    [action] = re.findall(r'action="(/account/app-passwords/[^"]+)"', page.text)
    knock(house)
    with browsing(house.url) as bobs:
        bobs.sign_in(BOB)
        assert "waits for you" not in bobs.go("/account").text
        assert "Nothing waits." in bobs.go("/account/approvals").text
        form = bobs.form("/sign-out")
        assert bobs.client.post(action, data=form).status_code == 404
        assert bobs.client.post("/account/app-passwords/none/end", data=form).status_code == 404
