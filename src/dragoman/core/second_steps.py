"""How a sign-in by name and password shows the account's second factor: what was typed says which way is taken.

Each way is looked at once the password was right and before anything else is said, with no connection held before;
what it spends is taken in the unit that opens the session.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dragoman.core import app_passwords, approvals, audit, demands, factors, throttle, ways
from dragoman.core.errors import ApprovalRequired, CodeRefused, CodeRequired, FactorMissing
from dragoman.core.proofs import attempts_at

if TYPE_CHECKING:
    from dragoman.core.accounts import Account
    from dragoman.core.demands import Guard
    from dragoman.core.secrets import Secret
    from dragoman.core.sessions import Device, Session
    from dragoman.core.work import Core, Origin, UnitOfWork


@dataclass(frozen=True)
class Typed:
    """What somebody who signs in has sent besides their name.

    `code_apart`: the product has a field for a code. `in_steps`: whatever is missing is asked for next.
    """

    password: Secret
    code: Secret | None
    code_apart: bool
    device: Device
    in_steps: bool = False


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
class ByPassword:
    """The password alone: nothing is asked for besides, or nothing that was ever set up.

    `in_steps`: that is what comes next then; elsewhere nobody comes in.
    """

    password: Secret
    in_steps: bool = False

    def look(self, core: Core, origin: Origin, account: Account) -> None:
        """There is nothing to look at."""

    def take(self, uow: UnitOfWork, account: Account) -> None:
        """Refuses `FactorMissing`, and `CodeRequired` where one came while the password was verified."""
        guard = demands.guard(uow, account)
        if not guard.asks or (self.in_steps and guard.lacks_one):
            return
        _note_refusal(uow, account)
        raise FactorMissing if guard.lacks_one else CodeRequired(account.number, account.password_version)

    def opened(self, uow: UnitOfWork, session: Session) -> None:
        """Nothing hangs on it."""


@dataclass(frozen=True)
class ByCode:
    """A code of the account's app. Codes are counted apart from passwords.

    Where there is room for it `apart`, that it is asked for is no refusal yet: the next attempt brings it.
    """

    password: Secret
    code: Secret | None
    apart: bool = False

    def look(self, core: Core, origin: Origin, account: Account) -> None:
        """Refuses `CodeRequired`, `CodeRefused`, `Throttled`."""
        if self.code is not None:
            with core.begin(origin, writes=True, durable=False) as uow:
                throttle.reserve(uow, attempts_at(uow, "totp", account.number))
        with core.begin(origin, writes=False) as uow:
            right = self.code is not None and factors.is_right(uow, account.number, self.code)
            self._require(uow, account, right)

    def take(self, uow: UnitOfWork, account: Account) -> None:
        """Spend it; or nothing, where none is asked for any more."""
        guard = demands.guard(uow, account)
        if guard.asks:
            proved = guard.takes_codes and factors.is_proved(uow, account.number, self.code)
            self._require(uow, account, proved)
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


def read(uow: UnitOfWork, account: Account, typed: Typed) -> Step:
    """The way that was taken, of those that the account allows."""
    if account.is_active and app_passwords.looks_like_one(typed.password):
        found = app_passwords.find(uow, account.number, typed.password, typed.device)
        if found is not None and ways.allowed(uow, account.number).app_passwords:
            return ByAppPassword(found, typed.device)
    guard = demands.guard(uow, account)
    if not guard.asks or guard.lacks_one:
        return ByPassword(typed.password, typed.in_steps)
    if typed.in_steps or (typed.code_apart and guard.takes_codes):
        return ByCode(typed.password, typed.code, apart=True)
    return _by_another_way(uow, account, typed, guard)


def _by_another_way(uow: UnitOfWork, account: Account, typed: Typed, guard: Guard) -> Step:
    """Where there is no field for a code, or no code that would do."""
    allowed = ways.allowed(uow, account.number)
    if allowed.codes and guard.takes_codes:
        password, code = factors.appended(typed.password)
        if code is not None:
            return ByCode(password, code)
    if allowed.approvals:
        return ByApproval(typed.password, typed.device)
    return ByCode(typed.password, None)


def _note_refusal(uow: UnitOfWork, account: Account) -> None:
    uow.evidence(audit.line(uow, "sign-in refused", account=account.number, second_factor=True))
