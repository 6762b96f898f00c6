"""A real browser: Debian's Chromium, driven by Playwright, at a server with Alice, who administers, and Bob."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.people import ALICE, BOB, somebody
from tests.running import Running, configured, running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDE = {"width": 1280, "height": 800}

Opener = Callable[..., Any]


# Not for longer than a module: while Playwright is there, its event loop runs, and no other test can run one.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser. Skips where there is none: on Debian, `apt-get install chromium` brings it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed; on Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's own sandbox wants rights that a container seldom has; all it is shown is ours.
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@contextmanager
def opening(chromium: Any, served: Running) -> Iterator[Opener]:
    """Open pages of a server, each in a browser of its own, by the name that browsers allow passkeys for."""
    contexts: list[Any] = []

    def opened(path: str = "/sign-in", **how: Any) -> Any:
        base = served.url.replace("127.0.0.1", "localhost")
        context = chromium.new_context(base_url=base, **{"viewport": WIDE, **how})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def house(sqlite_server: Running) -> Running:
    """A server with Alice and Bob."""
    somebody(sqlite_server.core, ALICE, is_admin=True)
    somebody(sqlite_server.core, BOB)
    return sqlite_server


@pytest.fixture
def opens(chromium: Any, sqlite_server: Running) -> Iterator[Opener]:
    """Opens pages of the test's own server."""
    with opening(chromium, sqlite_server) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(another_sqlite: Callable[[], str]) -> Iterator[Running]:
    """A server that the tests of a module share. It sends mail, though nobody is there to take it."""
    mail = {"host": "127.0.0.1", "port": 9, "tls": "none", "sender": "dragoman@example.org"}
    told = configured(another_sqlite(), master_key=MASTER_KEY, mail=mail)
    with running(told, cheap_hasher(), FakeClock()) as served:
        yield served


@pytest.fixture(scope="module")
def opens_shared(chromium: Any, shared: Running) -> Iterator[Opener]:
    """Opens pages of the shared server."""
    with opening(chromium, shared) as opened:
        yield opened


def press(page: Any, button: str, **typed: str) -> None:
    """Type into the fields of these names, and press a button."""
    for name, text in typed.items():
        page.locator(f"[name={name}]:visible").first.fill(text)
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).first.click()


def sign_in(page: Any, name: str = ALICE, password: str = PASSWORD) -> None:
    """Sign in by name and password at the page that is open."""
    press(page, "Sign in", name=name, password=password)
    page.wait_for_url("**/account**")
