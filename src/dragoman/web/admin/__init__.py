"""What administrators see and do: everybody's accounts, and what happens here."""

from __future__ import annotations

from dragoman.web.admin import account, accounts, audit, overview

PAGES = (*overview.PAGES, *accounts.PAGES, *account.PAGES, *audit.PAGES)
