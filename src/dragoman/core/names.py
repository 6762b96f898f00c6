"""Names: what may be one, when two are the same, and whose a name is.

Usernames and e-mail addresses share one namespace. Each is kept folded in `account_names`, where the
primary key decides every race for it. So is what an account without an e-mail address is shown with: it signs
in like one, and is nobody else's.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, String, Table, delete, select

from dragoman.core.columns import Number, in_bytes, metadata
from dragoman.core.database import insert
from dragoman.core.errors import NameRefused, NameTaken

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

LONGEST_NAME = 256
LONGEST_EMAIL = 320
LONGEST_LOCAL_PART = 64  # bytes: RFC 5321 §4.5.3.1.1

account_names = Table(
    "account_names",
    metadata,
    Column("folded", in_bytes(LONGEST_EMAIL), primary_key=True),
    Column(
        "account_number",
        Number,
        ForeignKey("accounts.number", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("kind", String(8), nullable=False),
)

_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
# RFC 5322 §3.2.3, with letters beyond ASCII as far as every product takes them.
PLAIN = re.compile(rf"(?!.*[\ud800-\U0010ffff]){_ATOM}(?:\.{_ATOM})*")


def fold(name: str) -> str:
    """The form in which names are compared: NFKC, case folded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def looked_up(name: str) -> str:
    """The folded form to look a name up by; "", which nobody has, for what cannot be a name."""
    if len(name) > 2 * LONGEST_EMAIL:
        return ""
    if name.isascii() and name.isprintable():
        return name.lower()  # which is what they fold to, and takes a tenth of the time
    folded = fold(name)
    return "" if any(unicodedata.category(c) in {"Cc", "Cs"} for c in folded) else folded


def checked(kind: str, value: str, longest: int = LONGEST_NAME) -> str:
    """`value` in NFC. `NameRefused` when empty, too long, or with control or formatting characters."""
    # At most four characters become one. More is not even normalised: sorting half a million accents takes minutes.
    value = unicodedata.normalize("NFC", value[: 4 * longest + 1])
    if not value.strip():
        raise NameRefused(kind, "must not be empty")
    # What people sign in with is stored folded, too, and one character may fold into eighteen.
    if len(value) > longest or (kind in {"email", "username"} and len(fold(value)) > LONGEST_EMAIL):
        raise NameRefused(kind, f"must be at most {longest} characters long")
    # Controls and line separators break logs and headers; surrogates break UTF-8; overrides fool readers.
    if any(
        unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}
        or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        for c in value
    ):
        raise NameRefused(kind, "must not contain control characters")
    return value


def checked_username(value: str) -> str:
    """A username: as `checked`, and without blanks at its ends."""
    value = checked("username", value)
    if value != value.strip():
        raise NameRefused("username", "must not begin or end with blanks")
    return value


def checked_email(value: str) -> str:
    """An e-mail address: as `checked`, with something on both sides of an @ and no blanks."""
    value = checked("email", value, LONGEST_EMAIL)
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or re.search(r"\s", domain) or value != value.strip():
        raise NameRefused("email", "must be an e-mail address")
    return value


def address(email: str | None, username: str, account_id: uuid.UUID) -> str:
    """An account's e-mail address, or what it is shown with where a product demands one: `robot@local`.

    A username that no address can begin with gives way to the account's id.
    """
    if email is not None:
        return email
    fits = PLAIN.fullmatch(username) is not None and len(username.encode()) <= LONGEST_LOCAL_PART
    return f"{username if fits else account_id}@local"


def claim(uow: UnitOfWork, number: int, kind: str, name: str) -> bool:
    """Whether `name` is this account's now (it may have been before: a username may be the e-mail)."""
    folded = fold(name)
    row = insert(uow.db, account_names).values(folded=folded, account_number=number, kind=kind)
    if uow.db.scalar(row.on_conflict_do_nothing().returning(account_names.c.folded)) is not None:
        return True
    owner = uow.db.scalar(select(account_names.c.account_number).where(account_names.c.folded == folded))
    return owner == number


def take(uow: UnitOfWork, number: int, kind: str, name: str) -> None:
    """Make `name` this account's. Refuses `NameTaken`."""
    if not claim(uow, number, kind, name):
        raise NameTaken(kind)


def free_username(uow: UnitOfWork, number: int, wanted: str) -> str:
    """A username like `wanted` that nobody has: it, it with 2 to 99 behind, then with random digits."""
    stem = wanted.strip()[: LONGEST_NAME - 20] or "user"
    while len(fold(stem)) > LONGEST_NAME:
        stem = stem[:-1]
    candidates = [stem, *(f"{stem}{n}" for n in range(2, 100)), f"{stem}-{uow.new_id().hex[:12]}"]
    for candidate in candidates:
        if claim(uow, number, "username", candidate):
            return candidate
    raise NameTaken("username")


def take_all(uow: UnitOfWork, number: int, email: str | None, username: str, account_id: uuid.UUID) -> None:
    """Make an account's names its own: what it is shown with, and its username. Refuses `NameTaken`."""
    kind = "username" if email is None else "email"
    take(uow, number, kind, address(email, username, account_id))
    take(uow, number, "username", username)


def rename(uow: UnitOfWork, number: int, email: str | None, username: str, account_id: uuid.UUID) -> None:
    """Give up all names of the account but these, and make these its own. Refuses `NameTaken`."""
    # By name, not by kind: a username that is also the e-mail address is one row for both.
    kept = [fold(address(email, username, account_id)), fold(username)]
    theirs = account_names.c.account_number == number
    uow.db.execute(delete(account_names).where(theirs, account_names.c.folded.not_in(kept)))
    take_all(uow, number, email, username, account_id)
