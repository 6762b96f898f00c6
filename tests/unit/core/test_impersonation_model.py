"""Acting as somebody else in any order of steps: who a session's secret stands for is always what a model says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    invariant,
    multiple,
    rule,
)
from tests.fakes import do
from tests.people import opened, presenting, rows, somebody
from tests.stories import Story, tell

from dragoman.core import accounts, impersonation
from dragoman.core.accounts import Changes
from dragoman.core.audit import audit_log
from dragoman.core.errors import (
    AlreadyImpersonating,
    CannotImpersonate,
    NotImpersonating,
    PermissionMissing,
    Refusal,
    SessionRefused,
)
from dragoman.core.secrets import Secret

LASTS = timedelta(hours=1)
NUMBER = st.sampled_from([1, 2, 3])


@dataclass
class Person:
    """What the model knows of an account."""

    admin: bool
    enabled: bool = True


@dataclass
class Key:
    """What the model knows of a session: whose it is, and as whom it acts until when."""

    owner: int
    subject: int | None = None
    until: datetime | None = None
    ended: bool = False


class Acting(Story):
    """Three people, two of them administrators at first, with any number of sessions.

    What must hold: a secret stands for its owner, or for whom the owner acts as and may, or for nobody; never for a
    third, and never again for the owner once acting is over but not stopped.
    """

    keys = Bundle("keys")

    def __init__(self, template: Path, file: Path) -> None:
        super().__init__(template, file)
        self.people: dict[int, Person] = {}
        self.sessions: dict[str, Key] = {}
        self.begun = 0

    @initialize(target=keys)
    def three_people(self) -> Any:
        """Two administrators, who are signed in, and a user."""
        for name, admin in (("ada", True), ("bea", True), ("cy", False)):
            account = somebody(self.core, None, username=name, password=None, is_admin=admin)
            self.people[account.number] = Person(admin)
        return multiple(self.sign_in(1), self.sign_in(2))

    def stands_for(self, secret: str) -> tuple[int, int | None] | None:
        """The account and the actor that a secret stands for now; None: it is refused."""
        key = self.sessions[secret]
        owner = self.people[key.owner]
        if key.ended or not owner.enabled:
            return None
        if key.subject is None or key.until is None:
            return key.owner, None
        is_over = self.clock.now >= key.until or not owner.admin or not self.people[key.subject].enabled
        return None if is_over else (key.subject, key.owner)

    @rule(target=keys, number=NUMBER)
    def sign_in_again(self, number: int) -> str:
        """Somebody opens one more session."""
        return self.sign_in(number)

    def sign_in(self, number: int) -> str:
        """The secret of a new session."""
        account = do(self.core, accounts.get, str(number))
        secret = opened(self.core, account)[1].reveal()
        self.sessions[secret] = Key(number)
        return secret

    @rule(secret=keys, subject=NUMBER)
    def start(self, secret: str, subject: int) -> None:
        """Whoever holds a secret begins to act as somebody."""
        held = self.stands_for(secret)
        if held is None:
            return
        caller = presenting(self.core, Secret(secret))
        expected: type[Refusal] | None = None
        if held[1] is not None:
            expected = AlreadyImpersonating
        elif not self.people[held[0]].admin:
            expected = PermissionMissing
        elif subject == held[0] or not self.people[subject].enabled:
            expected = CannotImpersonate
        try:
            do(self.core, impersonation.start, caller, subject, permission="act")
            outcome = None
        except Refusal as refusal:
            outcome = type(refusal)
        assert outcome is expected
        if expected is None:
            self.sessions[secret] = Key(held[0], subject, self.clock.now + LASTS)
            self.begun += 1

    @rule(secret=keys)
    def stop(self, secret: str) -> None:
        """Whoever holds a secret stops."""
        held = self.stands_for(secret)
        if held is None:
            return
        try:
            do(self.core, impersonation.stop, presenting(self.core, Secret(secret)))
        except NotImpersonating:
            assert held[1] is None
        else:
            assert held[1] is not None
            self.sessions[secret] = Key(held[1])

    @rule(secret=keys)
    def sign_out(self, secret: str) -> None:
        """A session is ended, whatever it does."""
        assert do(self.core, impersonation.end_held, Secret(secret)) is not self.sessions[secret].ended
        self.sessions[secret].ended = True

    @rule(number=NUMBER)
    def promote(self, number: int) -> None:
        """Somebody is made an administrator, or is one no more."""
        person = self.people[number]
        person.admin = not person.admin
        do(self.core, accounts.change, number, Changes(is_admin=person.admin))

    @rule(number=NUMBER)
    def disable(self, number: int) -> None:
        """Somebody is disabled, or enabled again."""
        person = self.people[number]
        do(self.core, accounts.disable if person.enabled else accounts.enable, number)
        person.enabled = not person.enabled

    @rule(minutes=st.sampled_from([1, 30, 60]))
    def wait(self, minutes: int) -> None:
        """Time goes by."""
        self.clock.forward(minutes=minutes)

    @invariant()
    def every_secret_stands_for_whom_it_should(self) -> None:
        """Each session's caller and actor are the model's, or it is refused."""
        for secret in self.sessions:
            try:
                caller = presenting(self.core, Secret(secret))
            except SessionRefused:
                assert self.stands_for(secret) is None
            else:
                actor = None if caller.actor is None else caller.actor.number
                assert (caller.account.number, actor) == self.stands_for(secret)

    @invariant()
    def each_beginning_is_on_record(self) -> None:
        """There is a line with both names for each time that somebody began, and for nothing else."""
        lines = [row for row in rows(self.core, audit_log) if row["event"] == "impersonation started"]
        assert len(lines) == self.begun
        assert all(row["account_number"] != row["actor_number"] is not None for row in lines)


@pytest.mark.fuzz
def test_whatever_happens_a_secret_stands_for_whom_it_should(sqlite_template: Path, tmp_path: Path) -> None:
    """In any order of signing in and out, starting, stopping, disabling, promoting and waiting the model is right."""
    tell(Acting, sqlite_template, tmp_path, steps=20)
