"""The links page: what was handed on, how often it was opened, and the end of it."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.fakes import ELSEWHERE, ORIGIN
from tests.links import made, opened
from tests.people import ALICE, BOB, calling
from tests.running import Running
from tests.visiting import Browser

from dragoman.core import accounts
from dragoman.core.principals import Principal

PATH = "/account/links"
ELEMENTS = replace(ORIGIN, dialect="elements")


def person(house: Running, name: str) -> Principal:
    """Somebody who is there, as a caller."""
    with house.core.begin(ELEMENTS, writes=False) as uow:
        account = accounts.get(uow, name)
    return calling(house.core, account, origin=ELEMENTS)


def test_K_07_a_link_is_listed_with_who_opened_it_and_revoked(house: Running, browser: Browser) -> None:
    """What it shares, what is left of it and where it was opened from; revoked, it opens nothing."""
    alice = person(house, ALICE)
    link, token = made(house.core, alice, views=3, password="open sesame")
    opened(house.core, token, password="open sesame")
    browser.sign_in()
    page = browser.go(PATH)
    for said in ("Dailies", "Immich", "2 views left", "Opened once", ELSEWHERE.address, "with a password"):
        assert said in page.text
    assert token.reveal() not in page.text
    assert "opens nothing any more" in browser.send(f"{PATH}/{link.id}/revoke").text
    assert "There are none." in browser.go(PATH).text


def test_others_links_are_not_there(house: Running, browser: Browser) -> None:
    """A link that somebody else made for somebody else is neither shown nor revoked; one that is opened as oneself is."""
    bob = person(house, BOB)
    theirs, _ = made(house.core, bob)
    as_alice, _ = made(house.core, bob, account_number=person(house, ALICE).account.number)
    browser.sign_in()
    page = browser.go(PATH)
    assert re.findall(rf'action="{PATH}/(\d+)/revoke"', page.text) == [str(as_alice.id)]
    assert "made by somebody else" in page.text
    form = browser.form(f"{PATH}/{as_alice.id}/revoke")
    for number in (theirs.id, "x", "9" * 30):
        assert browser.client.post(f"{PATH}/{number}/revoke", data=form).status_code == 404
