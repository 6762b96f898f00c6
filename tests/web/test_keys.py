"""The API keys page: keys for each product that knows them, made after a proof, shown once, revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from tests.fakes import do
from tests.people import rows
from tests.running import Running, ask
from tests.visiting import Browser

from dragoman.core.api_keys import api_keys, issue

PATH = "/account/keys"
ALICES, BOBS = 1, 2  # the numbers of their accounts
SECRET = re.compile(r'<div class="shown-once code" id="key">([^<]+)</div>')


def made(browser: Browser, dialect: str = "immich", **typed: str | list[str]) -> str:
    """The secret of a new key of somebody who is signed in."""
    browser.go(f"{PATH}/new/{dialect}")
    page = browser.send(f"{PATH}/new/{dialect}", **{"name": "Backup", "may": "all", "ends": "90", **typed})
    found = SECRET.search(page.text)
    assert found is not None, page.text
    return found[1]


def by_key(house: Running, path: str, secret: str, method: str = "GET") -> int:
    """What Immich says to a program with this key."""
    return ask(house, method, path, headers={"x-api-key": secret}).status_code


def test_K_01_a_key_is_shown_once_and_listed_by_its_beginning(house: Running, browser: Browser) -> None:
    """The secret is on one page and works; the list has name, beginning, dates and what the key may do."""
    browser.sign_in()
    secret = made(browser)
    assert by_key(house, "/users/me", secret) == 200
    page = browser.go(PATH)
    assert secret not in page.text
    for said in ("Backup", "Immich", f"{secret[:6]}…", "last used", "ends", "everything that you may"):
        assert said in page.text
    [row] = rows(house.core, api_keys)
    assert (row["dialect"], row["permissions"]) == ("immich", ["all"])
    assert row["expires_at"] == row["created_at"] + timedelta(days=90)


def test_K_01_a_key_may_do_what_was_ticked_and_no_more(house: Running, browser: Browser) -> None:
    """Permissions are the product's own, and one that was not given is lacking."""
    browser.sign_in()
    secret = made(browser, may="some", permission=["apiKey.read", "album.read"])
    assert by_key(house, "/api-keys", secret) == 200
    assert by_key(house, "/sessions", secret) == 403
    assert "May do 2 things" in browser.go(PATH).text


@pytest.mark.parametrize("dialect", ["elements", "portainer"])
def test_every_product_with_keys_has_its_own_form(house: Running, browser: Browser, dialect: str) -> None:
    """A key looks as the product's own do, and where the product knows no permissions, none are asked for."""
    browser.sign_in()
    assert "permission" not in browser.go(f"{PATH}/new/{dialect}").text
    assert made(browser, dialect).startswith({"elements": "elements_", "portainer": "ptr_"}[dialect])


@pytest.mark.parametrize("dialect", ["shoko", "aivo", "none"])
def test_a_product_without_keys_offers_none(browser: Browser, dialect: str) -> None:
    """There is nothing to make a key for."""
    browser.sign_in()
    assert f"{PATH}/new/{dialect}" not in browser.go(PATH).text
    assert browser.go(f"{PATH}/new/{dialect}").status_code == 404


REFUSED = {
    "no name": ({"name": " "}, "must not be empty"),
    "nothing ticked": ({"may": "some"}, "Tick what it may do"),
    "a permission of another product": ({"may": "some", "permission": "users:manage"}, "Tick what it may do"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_key_is_said_in_the_form(house: Running, browser: Browser, case: str) -> None:
    """The form comes back with what was typed and what is missing, and no key is made."""
    typed, said = REFUSED[case]
    browser.sign_in()
    browser.go(f"{PATH}/new/immich")
    page = browser.send(f"{PATH}/new/immich", **{"name": "Backup", "may": "all", "ends": "never", **typed})
    assert (page.status_code, said in page.text) == (422, True)
    assert 'value="never" selected' in page.text
    assert rows(house.core, api_keys) == []


def test_a_key_is_made_only_after_a_fresh_proof(house: Running, browser: Browser) -> None:
    """Ten minutes after the last proof the form asks for another; what was shown before makes nothing."""
    browser.sign_in()
    browser.go(f"{PATH}/new/immich")
    house.clock.forward(minutes=11)
    page = browser.send(f"{PATH}/new/immich", name="Backup", may="all", ends="90")
    assert page.url.path == "/confirm"
    assert rows(house.core, api_keys) == []


def test_a_revoked_key_opens_nothing(house: Running, browser: Browser) -> None:
    """Whoever revokes a key has it refused from then on, and the owner is told of what was made."""
    browser.sign_in()
    secret = made(browser)
    page = browser.go(PATH)
    [action] = re.findall(rf'action="({PATH}/[0-9a-f-]+/revoke)"', page.text)
    assert "opens nothing any more" in browser.send(action).text
    assert by_key(house, "/users/me", secret) == 401


def test_nobody_revokes_anothers_key(house: Running, browser: Browser) -> None:
    """The key of another account is not there."""
    bobs, _ = do(house.core, issue, BOBS, "immich", name="Bob's", permissions=["all"])
    browser.sign_in()
    browser.go(PATH)
    form = browser.form("/sign-out")
    assert browser.client.post(f"{PATH}/{bobs.id}/revoke", data=form).status_code == 404
    assert len(rows(house.core, api_keys)) == 1


def test_the_list_goes_on(house: Running, browser: Browser) -> None:
    """Fifty keys are shown, and the way to those before them."""
    for at in range(51):
        house.clock.forward(seconds=1)
        do(house.core, issue, ALICES, "immich", name=f"key {at}.", permissions=["all"])
    browser.sign_in()
    page = browser.go(PATH)
    assert ("key 50." in page.text, "key 0." in page.text) == (True, False)
    [older] = re.findall(rf'href="({PATH}\?after=[^"]+)"', page.text)
    page = browser.go(older)
    assert ("key 1." in page.text, "key 0." in page.text, "after=" in page.text) == (False, True, False)
