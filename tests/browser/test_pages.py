"""The pages in a real browser: for everybody, on every screen, with and without a script."""

from __future__ import annotations

import re

import pytest
from immich_python_sdk import ApiClient, AuthenticationApi, Configuration, LoginCredentialDto
from immich_python_sdk.exceptions import UnauthorizedException
from playwright.sync_api import CDPSession, Dialog, Page
from tests.browser.conftest import Opener, sign_in
from tests.fakes import PASSWORD, do
from tests.people import ALICE
from tests.running import Running

from dragoman.core import dialect_choices, setup_links
from dragoman.core.dialect_choices import Choice
from dragoman.core.factors import code_at, seed_of, step_at
from dragoman.core.secrets import Secret

pytestmark = pytest.mark.browser


def test_W_05_a_keyboard_is_enough_to_sign_in_and_out(house: Running, opens: Opener) -> None:
    """The first field has the focus, Tab goes on, Enter sends; fields say to password managers what they are."""
    page = opens("/sign-in")
    assert page.locator("#name").get_attribute("autocomplete") == "username webauthn"
    assert page.locator("#password").get_attribute("autocomplete") == "current-password"
    page.keyboard.type(ALICE)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in?said=signed-out")


def test_a_delay_is_counted_down(house: Running, opens: Opener) -> None:
    """Whoever guessed too often sees how long to wait, and cannot press the button before."""
    page = opens("/sign-in")
    for _ in range(12):
        page.get_by_label("E-mail or username").fill(ALICE)
        page.get_by_label("Password", exact=True).fill("a guess")
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_load_state()
    assert page.locator("#enter").is_disabled()
    assert re.search(r"\d s", page.locator("[data-left]").inner_text())


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_from_the_first_start_to_a_phone_client_signed_in_and_out_again(
    sqlite_server: Running, opens: Opener, script: bool
) -> None:
    """The printed link, the first administrator, the address for the app; the SDK signs in, is seen, and is ended."""
    house, link = sqlite_server, do(sqlite_server.core, setup_links.make)
    page = opens(f"/set-up?token={link.reveal()}", java_script_enabled=script)
    page.get_by_label("Your name").fill("Alice")
    page.get_by_label("E-mail").fill(ALICE)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    page.wait_for_url("**/admin/dialects**")
    page.get_by_role("link", name="Connect an app").last.click()
    page.wait_for_url("**/account/apps")
    shown = page.locator("section", has_text="Immich").locator(".code").first.inner_text()
    assert shown == "http://127.0.0.1:8080/immich/api"
    with ApiClient(Configuration(host=house.immich)) as client:
        auth = AuthenticationApi(client)
        token = auth.login(LoginCredentialDto(email=ALICE, password=PASSWORD)).access_token
        client.configuration.access_token = token
        client.default_headers["Authorization"] = f"Bearer {token}"
        assert auth.validate_access_token().auth_status is True
        page.goto("/account/sessions")
        page.once("dialog", lambda dialog: dialog.accept())
        page.locator("li", has_text="Immich").get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/account/sessions?said=session-ended")
        with pytest.raises(UnauthorizedException):
            auth.validate_access_token()


def test_only_what_cuts_apps_off_is_asked_about(house: Running, opens: Opener) -> None:
    """A product's setting is saved at once; to move it or switch it off is asked about first, and not done on a no."""
    page, asked = opens("/sign-in"), list[str]()
    sign_in(page)
    page.goto("/admin/dialects")

    def dismiss(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.locator("section", has_text="Immich").get_by_text("Settings").click()
    page.locator("#immich-session_idle_days").fill("30")
    page.get_by_role("button", name="Save Immich").click()
    page.wait_for_url("**/admin/dialects?said=dialect-chosen")
    assert asked == []
    page.get_by_label("Path of Immich on this server").fill("/photos")
    page.get_by_label("Serve Immich").uncheck()
    page.get_by_role("button", name="Save Immich").click()
    assert [question.count("?") for question in asked] == [2]
    assert do(house.core, dialect_choices.chosen)["immich"] == Choice(
        enabled=True, settings={"session_idle_days": 30}
    )


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_a_guest_is_invited_and_shown_how_to_connect_an_app(
    house: Running, opens: Opener, script: bool
) -> None:
    """An administrator is shown a link; in another browser it leads to an account, and on to the apps."""
    page = opens("/sign-in", java_script_enabled=script)
    sign_in(page)
    page.goto("/admin/invitations")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("E-mail").fill("carl@example.org")
    page.get_by_role("button", name="Invite them").click()
    link = page.locator("#link").inner_text()
    guest = opens(link[link.index("/invitation") :], java_script_enabled=script)
    guest.get_by_label("Your name").fill("Carl")
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_label("The same again").fill(PASSWORD)
    guest.get_by_role("button", name="Make my account").click()
    guest.wait_for_url("**/account/apps**")
    page.goto("/admin/invitations")
    assert page.locator("li", has_text="carl@example.org").locator(".tag").first.inner_text() == "accepted"


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_R_04_codes_are_set_up_used_and_recovered_from(house: Running, opens: Opener, script: bool) -> None:
    """TOTP from the picture to the sign-in, and a recovery code for whoever has lost the phone."""
    page = opens("/sign-in", java_script_enabled=script)
    sign_in(page)
    page.goto("/account/totp")
    page.get_by_text("I cannot scan it").click()
    seed = page.locator(".shown-once").inner_text().replace(" ", "")

    def code() -> str:
        return code_at(seed_of(Secret(seed)), step_at(house.clock.now))

    page.get_by_label("Type the code that it shows").fill(code())
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator("#codes div").all_inner_texts()
    assert len(codes) == 10
    house.clock.forward(seconds=30)
    for typed in (code(), codes[0]):
        other = opens("/sign-in", java_script_enabled=script)
        other.get_by_label("E-mail or username").fill(ALICE)
        other.get_by_label("Password", exact=True).fill(PASSWORD)
        other.get_by_role("button", name="Sign in", exact=True).click()
        if typed == codes[0]:
            other.get_by_text("I cannot get a code").click()
            other.get_by_label("Recovery code").fill(typed)
            other.get_by_role("button", name="Use it").click()
        else:
            other.get_by_label("Code", exact=True).fill(typed)
            other.get_by_role("button", name="Sign in", exact=True).click()
        other.wait_for_url("**/account")


def with_authenticator(page: Page) -> tuple[CDPSession, str]:
    """Signed in at a browser with a passkey that its own virtual authenticator made; how to tell that what to do."""
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    sign_in(page)
    made = devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/account/passkeys/new")
    page.get_by_label("Name").fill("Test phone")
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/account/factors?said=passkey-added")
    assert page.get_by_text("Test phone").is_visible()
    return devices, made["authenticatorId"]


def test_a_passkey_follows_the_password(house: Running, opens: Opener) -> None:
    """Whoever has a passkey and types the password is asked for it, and is in when it was shown."""
    page = opens("/sign-in")
    devices, authenticator = with_authenticator(page)

    def be_there(*, enabled: bool) -> None:
        there = {"authenticatorId": authenticator, "enabled": enabled}
        devices.send("WebAuthn.setAutomaticPresenceSimulation", there)

    be_there(enabled=False)  # else what the page offers to fill in is taken before anything is typed
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url("**/sign-in?said=signed-out")
    page.get_by_label("E-mail or username").fill(ALICE)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    shows = page.get_by_role("button", name="Show my passkey")
    shows.wait_for()
    assert page.request.get("/account", max_redirects=0).status == 303, "the password alone lets nobody in"
    be_there(enabled=True)
    shows.click()
    page.wait_for_url("**/account")
    assert page.get_by_role("heading", name="Your account").is_visible()


def test_a_passkey_is_made_and_signs_in_by_autofill(house: Running, opens: Opener) -> None:
    """Chromium's own virtual authenticator: made after signing in, then used without a name."""
    page = opens("/sign-in")
    with_authenticator(page)
    # The authenticator needs no touch: what the page offers to fill in is taken at once.
    page.get_by_role("button", name="Sign out").first.click()
    page.wait_for_url("**/account")
    assert page.get_by_role("heading", name="Your account").is_visible()
