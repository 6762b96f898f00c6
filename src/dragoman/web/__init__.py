"""Pages of the server's own, for people: no dialect's. They are put together when somebody first asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dragoman.core.work import Core
    from dragoman.lanes import Lanes
    from dragoman.settings import Settings
    from dragoman.web.pages import Page
    from dragoman.web.products import Product
    from dragoman.web.site import Site

# What the paths of pages begin with: whatever begins otherwise is a dialect's, or nothing.
SEGMENTS = frozenset(
    {
        "",
        "account",
        "admin",
        "avatar",
        "confirm",
        "forgotten",
        "invitation",
        "passkey",
        "reset-password",
        "set-up",
        "sign-in",
        "sign-out",
        "static",
    }
)


def is_ours(path: str) -> bool:
    """Whether a path may be a page's."""
    return path.split("/", 2)[1] in SEGMENTS


def every_page() -> Sequence[Page]:
    """All pages. Imports them, which a server that only speaks to apps can do without."""
    from dragoman.web import (  # noqa: PLC0415 - see above
        account,
        admin,
        avatars,
        confirm,
        forgotten,
        invitation,
        passkeys,
        setup,
        sign_in,
    )

    return (
        *sign_in.PAGES,
        *forgotten.PAGES,
        *avatars.PAGES,
        *passkeys.PAGES,
        *confirm.PAGES,
        *setup.PAGES,
        *invitation.PAGES,
        *account.PAGES,
        *admin.PAGES,
    )


def make_site(
    core: Core, lanes: Lanes, settings: Settings, products: Callable[[], Sequence[Product]]
) -> Site:
    """All pages, served. `products` tells which dialects are at the moment."""
    from dragoman.web.site import Site  # noqa: PLC0415 - see above

    return Site(every_page(), core, lanes, settings, products)
