"""What a page says to a no of the core that a form cannot say itself."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.core.errors import (
    AlreadyImpersonating,
    CannotImpersonate,
    FactorAlreadySet,
    FactorNotSet,
    LastAdmin,
    NoAddress,
    NotImpersonating,
    Refusal,
    TooMany,
    WhileImpersonating,
)
from dragoman.web.forgery import Forged

# A status, a title, a text.
WORDS: Mapping[type[Refusal], tuple[int, str, str]] = {
    Forged: (
        403,
        "Please try that once more",
        "The page was open for too long, or did not come from here. Reload it and try again.",
    ),
    WhileImpersonating: (
        403,
        "Be yourself first",
        "This cannot be done while you act as somebody else.",
    ),
    LastAdmin: (
        409,
        "Somebody has to administer this server",
        "This is the last administrator who can sign in. Make somebody else one first.",
    ),
    CannotImpersonate: (
        409,
        "You cannot act as them",
        "Nobody acts as themselves, or as somebody who is disabled.",
    ),
    AlreadyImpersonating: (
        409,
        "One at a time",
        "You act as somebody else already. Be yourself again first.",
    ),
    NotImpersonating: (409, "You are yourself", "You do not act as anybody else any more."),
    NoAddress: (409, "There is no e-mail address", "The account has none, so nothing can be mailed to it."),
    FactorAlreadySet: (
        409,
        "That is done already",
        "Codes are set up for this account. Turn them off first.",
    ),
    FactorNotSet: (409, "There is nothing to remove", "The account has no second factor."),
    TooMany: (409, "That is enough", "There are as many of these as there may be. Remove one first."),
}
