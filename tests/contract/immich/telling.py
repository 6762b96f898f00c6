"""Asking a server of Immich what a model already knows: every answer is the one that is told."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import httpx2
from hypothesis.stateful import RuleBasedStateMachine
from tests.contract.immich.speech import OTHER_PIN, PIN, SESSION_ONLY, House
from tests.contract.immich.spoken import message
from tests.contract.immich.told import Credential, Told, ToldAccount, ToldKey, ToldSession

from dragoman.core.accounts import Account
from dragoman.dialects.immich.wire import ImmichApi
from dragoman.releases import Release

OPERATIONS = {operation.name: operation for operation in ImmichApi.operations()}
# Past ten failures in a row somebody has to wait, which is another story.
MOST_FAILURES = 8


class Telling(RuleBasedStateMachine):
    """A house that speaks a release, its administrator, and the model that it is held against."""

    house: House
    release: Release
    admin: Account

    def __init__(self) -> None:
        super().__init__()
        self.told = Told()
        self.turns = itertools.count()

    @property
    def now(self) -> datetime:
        """The server's time."""
        return self.house.clock.now

    def send(self, name: str, headers: dict[str, str], body: Any = None, of: str = "") -> httpx2.Response:
        """A request for an operation, of the session, key or account with this id."""
        operation = OPERATIONS[name]
        path = operation.path.removeprefix(ImmichApi.base).replace("{id}", of)
        return self.house.ask(operation.method, path, headers=headers, json=body)

    def ask(
        self, name: str, caller: Credential, body: Any = None, *, of: str = "", refused: str | None = None
    ) -> httpx2.Response | None:
        """The answer if it is a success; a refusal is the one that is told.

        `refused` is what a caller that is good, and has the permission, is to be told; None: nothing.
        """
        needed = self.release.permission(OPERATIONS[name])
        is_good = caller.is_good(self.now)
        if is_good:
            caller.use(self.now)
        answer = self.send(name, caller.headers, body, of)
        if not is_good:
            assert message(answer, 401) == caller.refusal, (name, caller)
        elif not caller.may(needed):
            assert message(answer, 403) == f"Missing required permission: {needed}"
        elif refused is not None:
            assert message(answer, 400) == refused
            caller.account.failures += refused in ("Wrong password", "Wrong PIN code")
        else:
            assert answer.status_code < 300, (name, caller, answer.text)
            return answer
        return None

    def administer(
        self, name: str, account: ToldAccount, body: Any = None, *, sees_deleted: bool = False
    ) -> bool:
        """Whether the administrator finds the account, and so changes it."""
        boss = {"authorization": f"Bearer {self.house.token(self.admin)}"}
        answer = self.send(name, boss, body, of=account.id)
        if account.purged or (account.deleted and not sees_deleted):
            assert message(answer, 400) == "User not found"
            return False
        assert answer.status_code == 200, answer.text
        return True

    def adds_session(self, account: ToldAccount, secret: str, **facts: Any) -> ToldSession:
        """A new session in the model; its id is the one that it is shown as."""
        session = ToldSession(account, "", secret, self.now, **facts)
        listed = self.send("get_sessions", session.headers).json()
        session.id = next(one["id"] for one in listed if one["current"])
        self.told.sessions.append(session)
        return session

    def add_key(self, account: ToldAccount, answer: httpx2.Response) -> None:
        """A key that was made, or given another secret, in the model."""
        said = answer.json()
        key = said["apiKey"]
        self.told.keys.append(ToldKey(account, key["id"], said["secret"], frozenset(key["permissions"])))

    def is_own(self, caller: Credential, session: ToldSession) -> bool:
        """Whether a session that lives is of the caller's account."""
        return session.account is caller.account and session.lives(self.now)

    def shown(self, account: ToldAccount, pin: str | None, password: str | None) -> dict[str, str]:
        """The PIN and the password to send; no more wrong ones than are heard at once."""
        if account.failures >= MOST_FAILURES:
            pin, password = pin and "right", password and "right"
        pins = {"right": account.pin or PIN, "wrong": OTHER_PIN if account.pin == PIN else PIN}
        passwords = {"right": account.password, "wrong": "some-other-4-passphrase"}
        body = {"pinCode": pins[pin] if pin else None, "password": passwords[password] if password else None}
        return {name: value for name, value in body.items() if value is not None}

    def secret(self, name: str, caller: Credential, body: dict[str, Any], refused: str | None) -> bool:
        """Whether an operation that is for sessions alone succeeds."""
        told = refused if isinstance(caller, ToldSession) else SESSION_ONLY
        return self.ask(name, caller, body, refused=told) is not None
