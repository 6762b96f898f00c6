"""What somebody sees and changes of their own account."""

from __future__ import annotations

from dragoman.web.account import approvals, apps, factors, home, keys, password, second_factor, sessions

PAGES = (
    *home.PAGES,
    *apps.PAGES,
    *sessions.PAGES,
    *keys.PAGES,
    *password.PAGES,
    *factors.PAGES,
    *second_factor.PAGES,
    *approvals.PAGES,
)
