"""The page of other sign-ins: whom other providers know one as, and parting from them."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes import ORIGIN, do
from tests.people import opened, rows, somebody
from tests.running import Running
from tests.visiting import Browser

from dragoman.core import step_up
from dragoman.core.upstream import linked_identities
from dragoman.core.work import Core

PATH = "/account/identities"
ISSUER = "https://login.example.com/realms/a"
ALICES = 1  # the number of her account


def link(core: Core, number: int, issuer: str = ISSUER) -> None:
    """Link an account to somebody at a provider."""
    with core.begin(ORIGIN, writes=True) as uow:
        facts = {
            "issuer": issuer,
            "subject": f"id of {number}",
            "account_number": number,
            "linked_at": uow.now,
        }
        uow.db.execute(linked_identities.insert().values(**facts))


def test_an_identity_is_listed_and_unlinked(house: Running, browser: Browser) -> None:
    """The provider by its host name, and whom it knows; whoever has a password may part from it."""
    link(house.core, ALICES)
    browser.sign_in()
    page = browser.go(PATH)
    assert ("login.example.com" in page.text, "id of 1" in page.text) == (True, True)
    assert "not signed in by that provider any more" in browser.send(PATH).text
    assert rows(house.core, linked_identities) == []


def test_parting_takes_a_fresh_proof_and_what_is_ones_own(house: Running, browser: Browser) -> None:
    """An old session is asked who it is; somebody else's identity is not there."""
    link(house.core, 2)
    browser.sign_in()
    browser.go(PATH)
    form = {**browser.form("/sign-out"), "issuer": ISSUER, "subject": "id of 2"}
    assert browser.client.post(PATH, data=form).status_code == 404
    house.clock.forward(minutes=11)
    assert browser.client.post(PATH, data=form).headers["location"].startswith("/confirm")
    assert len(rows(house.core, linked_identities)) == 1


def test_the_last_way_in_stays(house: Running, browser: Browser) -> None:
    """Who has neither password nor passkey keeps the last provider, and is told why."""
    carol = somebody(house.core, "carol@example.org", password=None)
    link(house.core, carol.number)
    session, secret = opened(house.core, carol, origin=replace(ORIGIN, dialect="web"))
    do(house.core, step_up.note, session, "provider")
    browser.client.cookies.set("dragoman", secret.reveal())
    browser.go(PATH)
    page = browser.send(PATH)
    assert (page.status_code, "That is your only way in." in page.text) == (409, True)
    assert len(rows(house.core, linked_identities)) == 1
