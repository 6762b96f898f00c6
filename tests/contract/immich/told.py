"""What becomes of accounts, sessions, PINs and API keys, as the contract tells it: a model of two pages.

Everything that ever was stays in the model, so that what has ended can be held up again. Times in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes import PASSWORD

IDLE = timedelta(days=90)
ELEVATED = timedelta(minutes=15)
SLIDES = timedelta(minutes=5)
ALL = "all"


@dataclass(eq=False, repr=False)
class ToldAccount:
    """An account. `failures` are wrong passwords and PINs so far; past ten in a row one would have to wait."""

    id: str
    number: int
    email: str
    password: str = PASSWORD
    pin: str | None = None
    must_change: bool = True
    disabled: bool = False
    deleted: bool = False
    purged: bool = False
    failures: int = 0

    def __repr__(self) -> str:
        return f"account {self.number}"

    @property
    def is_active(self) -> bool:
        """Whether it lets anybody in."""
        return not (self.disabled or self.deleted or self.purged)

    def proof(self, password: str | None, pin: str | None) -> str | None:
        """What is said against a proof of password or PIN; None: nothing (§1.8)."""
        if self.pin is None:
            return "User does not have a PIN code"
        if password is not None:
            return None if password == self.password else "Wrong password"
        if pin is not None:
            return None if pin == self.pin else "Wrong PIN code"
        return "Either password or pinCode is required"


@dataclass(eq=False, repr=False)
class ToldSession:
    """A session: when it was last used, when it ends at the latest, until when it is elevated."""

    account: ToldAccount
    id: str
    secret: str
    used: datetime
    parent: ToldSession | None = None
    ends: datetime | None = None
    elevated: datetime | None = None
    ended: bool = False
    refusal = "Invalid user token"

    def __repr__(self) -> str:
        return f"session {self.id[:8]} of {self.account}" + (
            f" below {self.parent.id[:8]}" if self.parent else ""
        )

    @property
    def headers(self) -> dict[str, str]:
        """How it is held up."""
        return {"authorization": f"Bearer {self.secret}"}

    def lives(self, now: datetime) -> bool:
        """Neither ended, nor past its end, nor idle for 90 days (§2.7), and so each above it."""
        is_over = self.ended or now >= self.used + IDLE or (self.ends is not None and now >= self.ends)
        return not is_over and (self.parent is None or self.parent.lives(now))

    def is_good(self, now: datetime) -> bool:
        """Whether it signs in."""
        return self.account.is_active and self.lives(now)

    @property
    def depth(self) -> int:
        """How many sessions it hangs on."""
        return 0 if self.parent is None else self.parent.depth + 1

    def may(self, permission: str | None) -> bool:
        """A session may do what its account may."""
        return True

    def may_give(self, permissions: Iterable[str]) -> bool:
        """And so give a key anything."""
        return True

    def use(self, now: datetime) -> None:
        """What any request by it does: it stays, and an elevation about to end slides (§2.3)."""
        self.used = now
        if self.elevated is not None and now < self.elevated < now + SLIDES - timedelta(seconds=1):
            self.elevated = now + SLIDES

    def lock(self, now: datetime) -> None:
        """What ends an elevation dates the session, whoever asked for it (§2.7)."""
        self.used, self.elevated = now, None

    def status(self, now: datetime) -> dict[str, Any]:
        """What /auth/status says to it (§1.6)."""
        dates = {"expiresAt": self.ends, "pinExpiresAt": self.elevated}
        is_elevated = self.elevated is not None and self.elevated > now
        return {
            "pinCode": self.account.pin is not None,
            "password": True,
            "isElevated": is_elevated,
            **{name: f"{date:%Y-%m-%dT%H:%M:%S}.000Z" for name, date in dates.items() if date is not None},
        }


@dataclass(eq=False, repr=False)
class ToldKey:
    """An API key, with one secret: a rotated key is another one with the same id."""

    account: ToldAccount
    id: str
    secret: str
    permissions: frozenset[str]
    ended: bool = False
    refusal = "Invalid API key"

    def __repr__(self) -> str:
        return f"key {self.id[:8]} of {self.account}"

    @property
    def headers(self) -> dict[str, str]:
        """How it is held up."""
        return {"x-api-key": self.secret}

    def is_good(self, now: datetime) -> bool:
        """Whether it is one."""
        return self.account.is_active and not self.ended

    def may(self, permission: str | None) -> bool:
        """Whether it carries a permission, or all."""
        return permission is None or ALL in self.permissions or permission in self.permissions

    def may_give(self, permissions: Iterable[str]) -> bool:
        """Whether it has all of these itself."""
        return ALL in self.permissions or self.permissions.issuperset(permissions)

    def use(self, now: datetime) -> None:
        """A key does not change by being used."""

    def status(self, now: datetime) -> dict[str, Any]:
        """A key is never elevated, whatever its account's sessions are (§2.3)."""
        return {"pinCode": self.account.pin is not None, "password": True, "isElevated": False}


Credential = ToldSession | ToldKey


@dataclass
class Told:
    """All accounts and credentials that there ever were."""

    accounts: list[ToldAccount] = field(default_factory=list)
    sessions: list[ToldSession] = field(default_factory=list)
    keys: list[ToldKey] = field(default_factory=list)

    @property
    def credentials(self) -> list[Credential]:
        """Every session and key."""
        return [*self.sessions, *self.keys]

    @property
    def latest_keys(self) -> list[ToldKey]:
        """Of each key the one with its last secret."""
        return list({key.id: key for key in self.keys}.values())

    def bad(self, now: datetime) -> list[Credential]:
        """What must not answer."""
        return [one for one in self.credentials if not one.is_good(now)]

    def callers(self, now: datetime) -> list[Credential]:
        """What to call with: mostly what is good."""
        good = [one for one in self.credentials if one.is_good(now)]
        return good * 4 + self.bad(now)

    def sessions_of(self, account: ToldAccount, now: datetime) -> Iterator[ToldSession]:
        """The sessions that an owner is shown."""
        return (one for one in self.sessions if one.account is account and one.lives(now))

    def keys_of(self, account: ToldAccount) -> Iterator[ToldKey]:
        """The keys that an owner is shown."""
        return (one for one in self.keys if one.account is account and not one.ended)

    def end_sessions(self, account: ToldAccount, but: Credential | None = None) -> None:
        """All of an account but one. Where that is the child of another, it ends with that all the same."""
        for session in self.sessions:
            if session.account is account and session is not but:
                session.ended = True
