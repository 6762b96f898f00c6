"""What people are called, to be found by: each place in a display name where a word begins, folded.

"Cleo de la Cruz" is found by "cleo", by "de la" and by "cruz", each by a look into one index.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import Column, ForeignKey, Table, delete

from dragoman.core.columns import Number, in_bytes, metadata
from dragoman.core.database import insert
from dragoman.core.names import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dragoman.core.work import UnitOfWork

LONGEST = 128  # characters of what is kept, and so of what can be searched by
MOST = 8  # words of a name

name_beginnings = Table(
    "name_beginnings",
    metadata,
    Column("folded", in_bytes(LONGEST), primary_key=True),
    Column(
        "account_number",
        Number,
        ForeignKey("accounts.number", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)


def of(display_name: str) -> Sequence[str]:
    """From where each of its words begins to the end of the name, folded."""
    folded = fold(display_name)
    begins = [word.start() for word in re.finditer(r"\S+", folded)][:MOST]
    return sorted({folded[place : place + LONGEST] for place in begins})


def write(uow: UnitOfWork, number: int, display_name: str) -> None:
    """Have an account found by this name, and by none that it had before."""
    n = name_beginnings.c
    uow.db.execute(delete(name_beginnings).where(n.account_number == number))
    rows = [{"folded": each, "account_number": number} for each in of(display_name)]
    if rows:
        uow.db.execute(insert(uow.db, name_beginnings), rows)
