"""The administrators' pages of accounts: who is there, who is added, and what is done with whom."""

from __future__ import annotations

import re

import pytest
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, do
from tests.people import ALICE, BOB, calling, events, opened, presenting, rows, somebody
from tests.running import Running, ask
from tests.visiting import Browser, browsing

from dragoman.core import accounts, api_keys, app_passwords, approvals, devices, invitations, outbox
from dragoman.core.accounts import Account, Changes, NewAccount
from dragoman.core.audit import audit_log
from dragoman.core.invitations import Offer
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device

LIST = "/admin/accounts"


def bob(house: Running) -> Account:
    """Bob as he is now."""
    return do(house.core, accounts.get, BOB)


def signs_in(house: Running, name: str = BOB, password: str = PASSWORD) -> int:
    """What Immich answers to a sign-in."""
    return ask(house, "POST", "/auth/login", json={"email": name, "password": password}).status_code


@pytest.fixture
def admin(browser: Browser) -> Browser:
    """Alice's browser."""
    browser.sign_in()
    return browser


@pytest.fixture
def at_bob(house: Running, admin: Browser) -> str:
    """Alice looks at Bob's page; its path."""
    path = f"{LIST}/{bob(house).number}"
    assert admin.go(path).status_code == 200
    return path


@pytest.mark.parametrize("path", [LIST, f"{LIST}/new", f"{LIST}/1"])
def test_only_administrators_see_accounts(house: Running, path: str) -> None:
    """Who is not signed in is asked to; who does not administer is refused, and finds no way there."""
    with browsing(house.url) as stranger:
        assert stranger.go(path).url.path == "/sign-in"
        stranger.sign_in(BOB)
        assert LIST not in stranger.go("/account").text
        assert stranger.go(path).status_code == 403


def test_accounts_are_found_by_how_a_name_begins(house: Running, admin: Browser) -> None:
    """The list has everybody, with their states; a search those whose username or address begins so, in any case."""
    do(house.core, accounts.disable, bob(house).number)
    page = admin.go(LIST).text
    assert ALICE in page
    assert re.search(r"bob@example\.org</td>\s*<td>\s*<span class=\"tag bad\">disabled", page)
    found = admin.go(f"{LIST}?q=BOB@ex").text
    assert (BOB in found, ALICE in found) == (True, False)
    assert "begins with “nobody”" in admin.go(f"{LIST}?q=nobody").text


def test_the_list_goes_on_after_fifty(house: Running, admin: Browser) -> None:
    """A page has fifty accounts; the next one begins after them and keeps the search."""
    for n in range(51):
        somebody(house.core, f"many{n:02}@example.org", password=None)
    page = admin.go(f"{LIST}?q=many").text
    assert page.count("many") > page.count("many50") == 0
    [further] = re.findall(r'<a href="([^"]+)" rel="next"', page)
    page = admin.go(further.replace("&amp;", "&")).text
    assert ("many50" in page, "many49" in page, BOB in page) == (True, False, False)
    assert admin.go(f"{LIST}?after=x").status_code == 404


def test_R_05_an_administrator_adds_an_account_whose_owner_sets_the_password(
    house: Running, admin: Browser
) -> None:
    """No page asks an administrator for somebody's password: the owner sets one by a link, shown once."""
    page = admin.go(f"{LIST}/new")
    assert (page.status_code, 'type="password"' in page.text) == (200, False)
    page = admin.send(f"{LIST}/new", email="carl@example.org", display_name="Carl", username="")
    assert "has no password yet" in page.text
    page = admin.send(f"{page.url.path}/reset-link")
    [link] = re.findall(r'id="link">([^<]+)<', page.text)
    assert link not in admin.go(page.url.path.removesuffix("/reset-link")).text
    with browsing(house.url) as carl:
        carl.go(link[link.index("/reset-password") :])
        carl.send("/reset-password", password="carls own words", again="carls own words")
    assert signs_in(house, "carl@example.org", "carls own words") == 201


def test_what_is_wrong_with_a_new_account_is_said_beside_the_field(house: Running, admin: Browser) -> None:
    """A name that somebody has, that cannot be one, or none at all; and nobody is added."""
    before = len(rows(house.core, accounts.accounts))
    admin.go(f"{LIST}/new")
    for typed, problem in (
        ({"email": BOB}, "Somebody has that name already."),
        ({"email": "nobody"}, "This must be an e-mail address."),
        ({"email": ""}, "Give an e-mail address, a username, or both."),
    ):
        page = admin.send(f"{LIST}/new", **typed)
        assert (page.status_code, problem in page.text) == (422, True)
    assert len(rows(house.core, accounts.accounts)) == before


def test_a_disabled_account_is_refused_by_every_door_and_comes_back(
    house: Running, admin: Browser, at_bob: str
) -> None:
    """Disabled, its sessions end and nobody signs in by it; enabled, its owner does again."""
    with browsing(house.url) as his:
        his.sign_in(BOB)
        admin.send(f"{at_bob}/disable")
        assert his.go("/account").url.path == "/sign-in"
    assert signs_in(house) == 401
    admin.send(f"{at_bob}/enable")
    assert signs_in(house) == 201
    admin.send(f"{at_bob}/delete")
    assert signs_in(house) == 401
    admin.send(f"{at_bob}/restore")
    assert signs_in(house) == 201


def test_administrators_are_made_and_unmade_but_one_stays(
    house: Running, admin: Browser, at_bob: str
) -> None:
    """Who is made one is told by mail, and may administer; the last one cannot be unmade, disabled or deleted."""
    admin.send(f"{at_bob}/promote")
    assert [mail.recipient for mail in do(house.core, outbox.listed)] == [BOB]
    admin.send(f"{at_bob}/demote")
    assert not bob(house).is_admin
    mine = f"{LIST}/{do(house.core, accounts.get, ALICE).number}"
    for deed in ("demote", "disable", "delete"):
        admin.go(mine)
        page = admin.send(f"{mine}/{deed}")
        assert (page.status_code, "Make somebody else one first" in page.text) == (409, True)
    lines = [row for row in rows(house.core, audit_log) if row["event"] == "account changed"]
    assert [line["account_number"] for line in lines] == [bob(house).number] * 2
    assert {line["actor_number"] for line in lines} == {do(house.core, accounts.get, ALICE).number}


def test_S_09_nothing_is_done_to_an_account_without_a_fresh_proof(
    house: Running, admin: Browser, at_bob: str
) -> None:
    """After ten minutes each deed leads to the page that asks for the password, and from there back."""
    house.clock.forward(minutes=11)
    for deed in ("disable", "promote", "delete", "reset-link", "act"):
        admin.go(at_bob)
        assert admin.send(f"{at_bob}/{deed}").url.path == "/confirm"
    assert bob(house).is_active
    assert admin.send("/confirm", password=PASSWORD).url.path == at_bob
    admin.send(f"{at_bob}/disable")
    assert not bob(house).is_active


def test_somebody_is_signed_out_everywhere(house: Running, admin: Browser, at_bob: str) -> None:
    """Their sessions are listed by product and ended at once; it is on record who did it."""
    _, secret = opened(house.core, bob(house))
    assert "Immich" in admin.go(at_bob).text
    admin.send(f"{at_bob}/sessions/end")
    answer = ask(house, "GET", "/users/me", headers={"authorization": f"Bearer {secret.reveal()}"})
    assert answer.status_code == 401
    [line] = [row for row in rows(house.core, audit_log) if row["event"] == "sessions ended"]
    assert line["actor_number"] == do(house.core, accounts.get, ALICE).number


def test_what_somebody_holds_is_shown_and_ended_one_by_one(house: Running, admin: Browser) -> None:
    """Sessions, keys, app passwords, sign-ins that wait and devices are ended on the account's page, which stays there."""
    theirs = bob(house)
    session, secret = opened(house.core, theirs)
    key, _ = do(house.core, api_keys.issue, theirs.number, "immich", name="backup", permissions=["all"])
    by = presenting(house.core, secret)
    do(house.core, app_passwords.make, "immich", "Old phone", by=by)
    [app_password] = do(house.core, app_passwords.of_account, theirs.number)
    do(house.core, approvals.ask, theirs, Device("Pixel 7", "Android"))
    [approval] = do(house.core, approvals.waiting, theirs.number)
    do(house.core, devices.remember, theirs.number)
    here = f"{LIST}/{theirs.number}"
    page = admin.go(here).text
    for shown in ("Old phone", "backup", "Pixel 7 on Android", "1, last signed in"):
        assert shown in page
    for deed in (
        f"/admin/keys/{key.id}/revoke",
        f"{here}/app-passwords/{app_password.id}/end",
        f"{here}/approvals/{approval.id}/refuse",
        f"{here}/devices/forget",
        f"/admin/sessions/{session.id}/end",
    ):
        answer = admin.send(deed)
        assert (answer.status_code, answer.url.path, 'class="notice good"' in answer.text) == (
            200,
            here,
            True,
        )
    page = admin.go(here).text
    for shown in ("Old phone", "backup", "Pixel 7", "last signed in"):
        assert shown not in page
    actors = {row["event"]: row["actor_number"] for row in rows(house.core, audit_log)}
    mine = do(house.core, accounts.get, ALICE).number
    for event in (
        "key revoked",
        "app password ended",
        "sign-in refused",
        "devices forgotten",
        "session ended",
    ):
        assert actors[event] == mine, event


def test_by_whom_somebody_was_invited_and_whom_they_invite(house: Running, admin: Browser) -> None:
    """The account's page has the invitation that let them in, and those of theirs that wait, to be revoked."""
    do(house.core, accounts.change, bob(house).number, Changes(is_admin=True))
    inviter = calling(house.core, bob(house))
    made = do(
        house.core, invitations.invite, Offer(email="carl@example.org"), inviter=inviter.account, by=inviter
    )
    page = admin.go(f"{LIST}/{bob(house).number}").text
    assert re.search(r"They invited carl@example\.org\s+<span class=\"tag\">waiting", page)
    secret = Secret(made.link.reveal().partition("token=")[2])
    new = NewAccount(email="carl@example.org", username="carl")
    carl = invitations.accept(house.core, ORIGIN, secret, new, Secret(NEW_PASSWORD))
    assert "They invited" not in admin.go(f"{LIST}/{bob(house).number}").text
    assert "They were invited" in admin.go(f"{LIST}/{carl.number}").text


def test_K_08_acting_as_somebody_else_is_seen_on_every_page_until_it_stops(
    house: Running, admin: Browser, at_bob: str
) -> None:
    """A banner names both; what one signs in with stays theirs; both are on record; and one is oneself again."""
    page = admin.send(f"{at_bob}/act")
    assert re.search(r'class="banner".*You act as .* You are ', page.text, re.DOTALL)
    assert admin.go(LIST).status_code == 403
    assert admin.go("/account/totp").status_code == 403
    admin.go("/account")
    page = admin.send("/admin/stop-acting")
    assert (page.url.path, "You are yourself again." in page.text) == (at_bob, True)
    assert {"impersonation started", "impersonation stopped"} <= set(events(house.core))
    mine = f"{LIST}/{do(house.core, accounts.get, ALICE).number}"
    admin.go(at_bob)
    form = admin.form(f"{at_bob}/act")
    assert admin.client.post(f"{mine}/act", data=form).status_code == 409
