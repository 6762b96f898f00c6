"""What somebody sees and changes of their own account."""

from __future__ import annotations

from dragoman.web.account import (
    activity,
    approvals,
    apps,
    factors,
    home,
    keys,
    password,
    pin,
    profile,
    second_factor,
    sessions,
)

PAGES = (
    *home.PAGES,
    *profile.PAGES,
    *apps.PAGES,
    *sessions.PAGES,
    *keys.PAGES,
    *password.PAGES,
    *factors.PAGES,
    *second_factor.PAGES,
    *approvals.PAGES,
    *pin.PAGES,
    *activity.PAGES,
)
