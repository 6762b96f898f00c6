"""Everybody's sessions, API keys and mail, for administrators: found by account and app, and ended."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import urlencode

import pytest
from sqlalchemy import Connection, event
from tests.fakes import PASSWORD, do
from tests.load.pages import fill, paths
from tests.people import BOB, calling, opened, rows
from tests.running import Running, ask
from tests.visiting import Browser, browsing

from dragoman.core import access_tokens, accounts, api_keys, link_visits, outbox
from dragoman.core.access_tokens import NewAccessToken
from dragoman.core.accounts import Account
from dragoman.core.audit import audit_log
from dragoman.core.errors import AccessTokenRefused
from dragoman.core.mail import Letter
from dragoman.core.outbox import outbox as mails
from dragoman.core.work import Origin

LISTS = ("/admin/sessions", "/admin/keys", "/admin/outbox", "/admin/links", "/admin/signing-keys")
ELEMENTS = Origin("elements")
STEPS = 100  # of SQLite's machine, at a time
MOST_STEPS = 25_000  # the log has 20 000 rows, and to pass over one takes six or more


@pytest.fixture
def bob(house: Running) -> Account:
    """Bob, whose things are looked at."""
    return do(house.core, accounts.get, BOB)


@pytest.fixture
def admin(browser: Browser) -> Browser:
    """Alice's browser."""
    browser.sign_in()
    return browser


def actors(house: Running, event: str) -> list[tuple[int | None, int | None]]:
    """Whom an event concerned, and who did it."""
    found = [row for row in rows(house.core, audit_log) if row["event"] == event]
    return [(row["account_number"], row["actor_number"]) for row in found]


def button(browser: Browser, path: str, deed: str) -> str:
    """The one form of this page that does something with a row of a list."""
    assert browser.page is not None
    [action] = set(re.findall(rf'action="({path}/[0-9a-f-]{{36}}/{deed})"', browser.page.text))
    return str(action)


def test_only_administrators_see_what_is_everybodys(browser: Browser) -> None:
    """Who does not administer is refused."""
    browser.sign_in(BOB)
    assert [browser.go(path).status_code for path in LISTS] == [403] * len(LISTS)


def test_no_list_reads_all_of_a_large_table(house: Running, admin: Browser, sqlite_url: str) -> None:
    """Among thousands of everything, each page costs SQLite a small part of the steps that reading a table would."""
    somebody = fill(sqlite_url, 2000)
    steps: Counter[str] = Counter()
    asked = ""

    def step() -> None:
        steps[asked] += STEPS

    def watch(db: Connection, *_: object) -> None:
        db.connection.dbapi_connection.set_progress_handler(step, STEPS)  # type: ignore[union-attr]

    engine = house.core.database.engine
    event.listen(engine, "before_cursor_execute", watch)
    for asked, path in paths(somebody).items():  # noqa: B007 - what is counted is counted by it
        assert admin.go(path).status_code == 200
    event.remove(engine, "before_cursor_execute", watch)
    assert {name: count for name, count in steps.items() if count > MOST_STEPS} == {}


def test_lists_without_rows_say_what_would_be_there(house: Running, admin: Browser) -> None:
    """Nobody's rows: the lists say so, and who is not known is said."""
    assert "There is no such key." in admin.go("/admin/keys").text
    assert "No mail was posted lately." in admin.go("/admin/outbox").text
    assert "Nobody is signed in that way." in admin.go(f"/admin/sessions?account={BOB}").text
    assert "Nobody is called “nobody”." in admin.go("/admin/sessions?account=nobody").text


def test_a_session_is_found_and_ended(house: Running, admin: Browser, bob: Account) -> None:
    """Found by account and by app; refused at its next request; and on record with who ended it."""
    _, secret = opened(house.core, bob)
    assert "Immich" in admin.go("/admin/sessions?dialect=immich").text
    assert "Nobody is signed in that way." in admin.go("/admin/sessions?dialect=portainer").text
    admin.go(f"/admin/sessions?account={BOB}")
    page = admin.send(button(admin, "/admin/sessions", "end"))
    assert "signed out" in page.text
    answer = ask(house, "GET", "/users/me", headers={"authorization": f"Bearer {secret.reveal()}"})
    assert answer.status_code == 401
    assert actors(house, "session ended") == [(bob.number, do(house.core, accounts.get, "alice").number)]


def test_a_list_is_come_back_to_as_it_was(house: Running, admin: Browser, bob: Account) -> None:
    """Its filters are kept over the page that asks for a proof, and when something in it was ended."""
    opened(house.core, bob)
    house.clock.forward(minutes=11)
    asked = {"account": BOB, "dialect": "immich"}
    admin.go(f"/admin/sessions?{urlencode(asked)}")
    assert admin.send(button(admin, "/admin/sessions", "end")).url.path == "/confirm"
    page = admin.send("/confirm", password=PASSWORD)
    assert (page.url.path, dict(page.url.params)) == ("/admin/sessions", asked)
    page = admin.send(button(admin, "/admin/sessions", "end"))
    assert dict(page.url.params) == {**asked, "said": "account-session-ended"}


def test_a_key_is_found_and_revoked(house: Running, admin: Browser, bob: Account) -> None:
    """Found by account and by app; it opens nothing more, and its owner is told by mail."""
    _, secret = do(house.core, api_keys.issue, bob.number, "immich", name="backup", permissions=["all"])
    for query, there in (("dialect=immich", True), ("dialect=portainer", False), (f"account={BOB}", True)):
        assert ("backup" in admin.go(f"/admin/keys?{query}").text) == there
    admin.send(button(admin, "/admin/keys", "revoke"))
    assert ask(house, "GET", "/users/me", headers={"x-api-key": secret.reveal()}).status_code == 401
    assert actors(house, "key revoked") == [(bob.number, do(house.core, accounts.get, "alice").number)]
    assert [mail.recipient for mail in do(house.core, outbox.listed)] == [BOB]


def test_mail_that_waits_is_tried_again_or_given_up(house: Running, admin: Browser, bob: Account) -> None:
    """What it says is not shown; tried now, it is due; given up, it is erased, and cannot be again."""
    letter = Letter("A subject", "Some text", "<p>Some text</p>")
    do(house.core, outbox.post, letter, to=BOB, kind="tested", of=bob.number)
    house.clock.forward(minutes=5)
    page = admin.go("/admin/outbox")
    assert ("tested" in page.text, BOB in page.text, "Some text" in page.text) == (True, True, False)
    for action in ("/admin/outbox/retry", button(admin, "/admin/outbox", "retry")):
        assert "It is handed over now." in admin.send(action).text
        assert [row["due_at"] for row in rows(house.core, mails)] == [house.clock.now]
        house.clock.forward(minutes=1)
    action = button(admin, "/admin/outbox", "give-up")
    form = admin.form(action)
    admin.send(action)
    assert [(row["state"], row["letter"]) for row in rows(house.core, mails)] == [("withdrawn", None)]
    assert admin.client.post(action, data=form).status_code == 404


def test_lists_go_on_after_a_page(house: Running, admin: Browser, bob: Account) -> None:
    """Every session and every key is on one page of its list, whatever they have in common."""
    for n in range(60):
        opened(house.core, bob)
        do(house.core, api_keys.issue, bob.number, "immich", name=f"key {n:02}", permissions=["all"])
    for path, deed in (("/admin/sessions", "end"), ("/admin/keys", "revoke")):
        page = admin.go(f"{path}?account={BOB}").text
        [further] = re.findall(r'<a href="([^"]+)" rel="next"', page)
        page += admin.go(further.replace("&amp;", "&")).text
        found = re.findall(rf'action="{path}/([0-9a-f-]{{36}})/{deed}"', page)
        assert (len(found), len(set(found))) == (60, 60)


def test_a_link_is_found_and_revoked(house: Running, admin: Browser, bob: Account) -> None:
    """Found by whoever made it and by app, without the secret that opens it; it opens nothing more."""
    made_by = calling(house.core, bob, origin=ELEMENTS)
    new = NewAccessToken(bob.number, "/media/dailies")
    link = do(house.core, access_tokens.issue, new, by=made_by, origin=ELEMENTS)
    token = do(house.core, access_tokens.token_of, link)
    for query, there in (("dialect=elements", True), ("dialect=immich", False), (f"account={BOB}", True)):
        page = admin.go(f"/admin/links?{query}").text
        assert ("/media/dailies" in page, token.reveal() in page) == (there, False)
    admin.send(f"/admin/links/{link.id}/revoke")
    assert "There is no such link." in admin.go("/admin/links").text
    with pytest.raises(AccessTokenRefused):
        do(house.core, link_visits.look_at, token)
    assert actors(house, "link revoked") == [(bob.number, do(house.core, accounts.get, "alice").number)]


def test_signing_keys_are_replaced(house: Running, admin: Browser) -> None:
    """The next key signs, and what was signed before is good; or is refused at once, with the key that signed it."""
    body = {"username": "bob", "password": PASSWORD}
    jwt = admin.client.post("/portainer/api/auth", json=body).json()["jwt"]
    asked = {"authorization": f"Bearer {jwt}"}
    path = "/admin/signing-keys"
    page = admin.go(path).text
    assert ("Portainer" in page, "Immich</h2>" in page, page.count("signs</span>")) == (True, False, 1)
    assert "signs from now on" in admin.send(f"{path}/portainer/rotate").text
    with browsing(house.url) as client:
        assert client.client.get("/portainer/api/users/me", headers=asked).status_code == 200
        form = admin.form(f"{path}/portainer/rotate")
        admin.client.post(f"{path}/portainer/rotate", data={**form, "at_once": "yes"})
        house.clock.forward(seconds=2)
        assert client.client.get("/portainer/api/users/me", headers=asked).status_code == 401
    assert admin.client.post(f"{path}/immich/rotate", data=form).status_code == 404
    assert actors(house, "signing keys rotated") == [(None, do(house.core, accounts.get, "alice").number)] * 2
