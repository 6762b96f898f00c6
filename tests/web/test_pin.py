"""The PIN page: set, changed and removed by whoever proves who they are."""

from __future__ import annotations

import pytest
from tests.fakes import PASSWORD
from tests.people import ALICE
from tests.running import Running, ask
from tests.visiting import Browser

PATH = "/account/pin"
FIRST, SECOND = "271828", "314159"


def opens(house: Running, pin: str) -> bool:
    """Whether a PIN unlocks a session of Alice's at Immich."""
    login = {"email": ALICE, "password": PASSWORD}
    token = ask(house, "POST", "/auth/login", json=login).json()["accessToken"]
    headers = {"authorization": f"Bearer {token}"}
    answer = ask(house, "POST", "/auth/session/unlock", json={"pinCode": pin}, headers=headers)
    assert answer.status_code in (200, 400, 401), answer.text
    return answer.status_code == 200


@pytest.fixture
def with_pin(browser: Browser) -> Browser:
    """A browser of Alice's, who has a PIN."""
    browser.sign_in()
    browser.go(PATH)
    page = browser.send(PATH, new=FIRST, again=FIRST)
    assert "Your PIN is set." in page.text
    return browser


def test_a_pin_is_good_in_the_apps_that_ask_for_it(house: Running, with_pin: Browser) -> None:
    """What is set here unlocks there, and nothing else does."""
    assert opens(house, FIRST)
    assert not opens(house, SECOND)


@pytest.mark.parametrize("proof", [{"old": FIRST}, {"password": PASSWORD}])
def test_a_pin_is_changed_by_the_one_before_or_the_password(
    house: Running, with_pin: Browser, proof: dict[str, str]
) -> None:
    """Either proves it; the old one opens nothing any more."""
    assert "Your PIN is set." in with_pin.send(f"{PATH}/change", new=SECOND, again=SECOND, **proof).text
    assert (opens(house, FIRST), opens(house, SECOND)) == (False, True)


def test_a_pin_is_removed(house: Running, with_pin: Browser) -> None:
    """It opens nothing, and the form for a first one is back."""
    form = {**with_pin.form(f"{PATH}/change"), "old": FIRST}
    assert with_pin.client.post(f"{PATH}/remove", data=form).status_code == 303
    assert "Set it" in with_pin.go(PATH).text
    assert not opens(house, FIRST)


REFUSED = {
    "a wrong one": ({"old": "000000"}, "That is not your PIN."),
    "a wrong password": ({"password": "guess"}, "That is not your password."),
    "neither": ({}, "Type the PIN that you have now, or your password."),
    "five digits": ({"old": FIRST, "new": "12345", "again": "12345"}, "A PIN is six digits."),
    "letters": ({"old": FIRST, "new": "secret", "again": "secret"}, "A PIN is six digits."),
    "not the same": ({"old": FIRST, "again": "111111"}, "The two new PINs are not the same."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_changes_no_pin_is_said_in_the_form(house: Running, with_pin: Browser, case: str) -> None:
    """The form says what is wrong, and the PIN stays."""
    typed, said = REFUSED[case]
    page = with_pin.send(f"{PATH}/change", **{"new": SECOND, "again": SECOND, **typed})
    assert (page.status_code, said in page.text) == (422, True)
    assert opens(house, FIRST)


def test_a_pin_is_set_only_after_a_fresh_proof(house: Running, browser: Browser) -> None:
    """Ten minutes after the last proof, neither the form is shown nor what was shown before is taken."""
    browser.sign_in()
    browser.go(PATH)
    house.clock.forward(minutes=11)
    assert browser.send(PATH, new=FIRST, again=FIRST).url.path == "/confirm"
    assert browser.go(PATH).url.path == "/confirm"
    assert not opens(house, FIRST)
