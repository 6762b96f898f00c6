"""How a sign-in by name and password shows the account's second factor: what was typed says which way is taken.

Each way is looked at once the password was right and before anything else is said, with no connection held before;
what it spends is taken in the unit that opens the session.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dragoman.core import app_passwords, approvals, audit, factors, throttle, ways
from dragoman.core.errors import ApprovalRequired, CodeRefused, CodeRequired
from dragoman.core.proofs import attempts_at

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.secrets import Secret
    from dragoman.core.sessions import Device, Session
    from dragoman.core.work import Core, Origin, UnitOfWork


@dataclass(frozen=True)
class Typed:
    """What somebody who signs in has sent besides their name. `code_apart`: the product has a field for a code."""

    password: Secret
    code: Secret | None
    code_apart: bool
    device: Device


class Step(Protocol):
    """One way to show a second factor."""

    @property
    def password(self) -> Secret | None:
        """What must be the account's password. None: what was typed stands for it."""

    def look(self, core: Core, origin: Origin, account: Account) -> None:
        """Refuse what is not good. Attempts stay counted."""

    def take(self, uow: UnitOfWork, account: Account) -> None:
        """Spend it. Refuses as `look` does, to whom somebody else was faster."""

    def opened(self, uow: UnitOfWork, session: Session) -> None:
        """Note which session it has opened."""


@dataclass(frozen=True)
class ByCode:
    """A code, where the account `asks` for one. Codes are counted apart from passwords.

    Where there is a field `apart` for it, that it is asked for is no refusal yet: the next attempt brings it.
    """

    password: Secret
    code: Secret | None = None
    asks: bool = False
    apart: bool = False

    def look(self, core: Core, origin: Origin, account: Account) -> None:
        """Refuses `CodeRequired`, `CodeRefused`, `Throttled`."""
        if not self.asks:
            return
        if self.code is not None:
            with core.begin(origin, writes=True, durable=False) as uow:
                throttle.reserve(uow, attempts_at(uow, "totp", account.number))
        with core.begin(origin, writes=False) as uow:
            self._require(uow, account, factors.is_right(uow, account.number, self.code))

    def take(self, uow: UnitOfWork, account: Account) -> None:
        """Also where the factor came while the password was verified."""
        self._require(uow, account, factors.is_proved(uow, account.number, self.code))
        if self.asks:
            throttle.forgive(uow, attempts_at(uow, "totp", account.number))

    def opened(self, uow: UnitOfWork, session: Session) -> None:
        """Nothing hangs on it."""

    def _require(self, uow: UnitOfWork, account: Account, proved: bool) -> None:
        if proved:
            return
        if self.code is None and self.apart:
            uow.evidence(audit.line(uow, "code asked for", account=account.number))
        else:
            _note_refusal(uow, account)
        if self.code is not None:
            raise CodeRefused
        raise CodeRequired(account.number, account.password_version)


@dataclass(frozen=True)
class ByApproval:
    """The owner's word on the pages (core/approvals.py)."""

    password: Secret
    device: Device

    def look(self, core: Core, origin: Origin, account: Account) -> None:
        """Refuses `ApprovalRequired`, and asks the owner."""
        with core.begin(origin, writes=True) as uow:
            if approvals.passes(uow, account.number):
                return
            approvals.ask(uow, account, self.device)
        with core.begin(origin, writes=False) as uow:
            self._refuse(uow, account)

    def take(self, uow: UnitOfWork, account: Account) -> None:
        """One sign-in passes by one approval."""
        if not approvals.take(uow, account.number):
            self._refuse(uow, account)

    def opened(self, uow: UnitOfWork, session: Session) -> None:
        """The device is known by it."""
        approvals.know(uow, session)

    def _refuse(self, uow: UnitOfWork, account: Account) -> None:
        _note_refusal(uow, account)
        raise ApprovalRequired


@dataclass(frozen=True)
class ByAppPassword:
    """An app password, which is both in one (core/app_passwords.py)."""

    id: uuid.UUID
    device: Device
    password: None = None

    def look(self, core: Core, origin: Origin, account: Account) -> None:
        """It was found; there is nothing else to look at."""

    def take(self, uow: UnitOfWork, account: Account) -> None:
        """Refuses `WrongCredentials`."""
        app_passwords.use(uow, account.number, self.id, self.device)

    def opened(self, uow: UnitOfWork, session: Session) -> None:
        """It ends with the app password."""
        app_passwords.has_opened(uow, self.id, session)


def read(uow: UnitOfWork, account: Account, typed: Typed, *, has_factor: bool) -> Step:
    """The way that was taken, of those that the account allows."""
    if account.is_active and app_passwords.looks_like_one(typed.password):
        found = app_passwords.find(uow, account.number, typed.password, typed.device)
        if found is not None and ways.allowed(uow, account.number).app_passwords:
            return ByAppPassword(found, typed.device)
    if typed.code_apart or not has_factor:
        return ByCode(typed.password, typed.code, has_factor, typed.code_apart)
    allowed = ways.allowed(uow, account.number)
    if allowed.codes:
        password, code = factors.appended(typed.password)
        if code is not None:
            return ByCode(password, code, has_factor)
    return (
        ByApproval(typed.password, typed.device)
        if allowed.approvals
        else ByCode(typed.password, None, has_factor)
    )


def _note_refusal(uow: UnitOfWork, account: Account) -> None:
    uow.evidence(audit.line(uow, "sign-in refused", account=account.number, second_factor=True))
