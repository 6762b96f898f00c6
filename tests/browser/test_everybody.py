"""Every page is for everybody: judged by axe-core, on wide and narrow screens, in light and dark, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.browser.conftest import WIDE, Opener, press, sign_in
from tests.browser.inhabited import enter, inhabit, knock
from tests.browser.moments import ADAS, STRANGERS, Moment
from tests.fakes import do
from tests.people import ALICE, somebody
from tests.running import Running
from tests.stock import PACKAGES, installed

from dragoman import web
from dragoman.core import setup_links
from dragoman.web.pages import Who

pytestmark = pytest.mark.browser

# What is answered with something else than a page: a redirect, a picture, a file.
NO_PAGES = {"/", "/avatar/{account}", "/admin/audit.{kind}"}
PAGES = {page.path: page for page in web.every_page() if page.method == "GET" and page.path not in NO_PAGES}
MOMENTS = {**STRANGERS, **ADAS}
# What stands in a path for what is named there; and what a page is asked besides.
NAMED: Mapping[str, str] = {"dialect": "immich", "number": "1"}
ASKED: Mapping[str, str] = {
    "/set-up": "?token=none",
    "/invitation": "?token=none",
    "/sign-in": "?said=signed-out",
}
# Where somebody who has everything has nothing to do.
TO_BEGIN = {"/account/totp"}
GONE = {"/set-up": 410, "/invitation": 410}

NARROW = {"width": 320, "height": 640}  # WCAG 2.2, 1.4.10: 1280 pixels at 400 %
ZOOMED = {"width": 640, "height": 400}  # and at 200 %
CUT_OFF = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (e) => e && (e.matches(".scroll, .unseen") || scrolls(e.parentElement));
  return [...document.body.querySelectorAll("*")]
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > width + 1 && !scrolls(e))
    .map((e) => e.outerHTML.slice(0, 120));
}"""
UNFOLDED = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
# By keyboard: what can be used is reached in the order of the page, and shows that it has the focus.
OUT_OF_REACH = """() => {
  const usable = "a[href], button, input:not([type=hidden]), select, textarea, summary, [onclick], [tabindex]";
  return [...document.querySelectorAll(usable)].filter((e) => e.checkVisibility() && !e.disabled).filter((e) => {
    if (e.id === "content") return false;
    e.focus();
    const seen = getComputedStyle(e);
    return e.tabIndex !== 0 || document.activeElement !== e || seen.outlineStyle === "none" || parseFloat(seen.outlineWidth) < 2;
  }).map((e) => e.outerHTML.slice(0, 120));
}"""


@dataclass
class Judge:
    """A page of a browser, what its console says, and axe-core to look at it with."""

    page: Any
    axe: str
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def verdict(self) -> dict[str, list[str]]:
        """What is wrong with what the page shows, by how it was looked at; what can be unfolded is."""
        page, found = self.page, {}
        page.evaluate(self.axe)
        page.evaluate(UNFOLDED)
        for name, size, scheme in (("light and wide", WIDE, "light"), ("dark and narrow", NARROW, "dark")):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size(size)
            found[name] = [*self._violations(), *page.evaluate(CUT_OFF)]
        page.set_viewport_size(ZOOMED)
        found["zoomed"] = page.evaluate(CUT_OFF)
        page.keyboard.press("Tab")
        found["by keyboard"] = page.evaluate(OUT_OF_REACH)
        found["console"] = list(self.said)
        self.said.clear()
        return {name: wrong for name, wrong in found.items() if wrong}

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.said.append(message.text)

    def _violations(self) -> list[str]:
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found["violations"]]


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, as its makers publish it."""
    installed("npm")
    return (PACKAGES / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def stranger(opens_shared: Opener, axe: str) -> Judge:
    """Of a browser at which nobody is signed in."""
    return Judge(opens_shared(), axe)


@pytest.fixture(scope="module")
def ada(shared: Running, opens_shared: Opener, axe: str) -> Judge:
    """Of the browser of somebody who administers, and has something of everything."""
    knock(shared, inhabit(shared))
    page = opens_shared()
    enter(shared, page)
    return Judge(page, axe)


@pytest.fixture(scope="module")
def newcomer(shared: Running, opens_shared: Opener, axe: str) -> Judge:
    """Of the browser of somebody who has nothing but an account."""
    somebody(shared.core)
    page = opens_shared()
    sign_in(page)
    return Judge(page, axe)


@pytest.mark.parametrize("path", PAGES)
def test_W_05_everybody_can_use_it(path: str, request: pytest.FixtureRequest) -> None:
    """No rule of axe-core is broken, nothing is cut off at 200 % and 400 %, a keyboard reaches all, no policy is broken."""
    known = "newcomer" if path in TO_BEGIN else "ada"
    judge = request.getfixturevalue("stranger" if PAGES[path].who is Who.ANYBODY else known)
    address = re.sub(r"{(\w+)}", lambda named: NAMED[named[1]], path) + ASKED.get(path, "")
    answer = judge.page.goto(address)
    assert (answer.status, answer.url.endswith(address)) == (GONE.get(path, 200), True)
    assert judge.verdict() == {}


@pytest.mark.parametrize(("moment", "status"), MOMENTS.items(), ids=[each.__name__ for each in MOMENTS])
def test_W_05_everybody_can_use_what_is_answered(
    moment: Moment, status: int, shared: Running, ada: Judge, stranger: Judge
) -> None:
    """What is shown once, what was typed wrong, and every page that says why there is no other, is judged alike."""
    judge = stranger if moment in STRANGERS else ada
    answers: list[int] = []

    def note(answer: Any) -> None:
        if answer.request.is_navigation_request():
            answers.append(answer.status)

    judge.page.on("response", note)
    moment(shared, judge.page)
    try:
        assert (answers[-1:], judge.verdict()) == ([status], {})
    finally:
        if (stop := judge.page.get_by_role("button", name="Be yourself again")).is_visible():
            stop.click()


def test_W_05_everybody_can_make_the_first_account(sqlite_server: Running, opens: Opener, axe: str) -> None:
    """The page of the link that a first start prints is seen once in a server's life, and judged like all others."""
    link = do(sqlite_server.core, setup_links.make)
    judge = Judge(opens(f"/set-up?token={link.reveal()}"), axe)
    assert judge.verdict() == {}
    press(judge.page, "Make my account", display_name="Alice", email=ALICE, password="short", again="short")
    assert judge.page.get_by_role("alert").count() > 0
    assert judge.verdict() == {}
