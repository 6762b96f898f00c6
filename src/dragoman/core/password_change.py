"""Replacing a password: by its owner with the old one, by its owner who must, or by an administrator.

Whoever replaces a password ends what hangs on it: the sessions of the dialects whose product does so,
and all others when that was asked for. Nothing is hashed while a connection is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import update

from dragoman.core import accounts, app_passwords, audit, policy, session_ends, throttle
from dragoman.core.accounts import COLUMNS, Account, Changes
from dragoman.core.errors import NotFound, OldPasswordRequired, SessionRefused, WrongPassword
from dragoman.core.proofs import prove_password

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement

    from dragoman.core.principals import Principal
    from dragoman.core.secrets import Secret
    from dragoman.core.sessions import Session
    from dragoman.core.work import Core, Origin, UnitOfWork


def change_password(
    core: Core,
    origin: Origin,
    caller: Principal,
    old: Secret,
    new: Secret,
    *,
    of: Account | None = None,
    sign_out_others: bool = False,
    stays_due: bool = False,
    also: Callable[[UnitOfWork, int], None] | None = None,
) -> Account:
    """Replace the password of the caller's account, or of another, proving the old one. The account as it is then.

    An owner who had to change it has done so, unless it `stays_due`, for a product that goes on asking. What is
    written `also` is part of it. Refuses `SessionRequired`, `WhileImpersonating`, `PasswordRefused`, `PasswordTooLong`,
    `WrongPassword`, `Throttled`.
    """
    session, account = caller.require_in_person(), of or caller.account
    policy.require_fit(core, origin, new, account.names)
    proof = prove_password(core, origin, caller, old, of=account)
    hashed = core.tools.hasher.hash(new.reveal())
    with core.begin(origin, writes=True) as uow:
        unchanged = accounts.accounts.c.password_version == proof.version
        done = account.number == caller.account.number and not stays_due
        must_change = False if done else None
        changed = _store(uow, account.number, hashed, unchanged, by=caller, must_change=must_change)
        if changed is None:
            raise WrongPassword
        throttle.forgive(uow, proof.counters)
        _end_what_hangs_on_it(uow, account.number, spared=session, others_too=sign_out_others)
        if also is not None:
            also(uow, account.number)
        return changed


def replace_own_password(
    core: Core,
    origin: Origin,
    caller: Principal,
    new: Secret,
    *,
    may_be_blank: bool = False,
    sign_out: bool = True,
) -> Account:
    """Replace the caller's password without proving the old one, for products that ask for no proof.

    The caller's own session is not spared, but those of this dialect are unless told to `sign_out`. Refuses
    `SessionRequired`, `PasswordRefused`, `PasswordTooLong`, and `SessionRefused` to whom a disabling overtook.
    """
    caller.require_in_person()
    if new.reveal() or not may_be_blank:
        policy.require_fit(core, origin, new, caller.account.names)
    hashed = core.tools.hasher.hash(new.reveal())
    with core.begin(origin, writes=True) as uow:
        caller.require_maker(uow)
        as_asked = accounts.accounts.c.password_version == caller.account.password_version
        account = _store(uow, caller.account.number, hashed, as_asked, by=caller, must_change=False)
        if account is None:
            raise SessionRefused
        but_in = None if sign_out else origin.dialect
        _end_what_hangs_on_it(uow, account.number, spared=None, others_too=False, but_in=but_in)
        return account


def change_own_account(
    core: Core, origin: Origin, caller: Principal, changes: Changes, password: Secret | None = None
) -> Account:
    """Change what an owner may change of their account; a `password` only while it must be changed.

    Refuses `SessionRequired` to API keys and app passwords that would change e-mail or password, `OldPasswordRequired`,
    `PasswordRefused`, `PasswordTooLong`, `NameRefused`, `NameTaken`.
    """
    if password is not None or changes.email is not None:
        caller.require_in_person()
    hashed = None
    if password is not None:
        if not caller.account.must_change_password:
            raise OldPasswordRequired
        policy.require_fit(core, origin, password, caller.account.names)
        hashed = core.tools.hasher.hash(password.reveal())
    with core.begin(origin, writes=True) as uow:
        if hashed is not None:
            caller.require_maker(uow)
            still_must = accounts.accounts.c.must_change_password.is_(True)
            if _store(uow, caller.account.number, hashed, still_must, by=caller, must_change=False) is None:
                raise OldPasswordRequired
            _end_what_hangs_on_it(uow, caller.account.number, spared=caller.session, others_too=False)
        return accounts.change(uow, caller.account.number, changes, by=caller)


def set_password(
    core: Core,
    origin: Origin,
    account: Account,
    new: Secret,
    *,
    must_change: bool = False,
    sign_out: bool = True,
) -> Account:
    """Give an account a password, as an administrator does. Ends all its sessions unless told not to.

    Refuses `PasswordRefused`, `PasswordTooLong`, `NotFound`.
    """
    policy.require_fit(core, origin, new, account.names)
    hashed = core.tools.hasher.hash(new.reveal())
    with core.begin(origin, writes=True) as uow:
        changed = _store(uow, account.number, hashed, by=None, must_change=must_change)
        if changed is None:
            raise NotFound("account")
        throttle.unlock(uow, account.number)
        _end_what_hangs_on_it(uow, account.number, spared=None, others_too=sign_out)
        return changed


def put_in_place(uow: UnitOfWork, session: Session, hashed: str) -> Account:
    """Store the hash of a password that had to be changed, by whom `session` was just opened; it alone is spared.

    Refuses `SessionRefused` if it need not be changed any more: somebody else was faster.
    """
    still_must = accounts.accounts.c.must_change_password.is_(True)
    account = _store(uow, session.account_number, hashed, still_must, by=None, must_change=False)
    if account is None:
        raise SessionRefused
    _end_what_hangs_on_it(uow, account.number, spared=session, others_too=False)
    return account


def replace_forgotten(uow: UnitOfWork, number: int, version: int, hashed: str) -> Account | None:
    """Store a hash in place of the password that had this version, and end all sessions of the account.

    For whoever showed another proof than the password. None when the password is another by now, or the account
    is disabled or gone.
    """
    unchanged = accounts.accounts.c.password_version == version
    changed = _store(uow, number, hashed, unchanged, by=None, must_change=False)
    if changed is not None:
        # Who guessed at a second factor before has as few guesses left as before.
        throttle.unlock(uow, number, ["password"])
        _end_what_hangs_on_it(uow, number, spared=None, others_too=True)
    return changed


def change_account(
    core: Core,
    origin: Origin,
    caller: Principal,
    account: Account,
    changes: Changes,
    *,
    password: Secret | None = None,
    also: Callable[[UnitOfWork, int], None] | None = None,
) -> Account:
    """Change somebody's account, as an administrator who is the `caller` does; all of it, or nothing.

    What is written `also`, such as a new PIN, is part of it. A `password` ends all sessions of the account but the
    caller's own. Refuses `SessionRequired` to API keys that would change e-mail, username, password or who is an
    administrator, or demand another password, and to whom an app password let in, if they would change the first three;
    `PasswordRefused`, `PasswordTooLong`, `NameRefused`, `NameTaken`, `NotFound`.
    """
    renamed = changes.username not in (None, account.username)
    # Whoever must change their password may without the old one: to demand it is half of changing it.
    demanded = bool(changes.must_change_password) and not account.must_change_password
    asked = (password, changes.email, changes.is_admin)
    if renamed or demanded or any(fact is not None for fact in asked):
        caller.require_in_person()
    hashed = None
    if password is not None:
        policy.require_fit(core, origin, password, account.names)
        hashed = core.tools.hasher.hash(password.reveal())
    with core.begin(origin, writes=True) as uow:
        if hashed is not None:
            caller.require_maker(uow)
            if _store(uow, account.number, hashed, by=caller) is None:
                raise NotFound("account")
            throttle.unlock(uow, account.number)
            own = caller.session if caller.account.number == account.number else None
            _end_what_hangs_on_it(uow, account.number, spared=own, others_too=True)
        changed = accounts.change(uow, account.number, changes, by=caller)
        if also is not None:
            also(uow, account.number)
        return changed


def _store(
    uow: UnitOfWork,
    number: int,
    hashed: str,
    *conditions: ColumnElement[bool],
    by: Principal | None,
    must_change: bool | None = None,
) -> Account | None:
    """Store a hash if the account is there, enabled (for its owner) and as the conditions say; else None."""
    a = accounts.accounts.c
    values: dict[str, Any] = {"password": hashed, "password_version": a.password_version + 1}
    if must_change is not None:
        values["must_change_password"] = must_change
    if conditions:
        conditions = (*conditions, a.disabled_at.is_(None), a.deleted_at.is_(None))
    changed = update(accounts.accounts).where(a.number == number, *conditions)
    dated = changed.values(**values, password_changed_at=uow.now, updated_at=uow.now)
    row = uow.db.execute(dated.returning(*COLUMNS)).one_or_none()
    if row is None:
        return None
    audit.record(uow, "password changed", account=number, by=by)
    return accounts.of(row)


def _end_what_hangs_on_it(
    uow: UnitOfWork, number: int, *, spared: Session | None, others_too: bool, but_in: str | None = None
) -> None:
    lifetimes = uow.rules.lifetimes.items()
    strict = [name for name, lifetime in lifetimes if lifetime.ends_with_password and name != but_in]
    if others_too:
        session_ends.end_all(uow, number, but=spared)
        app_passwords.end_all(uow, number)
    elif strict:
        session_ends.end_all(uow, number, but=spared, dialects=strict)
