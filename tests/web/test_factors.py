"""Second factors on the pages: set up, asked for, lost and removed, always after a fresh proof, and told to the owner."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape

import httpx2
import pytest
from tests.authenticator import Device
from tests.fakes import ORIGIN, PASSWORD, do
from tests.people import ALICE, events
from tests.running import Running
from tests.visiting import Browser, browsing

from dragoman.core import accounts, outbox, throttle
from dragoman.core.factors import code_at, seed_of, step_at
from dragoman.core.secrets import Secret


@pytest.fixture
def local(house: Running) -> Iterator[Browser]:
    """A browser that knows the server by a name, as browsers must to have passkeys."""
    with browsing(house.url.replace("127.0.0.1", "localhost")) as opened:
        yield opened


def code(house: Running, seed: str) -> str:
    """What Alice's phone shows now."""
    return code_at(seed_of(Secret(seed)), step_at(house.clock.now))


def proved(house: Running, browser: Browser, path: str, **typed: str) -> None:
    """Go to a page that asks for a proof where the last is too old, and give it."""
    house.clock.forward(minutes=11)
    page = browser.go(path)
    assert page.url.path == "/confirm"
    page = browser.send("/confirm", password=PASSWORD, **typed)
    assert page.url.path == path


def set_up(house: Running, browser: Browser) -> tuple[str, list[str]]:
    """Set up codes for Alice: the seed, and the recovery codes."""
    if browser.go("/account").url.path != "/account":
        browser.sign_in()
    proved(house, browser, "/account/totp")
    assert browser.page is not None
    shown = re.search(r'class="code shown-once">([A-Z2-7 ]+)<', browser.page.text)
    assert shown is not None
    assert re.search(
        r'<svg[^>]* viewBox="0 0 \d+ \d+"', browser.page.text
    )  # else a page that scales it cuts it
    page = browser.send("/account/totp", code=code(house, shown[1]))
    codes = re.findall(r"<div>([a-z2-7-]{27})</div>", page.text)
    assert (page.status_code, len(codes)) == (200, 10)
    house.clock.forward(seconds=30)
    return shown[1], codes


def test_codes_are_set_up_asked_for_and_good_once(house: Running, browser: Browser) -> None:
    """The second step asks for a code; one that was used, or is wrong, lets nobody in."""
    seed, _ = set_up(house, browser)
    with browsing(house.url) as other:
        page = other.sign_in()
        assert (page.url.path, "One more step" in page.text) == ("/sign-in", True)
        assert other.go("/account").url.path == "/sign-in"
        other.sign_in()
        page = other.send("/sign-in/code", code="000000")
        assert (page.status_code, "not right" in page.text) == (401, True)
        used = code(house, seed)
        page = other.send("/sign-in/code", code=used)
        assert page.url.path == "/account"
    with browsing(house.url) as third:
        third.sign_in()
        assert third.send("/sign-in/code", code=used).status_code == 401


def test_the_first_step_proves_nothing_for_long(house: Running, browser: Browser) -> None:
    """What the browser carries between the steps is good for five minutes, and for the password that was right."""
    seed, _ = set_up(house, browser)
    with browsing(house.url) as other:
        other.sign_in()
        house.clock.forward(minutes=5)
        page = other.send("/sign-in/code", code=code(house, seed))
        assert (page.status_code, "took too long" in page.text) == (401, True)
        other.sign_in()
        page = other.send("/sign-in/code", code=code(house, seed), carries="A" * 100)
        assert page.status_code == 401


def test_P_08_codes_are_counted_apart_from_passwords(house: Running, browser: Browser) -> None:
    """Whoever knows the password and guesses codes is slowed down, and a password that is right does not help them."""
    set_up(house, browser)
    with browsing(house.url, **{"user-agent": "a stranger"}) as stranger:
        for _ in range(11):
            stranger.sign_in()
            assert stranger.send("/sign-in/code", code="000000").status_code == 401
        stranger.sign_in()
        assert stranger.send("/sign-in/code", code="000000").status_code == 429


def test_R_04_a_recovery_code_works_once_and_new_ones_end_the_old(house: Running, browser: Browser) -> None:
    """Ten are shown once; each lets in once in place of a code, however it is typed; how many are left is shown."""
    _, codes = set_up(house, browser)
    with browsing(house.url) as other:
        other.sign_in()
        page = other.send("/sign-in/code", code=f" {codes[0].upper()} ", recovery="yes")
        assert page.url.path == "/account"
        assert "9 left" in other.go("/account/factors").text
    with browsing(house.url) as third:
        third.sign_in()
        assert third.send("/sign-in/code", code=codes[0], recovery="yes").status_code == 401
    browser.go("/account/factors")
    page = browser.send("/account/recovery-codes")
    fresh = re.findall(r"<div>([a-z2-7-]{27})</div>", page.text)
    assert not set(fresh) & set(codes)
    with browsing(house.url) as fourth:
        fourth.sign_in()
        assert fourth.send("/sign-in/code", code=codes[1], recovery="yes").status_code == 401
        assert fourth.send("/sign-in/code", code=fresh[0], recovery="yes").url.path == "/account"
    assert fresh[0] not in browser.go("/account/factors").text


def test_S_09_who_has_codes_proves_one_before_they_can_be_turned_off(
    house: Running, browser: Browser
) -> None:
    """An old session shows the password and a code; the password alone is not enough. The owner is told by mail."""
    seed, _ = set_up(house, browser)
    house.clock.forward(minutes=11)
    browser.go("/account/factors")
    page = browser.send("/account/totp/remove")
    assert page.url.path == "/confirm"
    assert browser.send("/confirm", password=PASSWORD, code="000000").status_code == 401
    page = browser.send("/confirm", password=PASSWORD, code=code(house, seed))
    assert page.url.path == "/account/factors"
    page = browser.send("/account/totp/remove")
    assert "No code is asked for any more." in page.text
    assert {"second factor enabled", "second factor disabled"} <= set(events(house.core))
    told = [mail.kind for mail in do(house.core, outbox.listed)]
    assert told == ["change", "change"]


def test_who_lost_the_phone_comes_in_by_a_recovery_code_and_sets_up_another(
    house: Running, browser: Browser
) -> None:
    """A sign-in by password and recovery code is fresh proof: it turns the codes off, and on again with another seed."""
    seed, codes = set_up(house, browser)
    with browsing(house.url) as other:
        other.sign_in()
        other.send("/sign-in/code", code=codes[0], recovery="yes")
        other.go("/account/factors")
        assert "No code is asked for any more." in other.send("/account/totp/remove").text
        assert set_up(house, other)[0] != seed


def test_a_wrong_code_in_a_proof_is_on_record(house: Running, browser: Browser) -> None:
    """Whoever guesses at the second factor of an open session leaves evidence, and proves nothing."""
    set_up(house, browser)
    house.clock.forward(minutes=11)
    browser.go("/account/password")
    assert browser.send("/confirm", password=PASSWORD, code="000000").status_code == 401
    assert "wrong code" in events(house.core)


def test_a_confirmed_session_has_another_secret(house: Running, browser: Browser) -> None:
    """What was in the browser before the proof opens nothing after it."""
    browser.sign_in()
    [before] = [each.value for each in browser.client.cookies.jar if each.name == "dragoman"]
    proved(house, browser, "/account/totp")
    [after] = [each.value for each in browser.client.cookies.jar if each.name == "dragoman"]
    assert before != after
    with browsing(str(browser.client.base_url)) as thief:
        thief.client.cookies.set("dragoman", before or "")
        assert thief.go("/account").url.path == "/sign-in"


def begun(text: str) -> tuple[dict[str, object], str]:
    """What a page or an answer asks the browser for, and what is carried back."""
    told = json.loads(text)
    return told["options"], told["carries"]


def with_passkey(house: Running, local: Browser) -> Device:
    """Alice's device, whose passkey she has just added."""
    local.sign_in()
    proved(house, local, "/account/passkeys/new")
    device = Device("localhost", str(local.client.base_url).rstrip("/"))
    token = local.form("/account/passkeys")["form_token"]
    options, carries = begun(local.client.post("/account/passkeys/new", data={"form_token": token}).text)
    page = local.send(
        "/account/passkeys", carries=carries, answer=json.dumps(device.make(options)), name="Phone"
    )
    assert ("The passkey was added." in page.text, "Phone" in page.text) == (True, True)
    return device


def show(other: Browser, device: Device) -> httpx2.Response:
    """Sign in by a device's passkey."""
    told = re.search(r'data-begun="([^"]*)"', other.go("/sign-in").text)
    assert told is not None
    options, carries = begun(unescape(told[1]))
    assert "allowCredentials" not in options  # T-02: nobody learns from it who has passkeys
    return other.send("/sign-in/passkey", carries=carries, answer=json.dumps(device.show(options)))


def test_P_07_a_passkey_signs_in_where_no_password_is_heard_any_more(house: Running, local: Browser) -> None:
    """Strangers who guess a hundred times lock the password of an account, and nothing else."""
    device, number = with_passkey(house, local), do(house.core, accounts.get, ALICE).number
    for _ in range(100):
        with house.core.begin(ORIGIN, writes=True) as uow:
            throttle.reserve(uow, [throttle.account_counter(uow, "password", number)])
        house.clock.forward(minutes=15)
    with browsing(device.origin, **{"user-agent": "another"}) as other:
        assert other.sign_in().status_code == 429
        assert show(other, device).url.path == "/account"


def test_a_passkey_is_added_and_signs_in_alone(house: Running, local: Browser) -> None:
    """Made after a fresh proof, it lets its owner in without a name; removed, it lets nobody in."""
    device = with_passkey(house, local)
    url = device.origin
    with browsing(url) as other:
        assert show(other, device).url.path == "/account"
        assert other.go("/account/totp").url.path == "/account/totp"  # it is fresh proof, too
    [action] = re.findall(r'action="(/account/passkeys/[^"]+/remove)"', local.go("/account/factors").text)
    local.send(action)
    with browsing(url) as third:
        third.go("/sign-in")
        answer = third.client.post("/passkey", data={"form_token": third.form("/sign-in")["form_token"]})
        options, carries = begun(answer.text)
        page = third.send("/sign-in/passkey", carries=carries, answer=json.dumps(device.show(options)))
        assert (page.status_code, "lets nobody in" in page.text) == (401, True)


def test_where_browsers_have_no_passkeys_none_is_offered(browser: Browser) -> None:
    """An address without a name, or a name without TLS, is told so."""
    assert "passkey" not in browser.go("/sign-in").text
    browser.sign_in()
    assert "host name and TLS" in browser.go("/account/factors").text
