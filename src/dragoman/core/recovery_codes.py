"""Recovery codes: ten secrets on paper, each good once in place of the second factor.

120 bits each, so a digest is all that has to be kept of one. Making new ones ends the old.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, delete, func, select, update

from dragoman.core import audit
from dragoman.core.accounts import accounts, lock
from dragoman.core.columns import Instant, Number, metadata
from dragoman.core.secrets import Secret, digest

if TYPE_CHECKING:
    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("account_number", Number, ForeignKey(accounts.c.number, ondelete="CASCADE"), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("used_at", Instant),
)

HOW_MANY = 10
BYTES = 15
LONGEST = 200  # characters that are looked at


def make(uow: UnitOfWork, number: int, *, by: Principal) -> Sequence[Secret]:
    """Ten new codes of an account, shown now and never again; those before are dead. Refuses `WhileImpersonating`."""
    by.require_in_person()
    by.require_maker(uow)
    lock(uow, number)  # so that of two who make some at once one's are dead
    codes = [_written(uow.tools.dice(BYTES)) for _ in range(HOW_MANY)]
    remove(uow, number)
    rows = [{"account_number": number, "digest": _digest(code), "made_at": uow.now} for code in codes]
    uow.db.execute(recovery_codes.insert(), rows)
    audit.record(uow, "recovery codes made", account=number, by=by)
    return codes


def remove(uow: UnitOfWork, number: int) -> None:
    """End all codes of an account."""
    uow.db.execute(delete(recovery_codes).where(recovery_codes.c.account_number == number))


def left(uow: UnitOfWork, number: int) -> int:
    """How many codes an account has that were not used."""
    mine = (recovery_codes.c.account_number == number, recovery_codes.c.used_at.is_(None))
    return uow.db.scalar(select(func.count()).select_from(recovery_codes).where(*mine)) or 0


def spend(uow: UnitOfWork, number: int, code: Secret) -> bool:
    """Whether it is a code of the account's that was not used before; it is now. Attempts are the caller's to count."""
    r = recovery_codes.c
    unspent = (r.account_number == number, r.digest == _digest(code), r.used_at.is_(None))
    if uow.db.execute(update(recovery_codes).where(*unspent).values(used_at=uow.now)).rowcount == 0:
        return False
    audit.record(uow, "recovery code used", account=number, left=left(uow, number))
    return True


def _written(raw: bytes) -> Secret:
    """Four groups of six letters and digits (RFC 4648 §6)."""
    text = base64.b32encode(raw).decode().lower()
    return Secret("-".join(text[at : at + 6] for at in range(0, len(text), 6)))


def _digest(code: Secret) -> bytes:
    """The digest of what was meant, however it was typed."""
    return digest(Secret(re.sub(r"[\s-]", "", code.reveal()[:LONGEST]).lower()))
