"""Who forgot their password, at a server that sends mail: asked for on the sign-in page, answered alike to everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import NEW_PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, somebody
from tests.running import Running, ask, configured, running
from tests.visiting import Browser, browsing

from dragoman.core import accounts, outbox
from dragoman.core.passwords import Hasher


@pytest.fixture
def mailing(sqlite_url: str, hasher: Hasher, clock: FakeClock) -> Iterator[Running]:
    """A server with a mail server that is away, and Alice."""
    mail = {"host": "127.0.0.1", "port": 9, "tls": "none", "sender": "dragoman@example.org"}
    told = configured(sqlite_url, master_key=MASTER_KEY, mail=mail)
    with running(told, hasher, clock) as served:
        somebody(served.core)
        yield served


def letters(house: Running) -> list[str]:
    """What is on its way, as text."""
    waiting = [mail.id for mail in do(house.core, outbox.listed)]
    return [do(house.core, outbox.read, mail).letter.text for mail in waiting]


def test_who_forgot_it_sets_another_by_a_mailed_link(mailing: Running) -> None:
    """From the sign-in page to the mail, by its link to a new password, and in; other sessions have ended."""
    signed_in = {"email": ALICE, "password": "correct-horse-7-battery"}
    token = ask(mailing, "POST", "/auth/login", json=signed_in).json()["accessToken"]
    with browsing(mailing.url) as browser:
        assert 'href="/forgotten"' in browser.go("/sign-in").text
        browser.go("/forgotten")
        page = browser.send("/forgotten", name=ALICE)
        assert (page.url.path, "a link is on its way there" in page.text) == ("/sign-in", True)
        [letter] = letters(mailing)
        [link] = re.findall(r"^http://127\.0\.0\.1:8080(/reset-password\?token=\w+)$", letter, re.MULTILINE)
        browser.go(link)
        browser.send("/reset-password", password=NEW_PASSWORD, again=NEW_PASSWORD)
        assert browser.sign_in(password=NEW_PASSWORD).url.path == "/account"
        assert browser.go(link).status_code == 410
    answer = ask(mailing, "GET", "/users/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_T_02_everybody_is_answered_alike(mailing: Running) -> None:
    """Known, unknown, disabled or nothing at all: the same page; mail goes to the known one alone."""
    disabled = somebody(mailing.core, BOB)
    do(mailing.core, accounts.disable, disabled.number)
    pages = []
    for name in (ALICE, "nobody@example.org", BOB, "", "x" * 5000):
        with browsing(mailing.url) as browser:
            browser.go("/forgotten")
            page = browser.send("/forgotten", name=name)
            told = re.sub(r'nonce="[^"]+"|value="[^"]+"|data-begun="[^"]+"', "", page.text)
            pages.append((page.status_code, page.url, told))
    assert pages == [pages[0]] * len(pages)
    assert [mail.recipient for mail in do(mailing.core, outbox.listed)] == [ALICE]


def test_R_03_the_link_leads_to_the_server_s_own_address(mailing: Running) -> None:
    """Whatever host a request says that it goes to, the mailed link has the configured one."""
    forged = {"x-forwarded-host": "evil.example.org", "forwarded": "host=evil.example.org"}
    with browsing(mailing.url, **forged) as browser:
        browser.go("/forgotten")
        browser.send("/forgotten", name=ALICE)
    [letter] = letters(mailing)
    assert ("evil.example.org" in letter, "http://127.0.0.1:8080/reset-password" in letter) == (False, True)


def test_where_no_mail_is_sent_nobody_is_offered_any(house: Running, browser: Browser) -> None:
    """Without a mail server there is no such page, and nothing on the sign-in page leads there."""
    assert "/forgotten" not in browser.go("/sign-in").text
    assert browser.go("/forgotten").status_code == 404
