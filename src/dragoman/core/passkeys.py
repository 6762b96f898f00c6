"""Passkeys (WebAuthn Level 3): keys that a device keeps for one site, and uses after its owner unlocked it.

The library `fido2` reads and verifies; here is what is kept, and what is asked for: discoverable keys, a verified
user, no attestation. A challenge is carried by the browser, sealed, for five minutes, and is spent when an answer
to it was good.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Uuid,
    delete,
    func,
    select,
    update,
)

from dragoman.core import accounts, audit, carried, factors, recovery_codes
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.database import insert
from dragoman.core.errors import NotFound, PasskeyRefused, TooMany
from dragoman.core.names import checked
from dragoman.core.secrets import Secret

if TYPE_CHECKING:
    from fido2.server import Fido2Server

    from dragoman.core.accounts import Account
    from dragoman.core.database import AnyRow
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "account_number", Number, ForeignKey(accounts.accounts.c.number, ondelete="CASCADE"), nullable=False
    ),
    # A credential's id may be as long as 1023 bytes: it is found by its digest.
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("credential", LargeBinary, nullable=False),  # id and public key, as WebAuthn §6.5.1 writes them
    Column("uses", Number, nullable=False),  # what its own counter said last; 0: it does not count
    Column("name", String(64), nullable=False),
    Column("is_backed_up", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "account_number", "created_at"),
)
spent_challenges = Table(
    "spent_challenges",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("forget_at", Instant, nullable=False, index=True),
)

MOST = 20  # of an account
GOOD_FOR = timedelta(minutes=5)
CHALLENGE = 32  # bytes


@dataclass(frozen=True)
class Site:
    """Whose passkeys they are: `host` is the name that devices know us by, `origin` where our pages are."""

    host: str
    origin: str


@dataclass(frozen=True)
class Begun:
    """What a browser is asked (`options`, for `navigator.credentials`), and what it `carries` back with the answer."""

    options: Mapping[str, Any]
    carries: Secret


@dataclass(frozen=True)
class Passkey:
    """A passkey as it was read. `is_backed_up`: it is on other devices of its owner's, too."""

    id: uuid.UUID
    account_number: int
    name: str
    is_backed_up: bool
    created_at: datetime
    used_at: datetime | None
    uses: int = field(repr=False)
    credential: bytes = field(repr=False)


COLUMNS = tuple(passkeys.c[name] for name in Passkey.__dataclass_fields__)


def of_account(uow: UnitOfWork, number: int) -> Sequence[Passkey]:
    """An account's passkeys, the oldest first."""
    mine = select(*COLUMNS).where(passkeys.c.account_number == number).order_by(passkeys.c.created_at)
    return [Passkey(*row) for row in uow.db.execute(mine)]


def count(uow: UnitOfWork, number: int) -> int:
    """How many passkeys an account has."""
    mine = select(func.count()).select_from(passkeys).where(passkeys.c.account_number == number)
    return uow.db.scalar(mine) or 0


def begin_making(uow: UnitOfWork, site: Site, caller: Principal) -> Begun:
    """Ask a browser to have a passkey made for the caller's account. Refuses `TooMany`, `WhileImpersonating`."""
    from fido2.webauthn import (  # noqa: PLC0415 - only where there are passkeys
        AttestedCredentialData,
        PublicKeyCredentialUserEntity,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    caller.require_in_person()
    account, held = caller.account, of_account(uow, caller.account.number)
    if len(held) >= MOST:
        raise TooMany("passkey", MOST)
    options, state = _server(site).register_begin(
        PublicKeyCredentialUserEntity(
            id=account.id.bytes, name=account.email or account.username, display_name=account.display_name
        ),
        [AttestedCredentialData(each.credential) for each in held],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=uow.tools.dice(CHALLENGE),
    )
    facts = {"state": state, "account": account.number}
    return Begun(dict(options)["publicKey"], carried.write(uow, "making a passkey", facts, lasts=GOOD_FOR))


def finish_making(
    uow: UnitOfWork, site: Site, caller: Principal, carries: Secret, answer: Mapping[str, Any], *, name: str
) -> Passkey:
    """Keep the passkey that a browser had made. Refuses `PasskeyRefused`, `NameRefused`, `WhileImpersonating`."""
    caller.require_in_person()
    caller.require_maker(uow)
    number = caller.account.number
    called = checked("name", name.strip() or "Passkey", longest=64)
    accounts.lock(uow, number)
    facts = carried.read(uow, "making a passkey", carries)
    if facts is None or facts["account"] != number:
        raise PasskeyRefused("the challenge is not this account's, or too old")
    if count(uow, number) >= MOST:
        raise TooMany("passkey", MOST)
    data = _verified(lambda: _server(site).register_complete(facts["state"], answer))
    _spend(uow, facts["state"])
    credential = bytes(data.credential_data)
    row = {
        "id": uow.new_id(),
        "account_number": number,
        "digest": hashlib.sha256(data.credential_data.credential_id).digest(),
        "credential": credential,
        "uses": data.counter,
        "name": called,
        "is_backed_up": data.is_backed_up(),
        "created_at": uow.now,
    }
    made = insert(uow.db, passkeys).values(row).on_conflict_do_nothing().returning(*COLUMNS)
    stored = uow.db.execute(made).one_or_none()
    if stored is None:
        raise PasskeyRefused("this passkey is known already")
    audit.record(uow, "passkey added", account=number, by=caller, name=called)
    return Passkey(*stored)


def begin_showing(uow: UnitOfWork, site: Site) -> Begun:
    """Ask a browser to show a passkey, whosever it holds: no name is asked for, so none can be found out."""
    from fido2.webauthn import UserVerificationRequirement  # noqa: PLC0415 - as above

    required = UserVerificationRequirement.REQUIRED
    options, state = _server(site).authenticate_begin(
        user_verification=required, challenge=uow.tools.dice(CHALLENGE)
    )
    facts = {"state": state}
    return Begun(dict(options)["publicKey"], carried.write(uow, "showing a passkey", facts, lasts=GOOD_FOR))


def finish_showing(
    uow: UnitOfWork, site: Site, carries: Secret, answer: Mapping[str, Any]
) -> tuple[Account, Passkey]:
    """The passkey that a browser shows, and whose it is. Refuses `PasskeyRefused`.

    A counter that went back says that there are two of it: that is refused, and on record (WebAuthn §6.1.1).
    """
    from fido2.webauthn import AttestedCredentialData, AuthenticationResponse  # noqa: PLC0415 - as above

    facts = carried.read(uow, "showing a passkey", carries)
    if facts is None:
        raise PasskeyRefused("the challenge is not ours, or too old")
    said = _verified(lambda: AuthenticationResponse.from_dict(answer))
    row = _find(uow, said.raw_id)
    if row is None:
        raise PasskeyRefused("nobody has this passkey")
    known = Passkey(*row)
    credential = AttestedCredentialData(known.credential)
    _verified(lambda: _server(site).authenticate_complete(facts["state"], [credential], answer))
    _spend(uow, facts["state"])
    account = accounts.find_by_number(uow, known.account_number)
    handle = said.response.user_handle
    if account is None or not account.is_active or (handle is not None and handle != account.id.bytes):
        raise PasskeyRefused("its account may not sign in, or is another")
    _count(
        uow, known, said.response.authenticator_data.counter, said.response.authenticator_data.is_backed_up()
    )
    return account, known


def _count(uow: UnitOfWork, known: Passkey, counter: int, is_backed_up: bool) -> None:
    """Note that it was used. Refuses `PasskeyRefused` when its counter went back."""
    p = passkeys.c
    used = update(passkeys).where(p.id == known.id, (p.uses < counter) | ((p.uses == 0) & (counter == 0)))
    values = {"uses": counter, "used_at": uow.now, "is_backed_up": is_backed_up}
    if uow.db.execute(used.values(values)).rowcount == 0:
        number, name = known.account_number, known.name
        uow.evidence(audit.line(uow, "passkey counter went back", account=number, name=name))
        raise PasskeyRefused("its counter went back: there may be two of it")


def require_own(number: int, shown: Passkey) -> None:
    """Refuses `PasskeyRefused` unless a passkey is this account's."""
    if shown.account_number != number:
        raise PasskeyRefused("it is another account's")


def rename(uow: UnitOfWork, caller: Principal, passkey_id: uuid.UUID, name: str) -> None:
    """Call a passkey of the caller's otherwise. Refuses `NotFound`, `NameRefused`."""
    called = checked("name", name, longest=64)
    if uow.db.execute(update(passkeys).where(*_own(caller, passkey_id)).values(name=called)).rowcount == 0:
        raise NotFound("passkey")


def remove(uow: UnitOfWork, caller: Principal, passkey_id: uuid.UUID) -> str:
    """Take a passkey from the caller's account; its name. Refuses `NotFound`, `WhileImpersonating`."""
    caller.require_in_person()
    gone = delete(passkeys).where(*_own(caller, passkey_id)).returning(passkeys.c.name)
    name: str | None = uow.db.scalar(gone)
    if name is None:
        raise NotFound("passkey")
    _end_codes_with_the_last(uow, caller.account.number)
    audit.record(uow, "passkey removed", account=caller.account.number, by=caller, name=name)
    return name


def remove_all(uow: UnitOfWork, number: int, *, by: Principal) -> int:
    """Take all passkeys from an account, whose owner lost them; how many. Refuses `WhileImpersonating`."""
    by.require_no_actor()
    gone = uow.db.execute(delete(passkeys).where(passkeys.c.account_number == number)).rowcount
    _end_codes_with_the_last(uow, number)
    audit.record(uow, "passkeys removed", account=number, by=by, count=gone)
    return gone


def _end_codes_with_the_last(uow: UnitOfWork, number: int) -> None:
    """Recovery codes stand for a second factor: where none is left, they open nothing, also once there is another."""
    if count(uow, number) == 0 and not factors.is_enabled(uow, number):
        recovery_codes.remove(uow, number)


def _own(caller: Principal, passkey_id: uuid.UUID) -> tuple[Any, ...]:
    return (passkeys.c.id == passkey_id, passkeys.c.account_number == caller.account.number)


def _find(uow: UnitOfWork, credential_id: bytes) -> AnyRow | None:
    known_by = passkeys.c.digest == hashlib.sha256(credential_id).digest()
    return uow.db.execute(select(*COLUMNS).where(known_by)).one_or_none()


def _spend(uow: UnitOfWork, state: Mapping[str, Any]) -> None:
    """A challenge is answered once. Refuses `PasskeyRefused` the second time."""
    held = hashlib.sha256(str(state["challenge"]).encode()).digest()
    fresh = insert(uow.db, spent_challenges).values(digest=held, forget_at=uow.now + GOOD_FOR)
    if uow.db.scalar(fresh.on_conflict_do_nothing().returning(spent_challenges.c.digest)) is None:
        raise PasskeyRefused("the challenge was answered before")


def _verified(check: Callable[[], Any]) -> Any:
    """What the library makes of an answer. `PasskeyRefused` when it is none, or a wrong one."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - strangers wrote the bytes, and parsers stumble in many ways
        raise PasskeyRefused(f"{type(error).__name__}: {error}"[:200]) from None


def _server(site: Site) -> Fido2Server:
    from fido2.server import Fido2Server  # noqa: PLC0415 - as above
    from fido2.webauthn import AttestationConveyancePreference, PublicKeyCredentialRpEntity  # noqa: PLC0415

    return Fido2Server(
        PublicKeyCredentialRpEntity(id=site.host, name="Dragoman"),
        attestation=AttestationConveyancePreference.NONE,
        verify_origin=lambda origin: origin == site.origin,
    )
