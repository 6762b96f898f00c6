"""Passkeys: made once, shown as they were asked for, and refused in every other way (WebAuthn Level 3 §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.authenticator import BACKED_UP, ELIGIBLE, PRESENT, VERIFIED, Device
from tests.fakes import ORIGIN, PASSWORD, FakeClock, do
from tests.people import BOB, calling, events, opened, presenting, sealing, somebody

from dragoman.core import accounts, login_steps, passkeys, sessions, step_up
from dragoman.core.errors import NotFound, PasskeyRefused, ProofOutdated, SessionRefused, TooMany
from dragoman.core.passkeys import Begun, Passkey, Site
from dragoman.core.principals import Principal
from dragoman.core.secrets import Secret
from dragoman.core.work import Core

SITE = Site("id.example.org", "https://id.example.org")
WEB = replace(ORIGIN, dialect="web")
NOTHING = sessions.Device()


@pytest.fixture
def core(core: Core) -> Core:
    """A core that can seal, which challenges are."""
    return sealing(core)


def phone(**facts: Any) -> Device:
    """Somebody's phone."""
    return Device(SITE.host, SITE.origin, **facts)


def added(core: Core, caller: Principal, device: Device, name: str = "Phone", **wrong: Any) -> Passkey:
    """The passkey that a device makes for the caller."""
    begun: Begun = do(core, passkeys.begin_making, SITE, caller)
    answer = device.make(begun.options, **wrong)
    return do(core, passkeys.finish_making, SITE, caller, begun.carries, answer, name=name)


def signed_in(core: Core, device: Device, **wrong: Any) -> Any:
    """A sign-in by a passkey."""
    begun: Begun = do(core, passkeys.begin_showing, SITE)
    answer = device.show(begun.options, **wrong)
    return login_steps.by_passkey(core, WEB, SITE, begun.carries, answer, device=NOTHING)


def test_a_passkey_signs_in_whose_it_is(core: Core, clock: FakeClock) -> None:
    """Whoever shows it is let in without a name; the session has proved a passkey, which is fresh proof."""
    alice, device = somebody(core), phone()
    added(core, calling(core, alice), device)
    clock.forward(minutes=1)
    done = signed_in(core, device)
    assert done.account.number == alice.number
    caller = presenting(core, done.secret, origin=WEB)
    do(core, step_up.require, caller)
    [known] = do(core, passkeys.of_account, alice.number)
    assert (known.name, known.used_at) == ("Phone", clock.now)


def altered(device: Device, **facts: Any) -> dict[str, Any]:
    """A device that is not what it was; nothing else is wrong about its answer."""
    for name, value in facts.items():
        setattr(device, name, value)
    return {}


# What a device or whoever is between may get wrong, beginning with the checks of §7.2.
WRONG: dict[str, Callable[[Device], dict[str, Any]]] = {
    "another challenge": lambda device: {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    "another type": lambda device: {"type": "webauthn.create"},
    "another origin": lambda device: {"origin": "https://evil.test"},
    "another site's key": lambda device: altered(device, host="evil.test"),
    "nobody there": lambda device: altered(device, flags=VERIFIED),
    "nobody verified": lambda device: altered(device, flags=PRESENT),
    "another key": lambda device: altered(device, key=phone().key),
    "an unknown passkey": lambda device: altered(device, id=bytes(32)),
    "somebody else's handle": lambda device: altered(device, handle=bytes(16)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_X_01_whatever_is_wrong_about_an_answer_lets_nobody_in(core: Core, wrong: str) -> None:
    """Each check of the specification is made: nothing is opened, and the attempt is on record."""
    device = phone()
    added(core, calling(core, somebody(core)), device)
    made = WRONG[wrong](device)
    with pytest.raises(PasskeyRefused):
        signed_in(core, device, **made)
    assert "sign-in refused" in events(core)


@pytest.mark.parametrize(
    "wrong", ["another challenge", "another type", "another origin", "another site's key"]
)
def test_X_01_nothing_wrong_is_kept(core: Core, wrong: str) -> None:
    """What a device made for another page, or for another challenge, is not added."""
    alice, device = somebody(core), phone()
    made = {**WRONG[wrong](device)}
    if made.get("type"):
        made["type"] = "webauthn.get"
    with pytest.raises(PasskeyRefused):
        added(core, calling(core, alice), device, **made)
    assert do(core, passkeys.of_account, alice.number) == []


def test_X_01_a_challenge_is_answered_once_and_within_five_minutes(core: Core, clock: FakeClock) -> None:
    """Who saw an answer cannot send it again, and nobody keeps one for later."""
    device = phone()
    added(core, calling(core, somebody(core)), device)
    begun = do(core, passkeys.begin_showing, SITE)
    answer = device.show(begun.options)
    login_steps.by_passkey(core, WEB, SITE, begun.carries, answer, device=NOTHING)
    with pytest.raises(PasskeyRefused, match="before"):
        login_steps.by_passkey(core, WEB, SITE, begun.carries, answer, device=NOTHING)
    begun = do(core, passkeys.begin_showing, SITE)
    clock.forward(minutes=5)
    with pytest.raises(PasskeyRefused, match="too old"):
        login_steps.by_passkey(core, WEB, SITE, begun.carries, device.show(begun.options), device=NOTHING)


def test_X_01_what_was_asked_for_making_is_not_for_showing(core: Core) -> None:
    """A challenge has one purpose, and one account."""
    alice, bob, device = somebody(core), somebody(core, BOB), phone()
    added(core, calling(core, alice), device)
    begun = do(core, passkeys.begin_making, SITE, calling(core, bob))
    with pytest.raises(PasskeyRefused):
        login_steps.by_passkey(core, WEB, SITE, begun.carries, device.show(begun.options), device=NOTHING)
    answer, alices = phone().make(begun.options), calling(core, alice)
    with pytest.raises(PasskeyRefused):
        do(core, passkeys.finish_making, SITE, alices, begun.carries, answer, name="x")


@pytest.mark.parametrize(
    "answer", [{}, {"rawId": 7}, {"response": []}, {"id": "x", "rawId": "x", "type": "y"}]
)
def test_X_01_what_is_no_answer_is_refused(core: Core, answer: dict[str, Any]) -> None:
    """Strangers may send anything."""
    begun = do(core, passkeys.begin_showing, SITE)
    with pytest.raises(PasskeyRefused):
        login_steps.by_passkey(core, WEB, SITE, begun.carries, answer, device=NOTHING)


def test_X_02_a_counter_that_went_back_is_refused_and_on_record(core: Core) -> None:
    """Two hold the passkey: neither is let in by a count that was there before. A device that counts not is fine."""
    device = phone(counter=1)
    added(core, calling(core, somebody(core)), device)
    device.counter = 5
    signed_in(core, device)
    device.counter = 5
    with pytest.raises(PasskeyRefused, match="went back"):
        signed_in(core, device)
    assert "passkey counter went back" in events(core)


def test_X_02_flags_of_backup_may_change(core: Core) -> None:
    """Password managers are not at one about them: a passkey lets in whatever they say, and what they say is kept."""
    alice, device = somebody(core), phone(flags=PRESENT | VERIFIED | ELIGIBLE)
    assert not added(core, calling(core, alice), device).is_backed_up
    device.flags = PRESENT | VERIFIED | BACKED_UP
    signed_in(core, device)
    assert [each.is_backed_up for each in do(core, passkeys.of_account, alice.number)] == [True]


def test_X_03_the_same_passkey_is_added_once_and_twenty_at_most(core: Core) -> None:
    """A device that is known is refused, and so is the twenty-first."""
    caller, device = calling(core, somebody(core)), phone()
    added(core, caller, device)
    with pytest.raises(PasskeyRefused):
        added(core, caller, device)
    for _ in range(passkeys.MOST - 1):
        added(core, caller, phone())
    with pytest.raises(TooMany):
        added(core, caller, phone())


def test_nobody_removes_anothers(core: Core) -> None:
    """A passkey is its owner's to remove; then it lets nobody in."""
    alice, bob, device = somebody(core), somebody(core, BOB), phone()
    known = added(core, calling(core, alice), device)
    with pytest.raises(NotFound):
        do(core, passkeys.remove, calling(core, bob), known.id)
    assert do(core, passkeys.remove, calling(core, alice), known.id) == "Phone"
    with pytest.raises(PasskeyRefused):
        signed_in(core, device)


def test_a_disabled_account_is_not_let_in(core: Core) -> None:
    """Its passkeys are good for nothing while it is disabled."""
    alice, device = somebody(core), phone()
    added(core, calling(core, alice), device)
    somebody(core, BOB, is_admin=True)
    do(core, accounts.disable, alice.number)
    with pytest.raises(PasskeyRefused):
        signed_in(core, device)


def test_S_09_only_the_method_that_is_asked_for_is_fresh_proof(core: Core, clock: FakeClock) -> None:
    """A session that proved nothing, or long ago, or by less than the account has, is asked again; and has a new secret."""
    alice = somebody(core)
    _, secret = opened(core, alice, origin=WEB)
    caller = presenting(core, secret, origin=WEB)
    with pytest.raises(ProofOutdated):
        do(core, step_up.require, caller)
    renewed = step_up.prove(core, WEB, caller, Secret(PASSWORD), None)
    do(core, step_up.require, caller)
    assert presenting(core, renewed, origin=WEB).session is not None
    with pytest.raises(SessionRefused):
        presenting(core, secret, origin=WEB)
    clock.forward(minutes=10)
    with pytest.raises(ProofOutdated):
        do(core, step_up.require, caller)
