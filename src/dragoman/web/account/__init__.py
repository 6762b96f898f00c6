"""What somebody sees and changes of their own account."""

from __future__ import annotations

from dragoman.web.account import apps, factors, home, keys, password, sessions

PAGES = (*home.PAGES, *apps.PAGES, *sessions.PAGES, *keys.PAGES, *password.PAGES, *factors.PAGES)
