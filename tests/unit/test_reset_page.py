"""The page that a mailed link leads to: it shows a form, sets the password once, and tells nobody anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx2
import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import NEW_PASSWORD, ORIGIN, PASSWORD, FakeClock, do
from tests.people import ALICE, rows, somebody
from tests.racing import after_statements, is_write
from tests.running import Running, configured, running

from dragoman.core import accounts, resets
from dragoman.core.errors import WrongCredentials
from dragoman.core.login import log_in
from dragoman.core.passwords import Hasher
from dragoman.core.resets import password_resets
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device


@pytest.fixture
def server(sqlite_server: Running) -> Running:
    """A server, with Alice."""
    somebody(sqlite_server.core)
    return sqlite_server


@pytest.fixture
def browser(server: Running) -> Iterator[httpx2.Client]:
    """What somebody looks at it with."""
    with httpx2.Client(timeout=30, trust_env=False, base_url=server.url) as client:
        yield client


def link(server: Running) -> str:
    """Where Alice's link leads, without the host, which in a test is another."""
    started = do(server.core, lambda uow: resets.start(uow, accounts.get(uow, ALICE)))
    found = re.fullmatch(
        r"http://127\.0\.0\.1:8080(/reset-password\?token=[0-9A-Za-z]{40})", started.link.reveal()
    )
    assert found is not None
    return found[1]


def filled(page: httpx2.Response, **typed: str) -> dict[str, str]:
    """The form of a page, as it is sent with this typed in."""
    assert 'method="post" action="/reset-password"' in page.text
    fields = re.findall(r'<input[^>]* name="(\w+)"[^>]*>', page.text)
    values = re.findall(r'name="(\w+)" value="([^"]*)"', page.text)
    return {**dict.fromkeys(fields, ""), **{name: unescape(value) for name, value in values}, **typed}


def sent(browser: httpx2.Client, form: dict[str, Any]) -> httpx2.Response:
    """The form, sent."""
    return browser.post("/reset-password", data=form)


def lets_in(server: Running, password: str) -> bool:
    """Whether Alice gets in by a password."""
    try:
        log_in(server.core, ORIGIN, ALICE, Secret(password), Device())
    except WrongCredentials:
        return False
    return True


def test_a_link_leads_to_a_form_that_sets_the_password(server: Running, browser: httpx2.Client) -> None:
    """Whoever opens the link, types a password twice and sends it has that password; the link is dead then."""
    where = link(server)
    page = browser.get(where)
    assert (page.status_code, "Set a new password" in page.text) == (200, True)
    done = sent(browser, filled(page, password=NEW_PASSWORD, again=NEW_PASSWORD))
    assert (done.status_code, "Your password is set" in done.text) == (200, True)
    assert lets_in(server, NEW_PASSWORD)
    assert not lets_in(server, PASSWORD)
    assert browser.get(where).status_code == 410
    assert sent(browser, filled(page, password=PASSWORD, again=PASSWORD)).status_code == 410


def test_looking_changes_nothing(server: Running, browser: httpx2.Client) -> None:
    """Scanners may open the link, by GET or HEAD, as often as they like: nothing is written."""
    where, written = link(server), list[str]()
    with after_statements(
        server.core, lambda statement: written.append(statement) if is_write(statement) else None
    ):
        assert [browser.request(method, where).status_code for method in ("GET", "HEAD") * 3] == [200] * 6
    assert written == []


def test_the_page_loads_and_tells_nothing(server: Running, browser: httpx2.Client) -> None:
    """No script, no cookie, nothing from elsewhere, no referrer, not to be kept or framed; forms go to us alone."""
    page = browser.get(link(server))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert policy.endswith("base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers
    assert "<script" not in page.text
    assert ALICE not in page.text


@pytest.mark.parametrize("token", ["", "x", "0" * 40, "%22%3E%3Cscript%3E", "%00", "%F0%9F"])
def test_a_link_that_is_not_good_shows_no_form(browser: httpx2.Client, token: str) -> None:
    """Whatever is no link of ours is said to be none, and is not repeated."""
    page = browser.get(f"/reset-password?token={token}")
    assert (page.status_code, "<form" in page.text) == (410, False)
    assert "script" not in page.text


def test_a_link_is_good_for_a_day(server: Running, browser: httpx2.Client, clock: FakeClock) -> None:
    """The page goes by the link's own end."""
    where = link(server)
    clock.forward(hours=24)
    assert browser.get(where).status_code == 410


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [
        ("zq9-k", "zq9-k", "Use at least 8 characters."),
        ("password1", "password1", "It is one of the most common passwords."),
        (NEW_PASSWORD, PASSWORD, "The two passwords are not the same."),
        ("x" * 5000, "x" * 5000, "Use at most 4096 bytes."),
    ],
)
def test_a_password_that_will_not_do_is_asked_for_again(
    server: Running, browser: httpx2.Client, password: str, again: str, says: str
) -> None:
    """The form comes back with the reason, without the password, and works with a better one."""
    page = browser.get(link(server))
    refused = sent(browser, filled(page, password=password, again=again))
    assert (refused.status_code, says in refused.text) == (422, True)
    assert password not in refused.text
    assert sent(browser, filled(refused, password=NEW_PASSWORD, again=NEW_PASSWORD)).status_code == 200


def test_what_is_not_our_form_is_refused(server: Running, browser: httpx2.Client) -> None:
    """JSON, missing and doubled fields, huge bodies and other methods set nothing."""
    form = filled(browser.get(link(server)), password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert browser.post("/reset-password", json=form).status_code == 415
    assert sent(browser, {"token": form["token"]}).status_code == 400
    assert sent(browser, {**form, "password": [NEW_PASSWORD, "another"]}).status_code == 400
    assert sent(browser, {**form, "more": "x" * 70_000}).status_code == 413
    answer = browser.put("/reset-password")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert lets_in(server, PASSWORD)


def test_guessing_is_slowed_down(browser: httpx2.Client) -> None:
    """An address that guesses is told to wait: 429 with Retry-After."""
    form = {"token": "0" * 40, "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    answers = [sent(browser, form) for _ in range(102)]
    assert {answer.status_code for answer in answers[:100]} == {410}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_database_that_is_away_is_no_no(server: Running, browser: httpx2.Client) -> None:
    """What cannot be told is 503, and an accident 500 without a word of why; neither is a no."""
    where = link(server)
    with server.core.database.writing() as db:
        db.execute(password_resets.delete().where(password_resets.c.account_number == 0))
        form = {"token": "0" * 40, "password": NEW_PASSWORD, "again": NEW_PASSWORD}
        away = sent(browser, form)
    assert (away.status_code, "retry-after" in away.headers) == (503, True)
    with server.core.database.writing() as db:
        db.exec_driver_sql("ALTER TABLE password_resets RENAME TO elsewhere")
    try:
        crashed = browser.get(where)
    finally:
        with server.core.database.writing() as db:
            db.exec_driver_sql("ALTER TABLE elsewhere RENAME TO password_resets")
    assert (crashed.status_code, "elsewhere" in crashed.text) == (500, False)
    assert len(rows(server.core, password_resets)) == 1


def test_the_page_is_at_the_base_url_alone(sqlite_url: str, hasher: Hasher, clock: FakeClock) -> None:
    """Links begin with the base URL; a host name that is a dialect's own, or unknown, has no such page."""
    told = configured(
        sqlite_url,
        master_key=MASTER_KEY,
        server={"base_url": "https://id.example.org"},
        dialects={"immich": {"host": "photos.example.org"}},
    )
    with running(told, hasher, clock) as server:
        somebody(server.core)
        started = do(server.core, lambda uow: resets.start(uow, accounts.get(uow, ALICE)))
        where = started.link.reveal()
        assert where.startswith("https://id.example.org/reset-password?token=")
        path = where.removeprefix("https://id.example.org")
        hosts = {"id.example.org": 200, "photos.example.org": 404, "evil.example.org": 421}
        with httpx2.Client(timeout=30, trust_env=False, base_url=server.url) as browser:
            for host, status in hosts.items():
                assert browser.get(path, headers={"host": host}).status_code == status, host
