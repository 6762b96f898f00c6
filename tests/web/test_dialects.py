"""The page of products: what is served, and where, from the next second on and on every node."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx2
import pytest
from tests.conftest import MASTER_KEY
from tests.fakes import PASSWORD, FakeClock, do
from tests.people import ALICE, BOB
from tests.running import Running, ask, configured, running
from tests.visiting import Browser, browsing

from dragoman.core import dialect_choices
from dragoman.core.dialect_choices import Choice
from dragoman.core.passwords import Hasher

PHOTOS = "photos.example.org"
SHORTLY = 5.0  # seconds: it holds within two where the machine has nothing else to do


@pytest.fixture
def other(house: Running, sqlite_url: str, clock: FakeClock, hasher: Hasher) -> Iterator[Running]:
    """A second node of the same house, whose configuration says of ELEMENTS that it is off."""
    told = configured(sqlite_url, master_key=MASTER_KEY, dialects={"elements": {"enabled": False}})
    with running(told, hasher, clock) as served:
        yield served


def shortly(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold."""
    until = time.monotonic() + SHORTLY
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def get(node: Running, path: str, **headers: str) -> int:
    """The status of an answer."""
    with httpx2.Client(base_url=node.url, trust_env=False, headers=headers, timeout=30) as client:
        return client.get(path).status_code


def choose(browser: Browser, dialect: str, **typed: str | list[str]) -> httpx2.Response:
    """Say on the page how a dialect is to be served; `enabled` is no box if it is a list of nothing."""
    browser.go("/admin/dialects")
    return browser.send(f"/admin/dialects/{dialect}", **typed)


def test_C_04_what_is_switched_off_answers_404_on_every_node_and_its_tokens_are_refused(
    house: Running, other: Running, browser: Browser
) -> None:
    """Its routes and its check are gone, with tokens that were good; switched on again, these are good."""
    answer = ask(house, "POST", "/auth/login", json={"email": ALICE, "password": PASSWORD})
    shown = {"authorization": f"Bearer {answer.json()['accessToken']}"}
    asked = [(node, path) for node in (house, other) for path in ("/immich/api/users/me", "/immich/check")]
    assert [get(node, path, **shown) for node, path in asked] == [200, 204, 200, 204]
    browser.sign_in()
    page = choose(browser, "immich", enabled=[])
    assert "Saved." in page.text
    assert shortly(lambda: [get(node, path, **shown) for node, path in asked] == [404] * 4)
    assert get(house, "/shoko/api/v3/User/Current", **shown) == 401
    assert "/immich/api" not in browser.go("/account/apps").text
    choose(browser, "immich", enabled="yes")
    assert shortly(lambda: [get(node, path, **shown) for node, path in asked] == [200, 204, 200, 204])


def test_a_host_name_is_served_and_taken_away_again(house: Running, browser: Browser) -> None:
    """A name of its own leads to a product alone, beside its path; without the name only the path does."""
    ping, named = "/api/server/ping", {"host": PHOTOS}
    browser.sign_in()
    assert get(house, ping, **named) == 404
    choose(browser, "immich", host=PHOTOS.upper())
    assert shortly(lambda: get(house, ping, **named) == 200)
    assert get(house, "/sign-in", **named) == 404
    assert get(house, f"/immich{ping}") == 200
    assert f"http://{PHOTOS}:8080/api" in browser.go("/account/apps").text
    choose(browser, "immich", host="")
    assert shortly(lambda: get(house, ping, **named) == 404)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "https://photos.example.org", "a b"])
def test_no_name_is_taken_that_the_pages_are_at_or_that_is_none(
    house: Running, browser: Browser, name: str
) -> None:
    """Nobody shuts themselves out of the pages; what is no host name is refused, in words."""
    browser.sign_in()
    page = choose(browser, "immich", host=name)
    assert (page.status_code, 'role="alert"' in page.text) == (422, True)


def test_a_name_of_another_product_is_refused(house: Running, browser: Browser) -> None:
    """Two products cannot have one name."""
    browser.sign_in()
    choose(browser, "immich", host=PHOTOS)
    page = choose(browser, "shoko", host=PHOTOS)
    assert (page.status_code, "another product" in page.text) == (422, True)


def test_what_the_configuration_says_stays(house: Running, other: Running, browser: Browser) -> None:
    """Where it says something, the page shows that it is fixed, and a choice made all the same changes nothing there."""
    browser.sign_in()
    choose(browser, "elements", enabled="yes", host="elements.example.org")
    assert shortly(lambda: get(house, "/docs", host="elements.example.org") == 200)
    assert get(other, "/elements/docs") == 404
    with browsing(other.url) as there:
        there.sign_in()
        page = there.go("/admin/dialects").text
        elements = page.partition("<h2>ELEMENTS</h2>")[2].partition("</section>")[0]
        assert "said by the configuration" in elements
        assert "checked" not in elements.partition("<details")[0]
        assert elements.count(" disabled") == 1


def test_a_product_moves_to_another_path(house: Running, other: Running, browser: Browser) -> None:
    """From then on, and on every node, it is there and not where it was; and back again."""
    browser.sign_in()
    for path, gone in (("/photos", "/immich"), ("/immich", "/photos")):
        assert "Saved." in choose(browser, "immich", path=path).text
        for node in (house, other):
            ping = "/api/server/ping"
            assert shortly(lambda: get(node, f"{path}{ping}") == 200)  # noqa: B023 - looked at before the next one
            assert get(node, f"{gone}{ping}") == 404
        assert f"http://127.0.0.1:8080{path}/api" in browser.go("/account/apps").text


def test_no_path_is_taken_that_leads_elsewhere(house: Running, browser: Browser) -> None:
    """Not the pages', not another product's as it is or would be, nothing above or below one, and none that is no path."""
    browser.sign_in()
    choose(browser, "aivo", path="/shared/aivo")
    for path in (
        "/account",
        "/metrics",
        "/.well-known/x",
        "/shoko",
        "/shoko/old",
        "/aivo",
        "/shared",
        "photos",
        "/",
    ):
        page = choose(browser, "immich", path=path)
        assert (page.status_code, page.text.count('role="alert"')) == (422, 1), path
    assert do(house.core, dialect_choices.chosen) == {"aivo": Choice(enabled=True, path="/shared/aivo")}


def test_settings_of_a_product_hold_on_every_node(house: Running, other: Running, browser: Browser) -> None:
    """The release that is spoken, and how long sessions last, are as chosen within two seconds, and on record."""
    browser.sign_in()
    choose(browser, "immich", speaks="3.2", session_idle_days="7")
    for node in (house, other):
        assert shortly(lambda: asked_version(node) == 3)  # noqa: B023 - looked at before the next one
        assert node.core.rules.lifetime("immich").idle == timedelta(days=7)
    page = browser.go("/admin/dialects").text
    assert "<option selected>3.2</option>" in page
    assert re.search(r'name="session_idle_days" type="number" value="7"', page)
    assert "session_idle_days" in browser.go("/admin/audit?event=dialect").text
    choose(browser, "immich", speaks="1.134", session_idle_days="90")
    assert do(house.core, dialect_choices.chosen)["immich"].settings == {}


def asked_version(node: Running) -> int:
    """The major number of the release of Immich that is spoken."""
    with httpx2.Client(base_url=node.url, trust_env=False, timeout=30) as client:
        return int(client.get("/immich/api/server/version").json()["major"])


def test_what_no_setting_can_be_is_refused_beside_its_field(house: Running, browser: Browser) -> None:
    """A value that the configuration could not have is refused in the same words, and nothing is changed."""
    browser.sign_in()
    for dialect, field, value, said in (
        ("immich", "session_idle_days", "0", "This must be a whole number from 1 to 3650."),
        ("immich", "session_idle_days", "soon", "This must be a whole number from 1 to 3650."),
        ("immich", "speaks", "9", "This must be"),
        ("elements", "trusted_origins", "nowhere", "This must be"),
    ):
        page = choose(browser, dialect, **{field: value})
        assert (page.status_code, said in page.text) == (422, True), value
    assert do(house.core, dialect_choices.chosen) == {}


def test_secrets_and_what_only_an_operator_can_judge_are_no_fields(browser: Browser) -> None:
    """How Portainer's provider is reached, and what others verify tokens by, stand in the configuration alone."""
    browser.sign_in()
    page = browser.go("/admin/dialects").text
    for name in ("client_secret", "authentication_method", "issuer", "audience"):
        assert f'name="{name}"' not in page


def test_nobody_else_sees_or_changes_it(house: Running, browser: Browser) -> None:
    """Whoever is no administrator is refused; an administrator without a fresh proof is asked for one."""
    browser.sign_in(BOB)
    assert browser.go("/admin/dialects").status_code == 403
    with browsing(house.url) as hers:
        hers.sign_in()
        hers.go("/admin/dialects")
        house.clock.forward(minutes=11)
        assert hers.send("/admin/dialects/immich").url.path == "/confirm"
        assert get(house, "/immich/api/server/ping") == 200


def test_what_there_is_not_cannot_be_chosen(house: Running, browser: Browser) -> None:
    """A dialect that nobody knows is not found."""
    browser.sign_in()
    browser.go("/admin/dialects")
    form = browser.form("/admin/dialects/immich")
    headers = {"origin": house.url}
    assert browser.client.post("/admin/dialects/klingon", data=dict(form), headers=headers).status_code == 404
