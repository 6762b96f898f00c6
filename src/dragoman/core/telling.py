"""Telling the owner of an account what was changed of how it is signed in to: whoever did it, they should know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from dragoman.core import letters, outbox
from dragoman.core.errors import NameRefused, Throttled

if TYPE_CHECKING:
    from datetime import datetime

    from dragoman.core.accounts import Account
    from dragoman.core.work import UnitOfWork

KIND = "change"
LONGEST_AGENT = 100  # characters
# A dot is kept in a version alone, and neither a scheme nor an address has its sign.
LINKED = re.compile(r"[^A-Za-z0-9 ._;()/,+-]+|\.(?![0-9])|/(?=/)")


def tell_owner(uow: UnitOfWork, account: Account, what: str, *, to: str | None = None) -> None:
    """Mail an account's owner `what` was done, a sentence. `to` is an address that is not the account's any more.

    Whoever has no address is not told, nor is one who was told a hundred things within the hour: what was done is
    done all the same, and on record.
    """
    recipient = to or account.email
    if recipient is None:
        return
    letter = letters.write("change", name=account.display_name, what=what, **_facts(uow))
    with suppress(Throttled, NameRefused):
        outbox.post(uow, letter, to=recipient, kind=KIND, of=account.number)


def ask_owner(uow: UnitOfWork, account: Account, *, until: datetime) -> None:
    """Mail an account's owner that a sign-in waits to be approved until then (core/approvals.py), as `tell_owner` does."""
    if account.email is None:
        return
    letter = letters.write(
        "approval",
        name=account.display_name,
        product=uow.rules.products.get(uow.origin.dialect, uow.origin.dialect),
        link=f"{uow.rules.root}/account/approvals",
        until=f"{until:%Y-%m-%d %H:%M} UTC",
        **_facts(uow),
    )
    with suppress(Throttled, NameRefused):
        outbox.post(uow, letter, to=account.email, kind="approval", of=account.number, until=until)


def _facts(uow: UnitOfWork) -> Mapping[str, str]:
    """When it happened, and what is known of who did it."""
    return {
        "at": f"{uow.now:%Y-%m-%d %H:%M} UTC",
        "address": uow.origin.address,
        "agent": _inert(uow.origin.agent),
    }


def _inert(agent: str) -> str:
    """What a program calls itself, without what a reader of mail makes a link of: strangers chose the words."""
    return LINKED.sub(" ", agent[:LONGEST_AGENT]).strip() or "nothing"
