"""Pages that no address leads to: what is answered to something that was typed, and what says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.browser.conftest import press
from tests.browser.inhabited import ADA, LONG, code
from tests.fakes import ORIGIN, PASSWORD, do
from tests.links import FOLDER
from tests.people import calling, somebody
from tests.running import Running, ask

from dragoman.core import access_tokens, accounts, invitations, resets
from dragoman.core.access_tokens import NewAccessToken
from dragoman.core.work import Origin

SENT_OFTEN = """async () => {
  const form = document.querySelector("main form");
  for (let n = 0; n < 11; n++) await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
}"""
Moment = Callable[[Running, Any], None]


def no_such_name(house: Running, page: Any) -> None:
    """A name and a password that do not belong together."""
    page.goto("/sign-in")
    press(page, "Sign in", name="nobody@example.org", password="a guess")


def too_many_guesses(house: Running, page: Any) -> None:
    """A sign-in that has to wait."""
    for _ in range(11):
        ask(house, "POST", "/auth/login", json={"email": "guessed@example.org", "password": "a guess"})
    page.goto("/sign-in")
    press(page, "Sign in", name="guessed@example.org", password="a guess")


def a_wrong_code(house: Running, page: Any) -> None:
    """The second step, and what there is for who lost the phone."""
    page.goto("/sign-in")
    press(page, "Sign in", name=ADA, password=PASSWORD)
    press(page, "Sign in", code="000000")
    page.get_by_text("I cannot get a code").click()


def nothing_there(house: Running, page: Any) -> None:
    """An address without a page."""
    page.goto("/account/nothing-here")


def a_forged_form(house: Running, page: Any) -> None:
    """A form without what shows that it is ours."""
    page.goto("/sign-in")
    page.evaluate("document.querySelector('[name=form_token]').value = 'forged'")
    press(page, "Sign in", name=ADA, password=PASSWORD)


def an_accident(house: Running, page: Any) -> None:
    """Something that was never to happen: a table is gone for a moment."""
    rename = "ALTER TABLE {} RENAME TO {}"
    with house.core.database.writing() as db:
        db.exec_driver_sql(rename.format("setup_links", "elsewhere"))
    try:
        page.goto("/set-up?token=none")
    finally:
        with house.core.database.writing() as db:
            db.exec_driver_sql(rename.format("elsewhere", "setup_links"))


def a_new_password_that_will_not_do(house: Running, page: Any) -> None:
    """The page of a mailed link, with reasons."""
    with house.core.begin(ORIGIN, writes=True) as uow:
        link = resets.start(uow, accounts.get(uow, LONG)).link.reveal()
    page.goto(link[link.index("/reset-password") :])
    press(page, "Set the password", password="password1", again="password1")


def a_used_link(house: Running, page: Any) -> None:
    """A mailed link that is good for nothing any more."""
    page.goto("/reset-password?token=none")


def an_invitation_that_will_not_do(house: Running, page: Any) -> None:
    """A guest's form, with what was decided and with what is wrong."""
    with house.core.begin(ORIGIN, writes=True) as uow:
        offer = invitations.Offer(email="guest@example.org", is_admin=True)
        link = invitations.invite(uow, offer, inviter=None).link.reveal()
    page.goto(link[link.index("/invitation") :])
    press(page, "Make my account", display_name="Guest", username=ADA, password="short", again="short")


def an_invitation_is_made(house: Running, page: Any) -> None:
    """A guest's link, shown once."""
    page.goto("/admin/invitations/new")
    press(page, "Invite them", email="another@example.org")


def a_key_is_made(house: Running, page: Any) -> None:
    """An API key, shown once."""
    page.goto("/account/keys/new/immich")
    page.locator("[name=name]").fill("Backups of what is on the phone")
    page.get_by_text("Choose", exact=True).click()
    page.locator("[type=checkbox]:visible").first.check()
    press(page, "Make the key")


def an_app_password_is_made(house: Running, page: Any) -> None:
    """An app password, shown once."""
    page.goto("/account/app-passwords/new")
    press(page, "Make it", name="Phone")


def recovery_codes_are_made(house: Running, page: Any) -> None:
    """Ten codes, shown once."""
    page.goto("/account/factors")
    page.once("dialog", lambda dialog: dialog.accept())
    press(page, "Make ten new ones")


def a_link_to_hand_over(house: Running, page: Any) -> None:
    """What an administrator gives to somebody who is to set a password."""
    page.goto("/admin/accounts/2")
    press(page, "Show me a link to hand over")


def acting_as_another(house: Running, page: Any) -> None:
    """The banner on every page, while one is not oneself."""
    page.goto("/admin/accounts/2")
    page.once("dialog", lambda dialog: dialog.accept())
    press(page, "Act as them")


def a_proof_that_is_none(house: Running, page: Any) -> None:
    """Who one is, to be proved anew."""
    page.goto("/confirm")
    press(page, "Go on", password="a guess", code=code(house))


def too_many_wrong_pins(house: Running, page: Any) -> None:
    """Something else than a sign-in that has to wait."""
    page.goto("/account/pin")
    for name, pin in (("old", "000000"), ("new", "314159"), ("again", "314159")):
        page.locator(f"[name={name}]").fill(pin)
    page.evaluate(SENT_OFTEN)
    press(page, "Change it", old="000000", new="314159", again="314159")


def a_link_to_what_is_shared(house: Running, page: Any) -> None:
    """What somebody sees who follows a link of ELEMENTS', and mistypes its password."""
    core, at = house.core, Origin("elements")
    owner = calling(core, somebody(core, "sharer@example.org"), origin=at)
    new = NewAccessToken(
        owner.account.number, "/media", shared=(FOLDER,), password=core.tools.hasher.hash(PASSWORD)
    )
    link = do(core, access_tokens.issue, new, by=owner, origin=at)
    page.goto(f"/elements/auth/fast-lane/{do(core, access_tokens.token_of, link, origin=at).reveal()}")
    press(page, "Open it", password="a guess")


STRANGERS: Mapping[Moment, int] = {
    no_such_name: 401,
    too_many_guesses: 429,
    a_wrong_code: 401,
    nothing_there: 404,
    a_forged_form: 403,
    an_accident: 500,
    a_new_password_that_will_not_do: 422,
    a_used_link: 410,
    a_link_to_what_is_shared: 400,
    an_invitation_that_will_not_do: 422,
}
ADAS: Mapping[Moment, int] = {
    a_key_is_made: 200,
    an_app_password_is_made: 200,
    recovery_codes_are_made: 200,
    a_link_to_hand_over: 200,
    an_invitation_is_made: 200,
    acting_as_another: 200,
    a_proof_that_is_none: 401,
    too_many_wrong_pins: 429,
}
