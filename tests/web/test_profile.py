"""The profile page: the name that others see, and the names one signs in with."""

from __future__ import annotations

import pytest
from tests.fakes import do
from tests.people import ALICE, BOB
from tests.running import Running
from tests.visiting import Browser

from dragoman.core import outbox

PATH = "/account/profile"
NAMES = f"{PATH}/names"
NEW = "alice@example.net"


def mailed(house: Running) -> list[tuple[str, str]]:
    """Whom mail was written to, and what about."""
    posted = do(house.core, outbox.listed)
    return sorted((mail.recipient, do(house.core, outbox.read, mail.id).letter.subject) for mail in posted)


def test_somebody_is_called_otherwise_at_once(browser: Browser) -> None:
    """A new name is on the next page, as it was typed."""
    browser.sign_in()
    browser.go(PATH)
    page = browser.send(PATH, display_name="Alice <Liddell>")
    assert ("Saved." in page.text, "Alice &lt;Liddell&gt;" in page.text) == (True, True)


def test_a_name_that_cannot_be_one_is_said_to_be_none(browser: Browser) -> None:
    """The form comes back with the reason."""
    browser.sign_in()
    browser.go(PATH)
    page = browser.send(PATH, display_name=" ")
    assert (page.status_code, "That name must not be empty." in page.text) == (422, True)


def test_both_addresses_are_told_when_one_takes_the_others_place(house: Running, browser: Browser) -> None:
    """Somebody signs in by the new address from then on, not by the old one; each is written to."""
    browser.sign_in()
    browser.go(NAMES)
    page = browser.send(NAMES, email=NEW, username="liddell")
    assert (page.url.path, NEW in page.text, "liddell" in page.text) == (PATH, True, True)
    what = f"The address of your account is {NEW} from now on."
    named = "Your account is called “liddell” from now on."
    assert mailed(house) == sorted([(NEW, what), (ALICE, what), (ALICE, named)])
    browser.send("/sign-out")
    assert browser.sign_in(ALICE).status_code == 401
    assert browser.sign_in(NEW).status_code == 200


REFUSED = {
    "another's": ({"email": BOB, "username": "liddell"}, "That address is somebody&#39;s already."),
    "none": ({"email": "alice"}, "That address must be an e-mail address."),
    "no username": ({"username": ""}, "That username must not be empty."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_nobody_can_sign_in_with_is_refused(house: Running, browser: Browser, case: str) -> None:
    """The form says why, what was there stays, and nobody is written to."""
    typed, said = REFUSED[case]
    browser.sign_in()
    browser.go(NAMES)
    page = browser.send(NAMES, **typed)
    assert (page.status_code, said in page.text) == (422, True)
    assert mailed(house) == []
    assert ALICE in browser.go(PATH).text
    browser.send("/sign-out")
    assert browser.sign_in("liddell").status_code == 401
    assert browser.sign_in(ALICE).status_code == 200


def test_names_are_changed_only_after_a_fresh_proof(house: Running, browser: Browser) -> None:
    """Ten minutes after the last proof, neither the form is shown nor what was shown before is taken."""
    browser.sign_in()
    browser.go(NAMES)
    house.clock.forward(minutes=11)
    assert browser.send(NAMES, email=NEW).url.path == "/confirm"
    assert browser.go(NAMES).url.path == "/confirm"
    assert mailed(house) == []
