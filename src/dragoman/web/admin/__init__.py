"""What administrators see and do: everybody's accounts, and what happens here."""

from __future__ import annotations

from dragoman.web.admin import account, accounts, audit, dialects, keys, outbox, overview, sessions

PAGES = (
    *overview.PAGES,
    *accounts.PAGES,
    *account.PAGES,
    *sessions.PAGES,
    *keys.PAGES,
    *outbox.PAGES,
    *dialects.PAGES,
    *audit.PAGES,
)
