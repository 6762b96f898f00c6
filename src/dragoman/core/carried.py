"""What a browser carries for us between two requests, sealed: it can be neither read nor changed on the way.

For what is short-lived and worth nothing by itself, such as "the password was right a minute ago": nothing is stored,
so nobody can fill the database by beginning what they never finish, and every node can read it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dragoman.core.sealing import SealBroken
from dragoman.core.secrets import Secret

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

LONGEST = 4096  # characters that are looked at


def write(uow: UnitOfWork, purpose: str, facts: Mapping[str, Any], *, lasts: timedelta) -> Secret:
    """Facts that JSON can hold, for this purpose alone and for so long."""
    until = int((uow.now + lasts).timestamp())
    plain = json.dumps([until, facts], separators=(",", ":")).encode()
    sealed = uow.sealer.seal(uow, plain, table="carried", column=purpose, row="")
    return Secret(base64.urlsafe_b64encode(sealed).decode())


def read(uow: UnitOfWork, purpose: str, carried: Secret) -> Mapping[str, Any] | None:
    """The facts; None if they were not written by us for this purpose, or are too old."""
    text = carried.reveal()
    try:
        sealed = (
            base64.b64decode(text.encode(), altchars=b"-_", validate=True) if len(text) <= LONGEST else b""
        )
        until, facts = json.loads(uow.sealer.open(uow, sealed, table="carried", column=purpose, row=""))
    except (SealBroken, binascii.Error, UnicodeEncodeError):
        return None
    found: Mapping[str, Any] = facts
    return found if uow.now < datetime.fromtimestamp(until, UTC) else None
