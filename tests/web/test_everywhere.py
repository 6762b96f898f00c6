"""What holds at every address of the pages, found in the list of them all: forgeries, headers, who may enter, fresh proof."""

from __future__ import annotations

import re

import httpx2
from tests.fakes import do
from tests.people import BOB
from tests.running import Running
from tests.visiting import Browser

from dragoman import web
from dragoman.core import accounts
from dragoman.web.pages import Page, Who

PAGES = web.every_page()
POSTS = [page for page in PAGES if page.method == "POST"]
SOMETHING = {"kind": "csv", "dialect": "immich", "number": "1", "link": "1"}


def address(page: Page) -> str:
    """Where a page is, of things that there may not be."""
    return re.sub(
        r"\{(\w+)\}", lambda named: SOMETHING.get(named[1], "00000000-0000-4000-8000-000000000000"), page.path
    )


def everywhere(pages: list[Page] | tuple[Page, ...]) -> list[str]:
    """The addresses of pages, each once."""
    return sorted({address(page) for page in pages})


def main_part(answer: httpx2.Response) -> tuple[int, str]:
    """The status of an answer, and where it leads."""
    return answer.status_code, answer.headers.get("location", "").partition("?")[0]


def test_W_01_no_form_anywhere_is_taken_from_elsewhere(house: Running, browser: Browser) -> None:
    """Every post without the visitor's own token, or from a page of somebody else's, is refused before anything else."""
    browser.sign_in()
    token = browser.form("/sign-out")["form_token"]
    forgeries = [
        ({}, {}),
        ({}, {"form_token": "A" * 88}),
        ({"origin": "https://evil.test"}, {"form_token": token}),
        ({"origin": "null"}, {"form_token": token}),
        ({"sec-fetch-site": "cross-site"}, {"form_token": token}),
        ({"sec-fetch-site": "same-site"}, {"form_token": token}),
    ]
    taken = [
        (path, headers)
        for path in everywhere(POSTS)
        for headers, form in forgeries
        if browser.client.post(path, data=form or {"x": ""}, headers=headers).status_code != 403
    ]
    assert taken == []
    text = {"content-type": "text/plain"}
    assert {
        browser.client.post(path, content=b"{}", headers=text).status_code for path in everywhere(POSTS)
    } == {415}
    assert browser.go("/account").url.path == "/account"


def test_nobody_enters_who_may_not(house: Running, browser: Browser) -> None:
    """Strangers are sent to sign in from every page that is not for everybody; all that is for administrators is 403 to others."""
    own = [page for page in PAGES if page.who is not Who.ANYBODY]
    strangers = {
        path: main_part(browser.client.get(path))
        for path in everywhere([p for p in own if p.method == "GET"])
    }
    assert {path: to for path, to in strangers.items() if to != (303, "/sign-in")} == {}
    browser.go("/sign-in")
    form = {"form_token": browser.form("/sign-in")["form_token"]}
    strangers = {
        path: main_part(browser.client.post(path, data=form))
        for path in everywhere([p for p in own if p.method == "POST"])
    }
    assert {path: to for path, to in strangers.items() if to != (303, "/sign-in")} == {}
    unknown = browser.client.post("/account/keys/new/none", data=form)
    assert main_part(unknown) == (303, "/sign-in")
    browser.sign_in(BOB)
    form = {"form_token": browser.form("/sign-out")["form_token"]}
    admins = [page for page in PAGES if page.who is Who.ADMIN]
    opened = [
        (page.method, page.path)
        for page in admins
        if browser.client.request(
            page.method, address(page), data=form if page.method == "POST" else None
        ).status_code
        != 403
    ]
    assert opened == []


def test_W_04_every_answer_of_the_pages_has_its_headers(house: Running, browser: Browser) -> None:
    """Pages, answers to forms, redirects, errors, files and pictures: none is framed, sniffed, kept or named to others."""
    browser.sign_in()
    form = {"form_token": browser.form("/sign-out")["form_token"]}
    answers = [browser.client.get(path) for path in everywhere([p for p in PAGES if p.method == "GET"])]
    answers += [browser.client.post(path, data=form) for path in everywhere(POSTS) if path != "/sign-out"]
    answers += [browser.client.get(path) for path in ("/account/none", "/static/none.css")]
    answers += [browser.client.request("DELETE", "/account"), browser.client.post("/account/pin")]
    assert {answer.status_code for answer in answers} >= {200, 303, 400, 404, 405, 409, 410, 415, 422}
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "camera=()" in answer.headers["permissions-policy"]
        policy = answer.headers["content-security-policy"]
        assert ("default-src 'none'" in policy, "unsafe" in policy) == (True, False)
        assert "frame-ancestors 'none'" in policy or "sandbox" in policy
        assert answer.headers["cache-control"] == "no-store"
    [icon] = set(re.findall(r'"(/static/[^"]+[.]svg)"', browser.go("/account").text))
    assert browser.client.get(icon).headers["x-frame-options"] == "DENY"


def test_K_08_every_page_says_that_somebody_acts_as_another(house: Running, browser: Browser) -> None:
    """Whatever is asked for meanwhile, shown or refused, has the banner, or leads to a page that has it."""
    browser.sign_in()
    at_bob = f"/admin/accounts/{do(house.core, accounts.get, BOB).number}"
    browser.go(at_bob)
    browser.send(f"{at_bob}/act")
    own = [page for page in PAGES if page.who is not Who.ANYBODY and page.method == "GET"]
    silent = [path for path in everywhere(own) if "You act as" not in browser.go(path).text]
    assert silent == []


PROVING = {"/confirm", "/confirm/passkey"}
SEEN_BY_OTHERS = {"/account/profile", "/account/profile/picture", "/account/profile/picture/remove"}
ENDING = {
    "/account/approvals/{approval}/refuse",
    "/account/keys/{key}/revoke",
    "/account/links/{link}/revoke",
    "/account/sessions/others/end",
    "/account/sessions/{session}/end",
    "/admin/stop-acting",
}
MAIL_THAT_WAITS = {"/admin/outbox/retry", "/admin/outbox/{mail}/retry"}


def test_S_09_whatever_is_signed_in_with_is_changed_after_a_fresh_proof(
    house: Running, browser: Browser
) -> None:
    """Ten minutes after a sign-in every form of the account and of administrators leads to a proof, but for what is harmless."""
    browser.sign_in()
    form = {"form_token": browser.form("/sign-out")["form_token"]}
    house.clock.forward(minutes=11)
    asked = [page for page in POSTS if page.who is not Who.ANYBODY]
    unproved = {
        page.path
        for page in asked
        if main_part(browser.client.post(address(page), data=form)) != (303, "/confirm")
    }
    assert unproved == PROVING | SEEN_BY_OTHERS | ENDING | MAIL_THAT_WAITS


def test_K_08_nobody_changes_anothers_credentials_while_they_act_as_them(
    house: Running, browser: Browser
) -> None:
    """While an administrator acts as Bob no form takes what Bob signs in with, or anything of administrators."""
    browser.sign_in()
    bob = do(house.core, accounts.get, BOB)
    browser.go(f"/admin/accounts/{bob.number}")
    browser.send(f"/admin/accounts/{bob.number}/act")
    form = {"form_token": browser.form("/sign-out")["form_token"]}
    asked = [page for page in POSTS if page.who is not Who.ANYBODY and page.path != "/admin/stop-acting"]
    taken = {page.path for page in asked if browser.client.post(address(page), data=form).status_code != 403}
    assert taken == SEEN_BY_OTHERS
    assert "You act as" in browser.go("/account").text
