"""Any story of one account, in any order, goes as the contract tells it: a model of a page, held against the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.contract.immich.speech import OTHER_PIN, PIN, House, Person, assert_refused
from tests.fakes import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.fuzz

PINS = st.sampled_from([PIN, OTHER_PIN])
PASSWORDS = st.sampled_from([PASSWORD, NEW_PASSWORD])
# What is shown for a PIN and a password: the right one, a wrong one, or none. The right ones come first.
SHOWN = st.sampled_from(["right", "right", "wrong", None])
# Past ten failures in a row somebody has to wait, which is another story.
MOST_FAILURES = 8


@dataclass
class Told:
    """What the contract says of an account: its secrets, and until when each session is elevated."""

    password: str = PASSWORD
    pin: str | None = None
    elevated: dict[str, datetime | None] = field(default_factory=dict)
    failures: int = 0

    def slide(self, token: str, now: datetime) -> None:
        """What any request does to its session's elevation (§2.3)."""
        until = self.elevated[token]
        if until is not None and now < until < now + timedelta(minutes=5, seconds=-1):
            self.elevated[token] = now + timedelta(minutes=5)

    def status(self, token: str, now: datetime) -> dict[str, Any]:
        """What /auth/status says to a session (§1.6)."""
        self.slide(token, now)
        until = self.elevated[token]
        said = {
            "pinCode": self.pin is not None,
            "password": True,
            "isElevated": until is not None and until > now,
        }
        return said if until is None else {**said, "pinExpiresAt": f"{until:%Y-%m-%dT%H:%M:%S}.000Z"}

    def shown(self, pin: str | None, password: str | None) -> dict[str, str | None]:
        """The PIN and the password to send."""
        pins = {"right": self.pin or PIN, "wrong": OTHER_PIN if self.pin == PIN else PIN}
        passwords = {"right": self.password, "wrong": "some-other-4-passphrase"}
        return {"pinCode": pins[pin] if pin else None, "password": passwords[password] if password else None}

    def proof(self, password: str | None, pin: str | None) -> str | None:
        """What is said against a proof of password or PIN (§1.8)."""
        if self.pin is None:
            return "User does not have a PIN code"
        if password is not None:
            return None if password == self.password else "Wrong password"
        if pin is not None:
            return None if pin == self.pin else "Wrong PIN code"
        return "Either password or pinCode is required"


class Story(RuleBasedStateMachine):
    """One account, several sessions, and time."""

    house: House
    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.person: Person
        self.told = Told()

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.house.clock.now

    @initialize(target=sessions)
    def begin(self) -> Any:
        """An account with a PIN and two sessions, of which the first is elevated."""
        self.person = self.house.person()
        tokens = [self.person.token, self.house.token(self.person.account)]
        self.told.elevated.update(dict.fromkeys(tokens))
        self.set_up(tokens[0], PIN)
        self.unlock(tokens[0])
        return multiple(*tokens)

    def ask(self, operation: str, token: str, body: dict[str, Any] | None, message: str | None) -> None:
        """Ask, and be told what the model expects: success, or this refusal."""
        self.told.slide(token, self.now)
        given = None if body is None else {name: value for name, value in body.items() if value is not None}
        response = self.house.call(operation, token, given)
        if message is None:
            assert response.status_code in (200, 201), response.text
        else:
            assert_refused(response, 400, message)
        wrong = message in ("Wrong password", "Wrong PIN code")
        self.told.failures = self.told.failures + 1 if wrong else self.told.failures

    @rule(target=sessions, password=PASSWORDS)
    def log_in(self, password: str) -> Any:
        """A log-in adds a session, if the password is right."""
        right = password == self.told.password
        if not right and self.told.failures >= MOST_FAILURES:
            return multiple()
        response = self.house.log_in(self.person.email, password)
        if not right:
            self.told.failures += 1
            assert_refused(response, 401, "Incorrect email or password")
            return multiple()
        token = response.json()["accessToken"]
        self.told.elevated[token] = None
        return token

    @precondition(lambda self: len(self.told.elevated) > 1)
    @rule(token=consumes(sessions))
    def log_out(self, token: str) -> None:
        """A log-out ends one session."""
        self.ask("logout", token, None, None)
        del self.told.elevated[token]
        assert_refused(self.house.call("logout", token), 401, "Invalid user token")

    @rule(token=sessions, pin=PINS)
    def set_up(self, token: str, pin: str) -> None:
        """A PIN is set up once."""
        taken = self.told.pin is not None
        self.ask("setup_pin_code", token, {"pinCode": pin}, "User already has a PIN code" if taken else None)
        self.told.pin = self.told.pin or pin

    @precondition(lambda self: self.told.failures < MOST_FAILURES)
    @rule(token=sessions, new=PINS, pin=SHOWN, password=SHOWN)
    def change(self, token: str, new: str, pin: str | None, password: str | None) -> None:
        """A PIN is changed by a proof."""
        body = self.told.shown(pin, password)
        message = self.told.proof(body["password"], body["pinCode"])
        self.ask("change_pin_code", token, {**body, "newPinCode": new}, message)
        self.told.pin = new if message is None else self.told.pin

    @precondition(lambda self: self.told.failures < MOST_FAILURES)
    @rule(token=sessions, pin=SHOWN, password=SHOWN)
    def reset(self, token: str, pin: str | None, password: str | None) -> None:
        """A PIN is removed by a proof, and every elevation with it."""
        body = self.told.shown(pin, password)
        message = self.told.proof(body["password"], body["pinCode"])
        self.ask("reset_pin_code", token, body, message)
        if message is None:
            self.told.pin = None
            self.told.elevated = dict.fromkeys(self.told.elevated)

    @precondition(lambda self: self.told.pin is not None)
    @rule(token=sessions)
    def unlock(self, token: str) -> None:
        """A session is elevated by the PIN."""
        self.ask("unlock_auth_session", token, self.told.shown("right", None), None)
        self.told.elevated[token] = self.now + timedelta(minutes=15)

    @precondition(lambda self: self.told.failures < MOST_FAILURES)
    @rule(token=sessions, pin=st.sampled_from(["wrong", None]), password=SHOWN)
    def fail_to_unlock(self, token: str, pin: str | None, password: str | None) -> None:
        """And by nothing else."""
        body = self.told.shown(pin, password)
        self.ask("unlock_auth_session", token, body, self.told.proof(None, body["pinCode"]))

    @rule(token=sessions)
    def lock(self, token: str) -> None:
        """A session's elevation is ended."""
        self.ask("lock_auth_session", token, None, None)
        self.told.elevated[token] = None

    @precondition(lambda self: self.told.failures < MOST_FAILURES)
    @rule(token=sessions, old=PASSWORDS, new=PASSWORDS)
    def change_password(self, token: str, old: str, new: str) -> None:
        """A password is changed by the old one."""
        message = None if old == self.told.password else "Wrong password"
        self.ask("change_password", token, {"password": old, "newPassword": new}, message)
        self.told.password = new if message is None else self.told.password

    @rule(token=sessions, minutes=st.sampled_from([1, 4, 6, 11, 16]))
    def wait(self, token: str, minutes: int) -> None:
        """Time passes."""
        self.house.clock.forward(minutes=minutes)
        self.look(token)

    @rule(token=sessions)
    def look(self, token: str) -> None:
        """The status of a session is as told."""
        assert self.house.status(token) == self.told.status(token, self.now)

    def teardown(self) -> None:
        """In the end every session is as told."""
        for token in self.told.elevated:
            assert self.house.status(token) == self.told.status(token, self.now)


@pytest.fixture
def told_in(houses: House) -> type[Story]:
    """The story, told in a house."""
    return type("StoryThere", (Story,), {"house": houses})


def test_any_story_goes_as_told(told_in: type[Story]) -> None:
    """Whatever an account's owner does in whatever order, PIN, elevations and sessions are as the contract says."""
    given = hypothesis.settings()
    # Without shrinking: each step is a request, and a story to the point would take minutes to find.
    settings = hypothesis.settings(
        max_examples=max(15, given.max_examples // 5),
        stateful_step_count=40,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        deadline=None,
    )
    run_state_machine_as_test(told_in, settings=settings)
