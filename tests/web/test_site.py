"""What holds for every page: who may see it, that nobody else can post to it, and what its answer carries."""

from __future__ import annotations

import re
import sys

import httpx2
import pytest
from tests.fakes import PASSWORD, do
from tests.people import ALICE, BOB
from tests.running import Running
from tests.visiting import Browser, browsing

from dragoman.core import audit
from dragoman.core.audit import Filters
from dragoman.core.errors import NameRefused, Refusal
from dragoman.core.secrets import Secret
from dragoman.core.work import UnitOfWork
from dragoman.exchange import Spoken
from dragoman.web import account
from dragoman.web.pages import HOME, Answer, Page, Visit, same_site
from dragoman.wire import Work


def cookie(answer: httpx2.Response, name: str) -> str:
    """The one Set-Cookie header of an answer for this name."""
    [found] = [each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}=")]
    return str(found)


def test_S_05_somebody_signs_in_comes_home_and_signs_out(browser: Browser) -> None:
    """A signed-in browser sees its account; a signed-out one is asked to sign in, and what it held opens nothing."""
    page = browser.sign_in()
    assert (page.status_code, page.url.path, ALICE in page.text) == (200, HOME, True)
    held = browser.client.cookies["dragoman"]
    assert page.headers["cache-control"] == "no-store"
    page = browser.send("/sign-out")
    assert (page.url.path, "You are signed out." in page.text) == ("/sign-in", True)
    browser.client.cookies.set("dragoman", held)
    assert browser.go(HOME).url.path == "/sign-in"


def test_who_is_asked_to_sign_in_comes_back_to_where_they_wanted_to_go(browser: Browser) -> None:
    """The sign-in page knows the page that led there, its query included."""
    page = browser.go(f"{HOME}?a=1&b=%C3%A9")
    assert page.url.path == "/sign-in"
    page = browser.send("/sign-in", name=ALICE, password=PASSWORD)
    assert page.url.raw_path == f"{HOME}?a=1&b=%C3%A9".encode()


@pytest.mark.parametrize(
    "address",
    [
        "//evil.test",
        "https://evil.test/",
        "/\\evil.test",
        "/\t/evil.test",
        "",
        "account",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_sent_to_another_site(browser: Browser, address: str) -> None:
    """Where to go next is a path of ours, or home: what browsers read as another site is not followed."""
    assert same_site(address) == HOME
    browser.go("/sign-in")
    page = browser.send("/sign-in", name=ALICE, password=PASSWORD, next=address)
    assert (page.url.host, page.url.path) == ("127.0.0.1", HOME)


@pytest.mark.parametrize("name", [ALICE, "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_name_read_alike(browser: Browser, name: str) -> None:
    """Nobody learns from the page whether there is an account."""
    page = browser.sign_in(name, "not-the-password")
    assert page.status_code == 401
    assert "That name and password do not belong together." in page.text
    assert page.text.count(name) == 1  # in the field, where it was typed


def test_who_guesses_is_told_how_long_to_wait(house: Running, browser: Browser) -> None:
    """Delayed attempts are 429 with Retry-After, a page that counts down, and a button that stays closed."""
    for _ in range(11):
        browser.sign_in(password="guess")
    page = browser.sign_in(password="guess")
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) >= 1
    assert re.search(r'data-seconds="\d+" data-closes="enter"', page.text)


# Each of these is a post that a page of somebody else's could make a browser send, or that no page of ours sends.
FORGERIES = {
    "no token": ({}, {"form_token": ""}),
    "another's token": ({}, {"form_token": "A" * 88}),
    "a foreign origin": ({"origin": "https://evil.test"}, {}),
    "an origin that is withheld": ({"origin": "null"}, {}),
    "another site, says the browser": ({"sec-fetch-site": "cross-site"}, {}),
    "a neighbouring host name": ({"sec-fetch-site": "same-site"}, {}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("action", ["/sign-in", "/sign-out"])
def test_W_01_a_forged_post_is_refused_and_changes_nothing(
    browser: Browser, action: str, forgery: str
) -> None:
    """What does not bring the visitor's own token from a page of ours is 403, whoever sends it."""
    headers, typed = FORGERIES[forgery]
    if action == "/sign-out":
        browser.sign_in()
    else:
        browser.go("/sign-in")
    form = {**browser.form(action), "name": ALICE, "password": PASSWORD, **typed}
    answer = browser.client.post(action, data=form, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    expected = HOME if action == "/sign-out" else "/sign-in"
    assert browser.go(HOME).url.path == expected


def test_W_01_nobody_is_signed_in_by_a_page_they_never_saw(house: Running) -> None:
    """A sign-in without the cookie that its form was bound to is refused: else it could be to an attacker's account."""
    with browsing(house.url) as attacker, browsing(house.url) as victim:
        attacker.go("/sign-in")
        form = {**attacker.form("/sign-in"), "name": BOB, "password": PASSWORD}
        assert victim.client.post("/sign-in", data=form).status_code == 403


def test_W_01_only_a_form_is_read(browser: Browser) -> None:
    """What a foreign page can send without asking, such as JSON called text, is 415."""
    answer = browser.client.post("/sign-in", content=b'{"name": "x"}', headers={"content-type": "text/plain"})
    assert answer.status_code == 415


def test_S_02_the_cookie_is_the_hosts_own_over_https(sqlite_url: str, hasher: object, clock: object) -> None:
    """Over TLS the session's cookie has the prefix __Host-, and is secure, for HTTP alone, lax, for the whole host."""
    from tests.conftest import MASTER_KEY
    from tests.people import somebody
    from tests.running import configured, running

    told = {"server": {"trusted_proxies": "127.0.0.1"}, "master_key": MASTER_KEY}
    with running(configured(sqlite_url, **told), hasher, clock) as house:  # type: ignore[arg-type]
        somebody(house.core, ALICE)
        with httpx2.Client(base_url=house.url, headers={"x-forwarded-proto": "https"}) as client:
            page = client.get("/sign-in")
            forms = cookie(page, "__Host-dragoman-forms").partition(";")[0]
            token = re.search(r'name="form_token" value="([^"]*)"', page.text)
            assert token is not None
            form = {"form_token": token[1], "name": ALICE, "password": PASSWORD}
            origin = house.url.replace("http:", "https:")
            answer = client.post("/sign-in", data=form, headers={"cookie": forms, "origin": origin})
            attributes = cookie(answer, "__Host-dragoman").split("; ")[1:]
            assert attributes == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]
            assert answer.headers["strict-transport-security"]


def test_the_session_secret_is_another_after_each_sign_in(browser: Browser) -> None:
    """What was in the browser before a sign-in is never what is signed in (session fixation)."""
    browser.client.cookies.set("dragoman", "planted", domain="127.0.0.1", path="/")
    browser.sign_in()
    [held] = [each.value for each in browser.client.cookies.jar if each.name == "dragoman"]
    assert held != "planted"


def test_who_signs_in_anew_leaves_no_session_behind(house: Running, browser: Browser) -> None:
    """The session that a browser had ends when somebody signs in there again, whoever that is."""
    browser.sign_in()
    before = browser.client.cookies["dragoman"]
    browser.go("/account")
    form = {"form_token": browser.form("/sign-out")["form_token"], "name": BOB, "password": PASSWORD}
    assert browser.client.post("/sign-in", data=form).status_code == 303
    assert BOB in browser.go(HOME).text
    with browsing(house.url) as thief:
        thief.client.cookies.set("dragoman", before)
        assert thief.go(HOME).url.path == "/sign-in"


def test_the_pages_session_opens_no_dialect_and_none_of_theirs_the_pages(
    house: Running, browser: Browser
) -> None:
    """A credential belongs to one dialect, and the pages' to none."""
    browser.sign_in()
    held = browser.client.cookies["dragoman"]
    refused = browser.client.get("/immich/api/users/me", headers={"authorization": f"Bearer {held}"})
    assert refused.status_code == 401
    signed_in = browser.client.post("/immich/api/auth/login", json={"email": ALICE, "password": PASSWORD})
    with browsing(house.url) as other:
        other.client.cookies.set("dragoman", signed_in.json()["accessToken"])
        assert other.go(HOME).url.path == "/sign-in"


@pytest.mark.parametrize("path", ["/sign-in", HOME, "/account/nothing-here"])
def test_W_04_every_page_says_what_may_be_done_with_it(browser: Browser, path: str) -> None:
    """No page may be kept, framed, sniffed or scripted by others; its scripts and styles bear its own nonce."""
    browser.sign_in()
    first, second = browser.go(path), browser.go(path)
    for page in (first, second):
        [nonce] = set(re.findall(r"'nonce-([^']+)'", page.headers["content-security-policy"]))
        assert "unsafe" not in page.headers["content-security-policy"]
        assert set(re.findall(r'nonce="([^"]*)"', page.text)) == {nonce}
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in page.headers["permissions-policy"]
        assert not re.search(r"\son\w+=|\sstyle=|javascript:", page.text)
    assert first.headers["content-security-policy"] != second.headers["content-security-policy"]


def test_all_that_a_page_loads_is_shipped_and_kept(browser: Browser) -> None:
    """The sign-in page weighs at most 60 kB with its three files, which browsers keep for good."""
    page = browser.go("/sign-in")
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    answers = [browser.client.get(address) for address in sorted(loaded)]
    assert len(answers) == 3
    assert {answer.status_code for answer in answers} == {200}
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)
    assert len(page.content) + sum(len(answer.content) for answer in answers) <= 60_000
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)


@pytest.mark.parametrize(
    ("path", "status"), [("/account/none", 404), ("/static/none.css", 404), ("/sign-out", 405)]
)
def test_what_is_not_there_is_a_page_with_the_requests_name(browser: Browser, path: str, status: int) -> None:
    """Errors are pages, and name the request as the log does."""
    page = browser.go(path)
    assert page.status_code == status
    assert page.headers["x-request-id"] in page.text


def test_W_02_what_is_typed_is_text(house: Running, browser: Browser) -> None:
    """Markup in a name, an address or a query is shown as text."""
    evil = '"><script>alert(1)</script>'
    page = browser.sign_in(evil, "x")
    assert "<script>alert" not in page.text
    assert "<script>alert" not in browser.go(f"/sign-in?next={evil}&said={evil}").text


def test_a_page_that_says_no_has_written_nothing_but_its_evidence(
    house: Running, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page explains of a refusal, it explains once all that was written before is rolled back."""

    def half_done(uow: UnitOfWork, visit: Visit) -> Answer:
        audit.record(uow, "half done", by=visit.caller)
        uow.evidence(audit.line(uow, "refused half-way"))
        raise NameRefused("name", "is none")

    def explained(uow: UnitOfWork, _visit: Visit, refusal: Refusal) -> Answer:
        assert not uow.writes
        return Spoken(422, str(refusal).encode(), "text/plain")

    page = Page("POST", "/account/half", half_done, work=Work.WRITES, explains=explained)
    monkeypatch.setattr(account, "PAGES", (*account.PAGES, page))
    browser.sign_in()
    answer = browser.client.post("/account/half", data=browser.form("/sign-out"))
    assert (answer.status_code, "is none" in answer.text) == (422, True)
    events = {line.event for line in do(house.core, audit.recent, Filters(), limit=50)}
    assert ("half done" in events, "refused half-way" in events) == (False, True)


def test_pages_are_not_imported_before_somebody_asks() -> None:
    """A server that only speaks to apps holds neither the pages nor their templates in memory."""
    import subprocess

    code = "import sys, dragoman.app; print(sorted(m for m in sys.modules if m.startswith(('jinja2', 'dragoman.web.'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['dragoman.web.mailed', 'dragoman.web.products', 'dragoman.web.reset']"


def test_a_secret_in_a_form_is_never_shown() -> None:
    """What was typed into a password field is a Secret, whose text no print-out shows."""
    from dragoman.web.pages import Form

    form = Form({"password": ["hunter2"]})
    assert isinstance(form.secret("password"), Secret)
    assert "hunter2" not in repr(form)
