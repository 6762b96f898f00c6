"""What people do on the pages, and what apps of every product see of it: in a real browser, with and without a script."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from tests.browser.apps import App, apps_of
from tests.browser.conftest import Opener, opening, press, sign_in
from tests.conftest import MASTER_KEY
from tests.fakes import NEW_PASSWORD, PASSWORD, FakeClock, cheap_hasher
from tests.mail_server import MailServer, mail_server
from tests.people import ALICE, somebody
from tests.running import Running, configured, running
from tests.unit.core.test_factors import code, guarded

from dragoman import courier
from dragoman.core.accounts import Account

pytestmark = pytest.mark.browser

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    """A mail server that takes everything."""
    with mail_server() as served:
        yield served


@pytest.fixture(scope="module")
def house(another_sqlite: Callable[[], str], post: MailServer) -> Iterator[Running]:
    """A server that hands its mail over at once, with Alice, who administers."""
    mail = {"host": "127.0.0.1", "port": post.port, "tls": "none", "sender": "accounts@example.org"}
    told = configured(another_sqlite(), master_key=MASTER_KEY, mail=mail)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(courier, "EVERY", courier.EVERY / 100)
        with running(told, cheap_hasher(), FakeClock()) as served:
            somebody(served.core, ALICE, is_admin=True)
            yield served


@pytest.fixture(scope="module")
def opens(chromium: Any, house: Running) -> Iterator[Opener]:
    """Opens pages of that server."""
    with opening(chromium, house) as opened:
        yield opened


@pytest.fixture(scope="module")
def apps(house: Running) -> Iterator[Mapping[str, App]]:
    """Apps of every product."""
    with apps_of(house) as made:
        yield made


@pytest.fixture(params=[True, False], ids=["with a script", "without"])
def opens_either(request: pytest.FixtureRequest, opens: Opener) -> Callable[[str], Any]:
    """Opens pages in a browser that runs scripts, and in one that does not. Whoever is asked says yes."""

    def opened(path: str) -> Any:
        page = opens(path, java_script_enabled=request.param)
        page.on("dialog", lambda dialog: dialog.accept())
        return page

    return opened


@pytest.fixture
def bob(house: Running) -> Account:
    """Somebody new."""
    return somebody(house.core, f"bob{next(NUMBERS)}@example.org")


@pytest.fixture
def careful(house: Running, bob: Account) -> Account:
    """Somebody new, with a second factor."""
    return guarded(house.core, house.clock, bob)


def enter(house: Running, page: Any, account: Account) -> None:
    """Sign in with a code."""
    press(page, "Sign in", name=account.username, password=PASSWORD)
    press(page, "Sign in", code=code(house.clock).reveal())
    page.wait_for_url("**/account")


def link_to(post: MailServer, account: Account) -> str:
    """Where the link leads that was mailed to somebody."""
    for _ in range(1000):
        for letter, mail in zip(post.letters, post.taken, strict=True):
            found = re.search(r"(/reset-password\?token=\w+)", letter)
            if found and mail["To"] == account.email:
                return found[1]
        time.sleep(0.01)
    raise AssertionError("no mail came")


def test_S_08_whom_an_administrator_disables_is_refused_everywhere(
    opens_either: Callable[[str], Any], apps: Mapping[str, App], bob: Account
) -> None:
    """One press of a button, and at its next request no app of any product is known any more, nor let in."""
    assert [name for name, app in apps.items() if not app.lets_in(str(bob.email))] == []
    assert [name for name, app in apps.items() if not app.is_known()] == []
    page = opens_either("/sign-in")
    sign_in(page)
    page.goto(f"/admin/accounts/{bob.number}")
    press(page, "Disable")
    assert page.get_by_text("disabled", exact=True).is_visible()
    assert [name for name, app in apps.items() if app.is_known()] == []
    assert [name for name, app in apps.items() if app.lets_in(str(bob.email))] == []


def test_a_sign_in_is_approved_and_ended_again(
    house: Running, opens_either: Callable[[str], Any], apps: Mapping[str, App], careful: Account
) -> None:
    """The SDK is refused while its owner is asked; approved, it signs in; S-06: signed out in the list, it is nobody."""
    sdk, name = apps["@immich/sdk"], str(careful.email)
    assert not sdk.lets_in(name)
    page = opens_either("/sign-in")
    enter(house, page, careful)
    page.get_by_role("link", name="Is it you?").click()
    press(page, "It is me: approve")
    assert sdk.lets_in(name)
    page.goto("/account/sessions")
    page.locator("li", has_text="Immich").filter(has_text="127.0.0.1").get_by_role(
        "button", name="Sign out"
    ).click()
    page.wait_for_url("**/account/sessions?said=session-ended")
    assert not sdk.is_known()


def test_an_app_password_is_made_used_and_removed(
    house: Running, opens_either: Callable[[str], Any], apps: Mapping[str, App], careful: Account
) -> None:
    """Shown once, good for Portainer's client alone, and for nothing once it is removed."""
    client = apps["portainer_client"]
    page = opens_either("/sign-in")
    enter(house, page, careful)
    page.goto("/account/app-passwords/new")
    page.get_by_label("For which product").select_option(label="Portainer")
    press(page, "Make it", name="Stack")
    secret = page.locator("#secret").inner_text()
    assert not client.lets_in(careful.username)
    assert client.lets_in(careful.username, secret)
    assert not apps["shoko"].lets_in(careful.username, secret)
    page.goto("/account/second-factor")
    assert secret not in page.content()
    press(page, "Remove")
    assert (client.is_known(), client.lets_in(careful.username, secret)) == (False, False)


def test_R_01_who_forgot_their_password_sets_another_by_mail(
    opens_either: Callable[[str], Any], post: MailServer, apps: Mapping[str, App], bob: Account
) -> None:
    """Asked for where one signs in, mailed, set, signed in: the new password opens all, and what was open is closed."""
    sdk, name = apps["@immich/sdk"], str(bob.email)
    assert sdk.lets_in(name)
    page = opens_either("/sign-in")
    page.get_by_role("link", name="I forgot my password").click()
    press(page, "Mail me a link", name=name)
    page.goto(link_to(post, bob))
    press(page, "Set the password", password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert not sdk.is_known()
    page.goto("/sign-in")
    sign_in(page, name, NEW_PASSWORD)
    assert [
        each for each in apps if apps[each].lets_in(name) or not apps[each].lets_in(name, NEW_PASSWORD)
    ] == []
