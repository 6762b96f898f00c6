"""Invitations on the pages: made by an administrator, accepted by a guest, and taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.fakes import NEW_PASSWORD, do
from tests.people import ALICE, BOB, rows
from tests.running import Running, ask
from tests.visiting import Browser, browsing

from dragoman.core import accounts, groups, invitations
from dragoman.core.secrets import Secret

LIST = "/admin/invitations"
CARL = "carl@example.org"
CHOSEN = {
    "display_name": "Carl",
    "email": CARL,
    "username": "carl",
    "password": NEW_PASSWORD,
    "again": NEW_PASSWORD,
}


@pytest.fixture
def admin(browser: Browser) -> Browser:
    """Alice's browser."""
    browser.sign_in()
    return browser


@pytest.fixture
def guest(house: Running) -> Iterator[Browser]:
    """A browser of somebody who has no account."""
    with browsing(house.url) as opened:
        yield opened


def handed_over(at: Browser, **typed: str) -> str:
    """The path of a link that an administrator was shown."""
    at.go(f"{LIST}/new")
    page = at.send(f"{LIST}/new", days="3", **typed)
    [link] = re.findall(r'id="link">([^<]+)<', page.text)
    return "/invitation" + str(link).partition("/invitation")[2]


def test_a_guest_makes_an_account_and_is_shown_how_to_connect_an_app(
    house: Running, admin: Browser, guest: Browser
) -> None:
    """Whoever follows the link chooses names and a password, is signed in, and signs in to apps with them."""
    family = do(house.core, groups.add, "family")
    page = guest.go(handed_over(admin, group=str(family.number)))
    assert (page.status_code, "You are invited" in page.text) == (200, True)
    page = guest.send("/invitation", **CHOSEN)
    assert (page.url.path, "connect your first app" in page.text) == ("/account/apps", True)
    login = ask(house, "POST", "/auth/login", json={"email": CARL, "password": NEW_PASSWORD})
    assert login.status_code == 201
    carl = do(house.core, accounts.get, CARL)
    assert [group.name for group in do(house.core, groups.of_account, carl.number)] == ["family"]
    shown = admin.go(LIST).text
    assert ("accepted" in shown, ">Carl</a>" in shown) == (True, True)


def test_what_was_decided_is_shown_and_not_asked(admin: Browser, guest: Browser) -> None:
    """An address that the administrator has given is the guest's, whatever a form says."""
    page = guest.go(handed_over(admin, email=CARL, admin="on"))
    assert (CARL in page.text, 'name="email"' in page.text) == (True, False)
    assert "administrator" in page.text
    page = guest.send("/invitation", **{**CHOSEN, "email": "other@example.org"})
    assert CARL in guest.go("/account/profile").text
    assert guest.go("/admin").status_code == 200


def test_a_link_that_is_good_no_more_looks_like_one_that_never_was(
    house: Running, admin: Browser, guest: Browser
) -> None:
    """Unknown, used, expired and revoked: one page and one status, which shows no form."""
    used, revoked, expired = (handed_over(admin) for _ in range(3))
    guest.go(used)
    guest.send("/invitation", **CHOSEN)
    with browsing(house.url) as late:
        late.go(revoked)
        secret = Secret(revoked.partition("token=")[2])
        found = do(house.core, invitations.find_open, secret)
        assert found is not None
        admin.go(LIST)
        admin.send(f"{LIST}/{found.id}/revoke")
        assert late.send("/invitation", **CHOSEN).status_code == 410
        house.clock.forward(days=3)
        pages = [late.go(link) for link in ("/invitation?token=x", "/invitation", used, revoked, expired)]
    assert {page.status_code for page in pages} == {410}
    assert len({re.sub(r"nonce=\"[^\"]+\"", "", page.text) for page in pages}) == 1
    assert "<form" not in pages[0].text


def test_what_is_wrong_is_said_beside_its_field_and_the_link_stays_good(
    house: Running, admin: Browser, guest: Browser
) -> None:
    """A name that is taken, a bad password and two that differ; what was typed stays, but for passwords."""
    link = handed_over(admin)
    for wrong, words in (
        ({"email": BOB}, "This is taken."),
        ({"again": "another"}, "not the same"),
        ({"password": "password", "again": "password"}, 'role="alert"'),
    ):
        guest.go(link)
        page = guest.send("/invitation", **{**CHOSEN, **wrong})
        assert (page.status_code, words in page.text, 'value="carl"' in page.text) == (422, True, True)
        assert NEW_PASSWORD not in page.text
    assert len(rows(house.core, accounts.accounts)) == 2
    assert guest.send("/invitation", **CHOSEN).url.path == "/account/apps"


def test_W_04_the_page_is_kept_by_nobody_and_its_address_told_to_nobody(
    admin: Browser, guest: Browser
) -> None:
    """It holds a secret: it is not stored, and nothing that it loads or leads to learns where somebody came from."""
    page = guest.go(handed_over(admin))
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "strict-origin"  # the path is left out, even for pages of ours


def test_what_cannot_be_offered_is_said_beside_its_field(house: Running, admin: Browser) -> None:
    """A name that somebody has, and a mail that would go nowhere; nothing is made."""
    for typed, words in (
        ({"email": ALICE}, "Somebody has that name already."),
        ({"email": "", "mail": "on"}, "Where to?"),
    ):
        admin.go(f"{LIST}/new")
        page = admin.send(f"{LIST}/new", days="3", **typed)
        assert (page.status_code, words in page.text) == (422, True)
    assert rows(house.core, invitations.invitations) == []


def test_S_09_only_administrators_invite_and_only_right_after_a_proof(
    house: Running, admin: Browser, guest: Browser
) -> None:
    """Bob may not even look; Alice in an old session proves anew that she is still she."""
    guest.sign_in(BOB)
    assert {guest.go(path).status_code for path in (LIST, f"{LIST}/new")} == {403}
    house.clock.forward(minutes=11)
    assert admin.go(LIST).url.path == LIST
    assert admin.go(f"{LIST}/new").url.path == "/confirm"
