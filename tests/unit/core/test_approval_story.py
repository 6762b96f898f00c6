"""Approving sign-ins in any order of steps: who gets in, and what the owner is asked, is always what a model says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from tests.fakes import ORIGIN, PASSWORD, START, do
from tests.people import ALICE, calling
from tests.stories import Story, tell
from tests.unit.core.test_factors import guarded

from dragoman.core import approvals, login, session_ends, throttle
from dragoman.core.approvals import PASSES, REFUSED, WAITS
from dragoman.core.errors import ApprovalRequired
from dragoman.core.secrets import Secret
from dragoman.core.sessions import Device, Session

DEVICES = ("phone", "tablet")
DEVICE = st.sampled_from(DEVICES)


@dataclass
class Told:
    """What the model knows of a device: what its owner was asked or has said, until when, and its sessions."""

    state: Literal["stranger", "waiting", "approved", "refused"] = "stranger"
    until: datetime = START
    opened: list[Session] = field(default_factory=list)

    def now(self, moment: datetime) -> str:
        """What the owner's word is at an instant."""
        return self.state if moment < self.until else "stranger"


class Approving(Story):
    """An account with a second factor, and two devices that know its password."""

    @initialize()
    def begin(self) -> None:
        """Nobody was asked anything yet."""
        self.account = guarded(self.core, self.clock)
        self.told = {device: Told() for device in DEVICES}

    @rule(device=DEVICE)
    def sign_in(self, device: str) -> None:
        """A device signs in by the password alone."""
        told, origin = self.told[device], replace(ORIGIN, agent=device)
        do(self.core, throttle.unlock, self.account.number)
        if not told.opened and told.now(self.clock.now) != "approved":
            with pytest.raises(ApprovalRequired):
                login.log_in(self.core, origin, ALICE, Secret(PASSWORD), Device(device))
            if told.now(self.clock.now) == "stranger":
                told.state, told.until = "waiting", self.clock.now + WAITS
            return
        session = login.log_in(self.core, origin, ALICE, Secret(PASSWORD), Device(device)).session
        if not told.opened:
            told.state = "stranger"
        told.opened.append(session)

    @rule(device=DEVICE, approves=st.booleans())
    def answer(self, device: str, approves: bool) -> None:
        """The owner approves or refuses what waits of a device, if anything does."""
        told = self.told[device]
        for waiting in do(self.core, approvals.waiting, self.account.number):
            if waiting.name == device:
                say = approvals.approve if approves else approvals.refuse
                do(self.core, say, waiting.id, by=calling(self.core, self.account))
                told.state = "approved" if approves else "refused"
                told.until = self.clock.now + (PASSES if approves else REFUSED)

    @rule(device=DEVICE)
    def sign_out(self, device: str) -> None:
        """A device ends the session that it opened last."""
        if self.told[device].opened:
            do(self.core, session_ends.end, self.told[device].opened.pop())

    @rule()
    def sign_out_everywhere(self) -> None:
        """The owner ends all sessions."""
        do(self.core, session_ends.end_all, self.account.number)
        for told in self.told.values():
            told.opened.clear()

    @rule(minutes=st.sampled_from([1, 10, 30, 60 * 24]))
    def wait(self, minutes: int) -> None:
        """Time goes by."""
        self.clock.forward(minutes=minutes)

    @invariant()
    def the_owner_is_asked_what_waits(self) -> None:
        """Each device that waits is asked about once, and no other."""
        asked = sorted(each.name for each in do(self.core, approvals.waiting, self.account.number))
        assert asked == [name for name, told in self.told.items() if told.now(self.clock.now) == "waiting"]
        assert do(self.core, approvals.any_waits, self.account.number) is bool(asked)


@pytest.mark.fuzz
def test_whatever_happens_nobody_gets_in_unapproved(sqlite_template: Path, tmp_path: Path) -> None:
    """In any order of signing in and out, approving, refusing and waiting the model is right."""
    tell(Approving, sqlite_template, tmp_path, steps=12)
