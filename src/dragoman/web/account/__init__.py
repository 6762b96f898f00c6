"""What somebody sees and changes of their own account."""

from __future__ import annotations

from dragoman.web.account import (
    activity,
    approvals,
    apps,
    factors,
    home,
    identities,
    keys,
    links,
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
    *links.PAGES,
    *identities.PAGES,
    *activity.PAGES,
)
