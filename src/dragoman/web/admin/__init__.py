"""What administrators see and do: everybody's accounts, and what happens here."""

from __future__ import annotations

from dragoman.web.admin import (
    account,
    accounts,
    audit,
    dialects,
    invitations,
    keys,
    links,
    outbox,
    overview,
    sessions,
    signing_keys,
)

PAGES = (
    *overview.PAGES,
    *accounts.PAGES,
    *account.PAGES,
    *invitations.PAGES,
    *sessions.PAGES,
    *keys.PAGES,
    *links.PAGES,
    *outbox.PAGES,
    *dialects.PAGES,
    *signing_keys.PAGES,
    *audit.PAGES,
)
