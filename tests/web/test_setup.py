"""The first start: a link is printed, leads to the first administrator, and is good for nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fakes import PASSWORD, do
from tests.people import ALICE, rows, somebody
from tests.running import Running
from tests.visiting import Browser, browsing

from dragoman.core import setup_links
from dragoman.core.accounts import accounts
from dragoman.core.secrets import Secret

TYPED = {"display_name": "Alice", "email": ALICE, "username": "", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
def empty(sqlite_server: Running) -> Running:
    """A server at which nobody has an account."""
    return sqlite_server


@pytest.fixture
def browser(empty: Running) -> Iterator[Browser]:
    """A browser at which nobody has signed in."""
    with browsing(empty.url) as opened:
        yield opened


def link(house: Running) -> str:
    """The path of a link as a start prints it."""
    secret: Secret = do(house.core, setup_links.make)
    return f"/set-up?token={secret.reveal()}"


def test_the_link_makes_the_first_administrator_and_shows_where_to_go(
    empty: Running, browser: Browser
) -> None:
    """Who follows it is signed in afterwards, as an administrator, chooses products, and is told the address of each."""
    assert "Nobody has an account here yet." in browser.go("/sign-in").text
    page = browser.go(link(empty))
    assert (page.status_code, page.headers["referrer-policy"]) == (200, "strict-origin")
    page = browser.send("/set-up", **TYPED)
    assert (page.url.path, "you are signed in" in page.text) == ("/admin/dialects", True)
    assert 'href="/account/apps"' in page.text
    assert "http://127.0.0.1:8080/immich/api" in browser.go("/account/apps").text
    assert [row["is_admin"] for row in rows(empty.core, accounts)] == [True]
    assert "Nobody has an account" not in browser.go("/sign-in").text


def test_B_01_a_link_is_good_for_as_long_as_nobody_has_an_account(empty: Running, browser: Browser) -> None:
    """An hour later it is good; once there is an account, it and all others are dead, whoever made that."""
    mine, other = link(empty), link(empty)
    empty.clock.forward(hours=1)
    assert browser.go(mine).status_code == 200
    browser.send("/set-up", **TYPED)
    for each in (mine, other):
        assert (browser.go(each).status_code, "<form" in browser.go(each).text) == (410, False)


@pytest.mark.parametrize("token", ["", "x", "0" * 40, "%00"])
def test_B_01_nobody_makes_one_without_a_link(browser: Browser, token: str) -> None:
    """A token that is none of ours shows no form."""
    assert browser.go(f"/set-up?token={token}").status_code == 410


def test_B_01_of_fifty_at_once_one_makes_the_administrator(empty: Running) -> None:
    """However many follow the link at the same instant, there is one account."""
    path = link(empty)

    def follow(number: int) -> int:
        with browsing(empty.url) as each:
            if each.go(path).status_code == 410:
                return 410
            return each.send("/set-up", **{**TYPED, "email": f"{number}@example.org"}).status_code

    with ThreadPoolExecutor(10) as many:
        answers = list(many.map(follow, range(50)))
    assert len(rows(empty.core, accounts)) == 1
    assert answers.count(200) == 1


def test_everything_wrong_is_said_beside_its_field(empty: Running, browser: Browser) -> None:
    """What was typed stays, but for passwords; nothing is made."""
    browser.go(link(empty))
    page = browser.send("/set-up", **{**TYPED, "password": "password", "again": "password"})
    assert (page.status_code, ALICE in page.text) == (422, True)
    assert 'value="password"' not in page.text
    page = browser.send("/set-up", **{**TYPED, "again": "another"})
    assert "not the same" in page.text
    page = browser.send("/set-up", **{**TYPED, "email": "nobody"})
    assert re.search(r"This must be an e-mail address\.", page.text)
    assert rows(empty.core, accounts) == []


def test_links_do_not_pile_up(empty: Running) -> None:
    """A server that is started again and again remembers ten."""
    paths = [link(empty) for _ in range(12)]
    assert len(rows(empty.core, setup_links.setup_links)) == setup_links.MOST
    assert do(empty.core, setup_links.is_good, Secret(paths[-1].partition("=")[2]))
    somebody(empty.core)
    assert not do(empty.core, setup_links.is_good, Secret(paths[-1].partition("=")[2]))
