"""Fresh proof: what a session proved, by which method and when; some things are done only right after it.

To be signed in is not enough to change what one signs in with: the session may be an old one on a machine that was
left open. What counts is the method, not merely how long ago (RFC 9470): whoever has a second factor shows it, too.
After a proof the session goes on under another secret, so that one seen before is worth nothing more.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Column, ForeignKey, String, Table, Uuid, select, update

from dragoman.core import audit, demands, factors, passkeys, throttle
from dragoman.core.columns import Instant, metadata
from dragoman.core.database import insert
from dragoman.core.errors import ProofOutdated, SessionRefused, WrongCode
from dragoman.core.proofs import attempts_at, prove_password, settle
from dragoman.core.secrets import Secret, digest, mint
from dragoman.core.sessions import is_live, sessions

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.sessions import Session
    from dragoman.core.work import Core, Origin, UnitOfWork

Method = Literal["password", "totp", "passkey", "recovery", "provider"]
FRESH = timedelta(minutes=10)

session_proofs = Table(
    "session_proofs",
    metadata,
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("method", String(16), primary_key=True),
    Column("proved_at", Instant, nullable=False),
)


@dataclass(frozen=True)
class Provable:
    """What an account can prove itself by."""

    password: bool
    totp: bool
    passkey: bool
    is_guarded: bool = False  # the password alone is not enough

    @property
    def by_password(self) -> bool:
        """Whether the password is part of a proof."""
        return self.password and (self.totp or not self.is_guarded)

    @property
    def enough(self) -> tuple[AbstractSet[Method], ...]:
        """The sets of methods any of which is enough. Where there is no other way, the sign-in itself."""
        found: list[AbstractSet[Method]] = [{"passkey"}] if self.passkey else []
        if self.password and self.totp:
            found.append({"password", "totp"})
        if self.password and (self.totp or self.is_guarded):
            # Whoever lost the phone has come in by a recovery code, and must be able to set up another.
            found.append({"password", "recovery"})
        elif self.password:
            found.append({"password"})
        return tuple(found) or ({"provider"},)


def provable(uow: UnitOfWork, principal: Principal) -> Provable:
    """What the caller's account can prove itself by now."""
    guard = demands.guard(uow, principal.account)
    return Provable(
        password=principal.account.has_password,
        totp=guard.has_codes,
        passkey=guard.has_passkey,
        is_guarded=guard.asks and guard.has_any,
    )


def note(uow: UnitOfWork, session: Session, *methods: Method) -> None:
    """A session has just proved this."""
    for method in methods:
        fresh = insert(uow.db, session_proofs).values(session_id=session.id, method=method, proved_at=uow.now)
        key = [session_proofs.c.session_id, session_proofs.c.method]
        uow.db.execute(fresh.on_conflict_do_update(index_elements=key, set_={"proved_at": uow.now}))


def require(uow: UnitOfWork, principal: Principal) -> None:
    """Refuses `ProofOutdated` unless the session has proved itself within ten minutes, by what its account has.

    Refuses `SessionRequired` to API keys, and `WhileImpersonating`.
    """
    session, p = principal.require_in_person(), session_proofs.c
    proved = select(p.method).where(p.session_id == session.id, p.proved_at > uow.now - FRESH)
    fresh = set(uow.db.scalars(proved))
    if not any(methods <= fresh for methods in provable(uow, principal).enough):
        raise ProofOutdated


def renew(uow: UnitOfWork, session: Session) -> Secret:
    """Another secret for a session; the one before opens nothing from now on. Refuses `SessionRefused`."""
    secret = mint(uow.tools.dice)
    mine = update(sessions).where(sessions.c.id == session.id, is_live(uow.now))
    if uow.db.execute(mine.values(digest=digest(secret))).rowcount == 0:
        raise SessionRefused
    return secret


def prove(core: Core, origin: Origin, caller: Principal, password: Secret, code: Secret | None) -> Secret:
    """Prove the calling session by the account's password, with a code where it has a second factor.

    The session's new secret. Refuses `SessionRequired`, `WhileImpersonating`, `WrongPassword`, `WrongCode`,
    `Throttled`, `PasswordTooLong`.
    """
    session, number = caller.require_in_person(), caller.account.number
    proof = prove_password(core, origin, caller, password)
    with core.begin(origin, writes=True) as uow:
        asks = factors.is_enabled(uow, number)
        counters = attempts_at(uow, "totp", number) if asks else ()
        throttle.reserve(uow, counters)
    with core.begin(origin, writes=True) as uow:
        settle(uow, number, proof)
        if asks:
            if not factors.is_proved(uow, number, code):
                uow.evidence(audit.line(uow, "wrong code", account=number, via=caller.via))
                raise WrongCode
            throttle.forgive(uow, counters)
            note(uow, session, "totp")
        note(uow, session, "password")
        return renew(uow, session)


def prove_by_passkey(uow: UnitOfWork, caller: Principal, shown: passkeys.Passkey) -> Secret:
    """The same by a passkey that was just shown. Refuses `PasskeyRefused` when it is another account's."""
    session = caller.require_in_person()
    passkeys.require_own(caller.account.number, shown)
    note(uow, session, "passkey")
    return renew(uow, session)
