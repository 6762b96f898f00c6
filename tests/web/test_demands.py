"""Who is asked for a second factor: chosen on the pages, held to there and in every product."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.authenticator import Device as Authenticator
from tests.conftest import MASTER_KEY
from tests.fakes import PASSWORD, FakeClock, do
from tests.people import ALICE, BOB, calling, somebody
from tests.running import Running, configured, running
from tests.visiting import Browser, browsing
from tests.web.test_factors import code

from dragoman.core import accounts, app_passwords, approvals, demands, outbox, passkeys, recovery_codes
from dragoman.core.passkeys import Site
from dragoman.core.passwords import Hasher
from dragoman.core.work import Origin

LOGINS = {
    "immich": ("/immich/api/auth/login", "email", "password", 201, 401),
    "shoko": ("/shoko/api/auth", "user", "pass", 200, 401),
    "elements": ("/elements/api/2/auth/login", "username", "password", 200, 401),
    "portainer": ("/portainer/api/auth", "Username", "Password", 200, 422),
    "aivo": ("/aivo/auth/v1/login", "email", "password", 200, 401),
}
each_dialect = pytest.mark.parametrize("dialect", LOGINS)


def knock(browser: Browser, dialect: str, password: str = PASSWORD) -> int:
    """What a product's own client is answered that knows a name and a password."""
    path, name, secret, *_ = LOGINS[dialect]
    device = {"device": "tv"} if dialect == "shoko" else {}
    body = {name: ALICE, secret: password, **device}
    with browsing(str(browser.client.base_url), **{"user-agent": "client"}) as client:
        return client.client.post(path, json=body).status_code


def lets_in(dialect: str) -> int:
    """The status of a sign-in that is good."""
    return LOGINS[dialect][3]


def refuses(dialect: str) -> int:
    """The status of one that is not: a wrong password's."""
    return LOGINS[dialect][4]


def with_passkey(house: Running) -> None:
    """Give Alice a passkey."""
    alice = do(house.core, accounts.get, ALICE)
    site = Site("localhost", house.url.replace("127.0.0.1", "localhost"))
    by = calling(house.core, alice, origin=Origin("web"))
    begun = do(house.core, passkeys.begin_making, site, by)
    answer = Authenticator(site.host, site.origin).make(begun.options)
    do(house.core, passkeys.finish_making, site, by, begun.carries, answer, name="Phone")


@each_dialect
def test_a_client_of_whoever_has_a_passkey_comes_in_the_ways_that_are_left(
    house: Running, browser: Browser, dialect: str
) -> None:
    """The password alone is a wrong one; once approved it lets in, and an app password does."""
    assert knock(browser, dialect) == lets_in(dialect)
    with_passkey(house)
    assert knock(browser, dialect) == knock(browser, dialect, "a wrong guess") == refuses(dialect)
    alice = do(house.core, accounts.get, ALICE)
    by = calling(house.core, alice, origin=Origin("web"))
    [asked] = do(house.core, approvals.waiting, alice.number)
    do(house.core, approvals.approve, asked.id, by=by)
    assert knock(browser, dialect) == lets_in(dialect)
    secret = do(house.core, app_passwords.make, dialect, "App", by=by)
    assert knock(browser, dialect, secret.reveal()) == lets_in(dialect)


@each_dialect
def test_a_client_is_refused_where_a_second_factor_was_never_set_up(
    house: Running, browser: Browser, dialect: str
) -> None:
    """It is a wrong password, while the pages say what is to be done."""
    do(house.core, demands.impose, 1, "always")
    assert knock(browser, dialect) == refuses(dialect)
    page = browser.sign_in()
    assert (page.url.path, "A second factor is asked of you" in page.text) == ("/account/factors", True)


def test_nothing_is_shown_before_it_is_set_up(house: Running, browser: Browser) -> None:
    """Every page leads to where it is set up, and signing out works; once it is, the rest is there."""
    do(house.core, demands.impose, 1, "always")
    browser.sign_in()
    for path in ("/account", "/account/keys", "/account/password", "/admin", "/admin/accounts"):
        assert browser.go(path).url.path == "/account/factors"
    page = browser.go("/account/totp")
    [seed] = re.findall(r'class="code shown-once">([A-Z2-7 ]+)<', page.text)
    browser.send("/account/totp", code=code(house, seed))
    assert browser.go("/account/keys").url.path == "/account/keys"
    browser.send("/sign-out")
    assert "One more step" in browser.sign_in().text


def test_a_passkey_follows_the_password(house: Running) -> None:
    """The second step asks for it, and for no code; where browsers have none it says so; a recovery code lets in."""
    with_passkey(house)
    alice = do(house.core, accounts.get, ALICE)
    codes = list(do(house.core, recovery_codes.make, alice.number, by=calling(house.core, alice)))
    for host, shown in (
        ("localhost", "Show my passkey"),
        ("127.0.0.1", "only where this server has a host name"),
    ):
        with browsing(house.url.replace("127.0.0.1", host)) as other:
            page = other.sign_in()
            assert (shown in page.text, "Six digits" in page.text) == (True, False)
            page = other.send("/sign-in/code", code="wrong")
            assert (page.status_code, "Recovery code" in page.text) == (401, True)
            assert other.send("/sign-in/code", code=codes.pop().reveal()).url.path == "/account"


def test_owners_choose_it_after_a_fresh_proof_and_are_told(house: Running, browser: Browser) -> None:
    """What they chose holds from the next sign-in on; the owner is mailed."""
    browser.sign_in()
    browser.go("/account/factors")
    assert "Saved." in browser.send("/account/factors/demand", demand="never").text
    assert "changed" in do(house.core, outbox.read, do(house.core, outbox.listed)[0].id).letter.text
    with_passkey(house)
    with browsing(house.url) as other:
        assert other.sign_in().url.path == "/account"
    assert browser.send("/account/factors/demand", demand="sometimes").status_code == 404
    house.clock.forward(minutes=11)
    browser.go("/account/factors")
    assert browser.send("/account/factors/demand", demand="never").url.path == "/confirm"


def test_administrators_decide_it_for_others(house: Running, browser: Browser) -> None:
    """Then it is not their owners' to choose, until it is left to them again."""
    browser.sign_in()
    bob = do(house.core, accounts.get, BOB)
    path = f"/admin/accounts/{bob.number}"
    browser.go(path)
    page = browser.send(f"{path}/second-factor", demand="always")
    assert "they get no further than" in page.text
    with browsing(house.url) as his:
        page = his.sign_in(BOB)
        assert ("An administrator has decided that" in page.text, "/demand" in page.text) == (True, False)
        browser.send(f"{path}/second-factor", demand="")
        assert his.go("/account").url.path == "/account"


@pytest.fixture
def strict(sqlite_url: str, hasher: Hasher, clock: FakeClock) -> Iterator[Running]:
    """A server that asks a second factor of administrators: Alice is one, and Bob is not."""
    told = configured(sqlite_url, master_key=MASTER_KEY, second_factor={"required_of": "administrators"})
    with running(told, hasher, clock) as served:
        somebody(served.core, ALICE, is_admin=True)
        somebody(served.core, BOB)
        yield served


def test_a_setting_asks_it_of_all_administrators(strict: Running) -> None:
    """Whatever they chose; others are asked for what they have."""
    do(strict.core, demands.impose, 1, "never")
    with browsing(strict.url) as browser:
        page = browser.sign_in()
        assert (page.url.path, "This server asks more of you" in page.text) == ("/account/factors", True)
        assert knock(browser, "immich") == 401
        browser.send("/sign-out")
        assert browser.sign_in(BOB).url.path == "/account"
