"""Where the pictures of people are: /avatar/<account id>, for whoever is signed in; a letter where there is none."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dragoman.core import accounts, avatars
from dragoman.core.errors import NotFound
from dragoman.exchange import Spoken
from dragoman.web.pages import Answer, Page, Visit
from dragoman.web.pictures import MEDIA

if TYPE_CHECKING:
    from dragoman.core.work import UnitOfWork

LETTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#0f5c66"/>'
    '<text x="32" y="43" fill="#fff" font-family="sans-serif" font-size="32" text-anchor="middle">{}</text></svg>'
)
HEADERS = (
    # Its address has the account's date of change in it.
    ("cache-control", "private, max-age=86400"),
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("cross-origin-resource-policy", "same-origin"),
)


def show(uow: UnitOfWork, visit: Visit) -> Answer:
    """Somebody's picture."""
    account = accounts.find_by_id(uow, visit.id_of("account"))
    if account is None or account.deleted_at is not None:
        raise NotFound("account")
    picture = avatars.find(uow, account.number)
    if picture is not None:
        return Spoken(200, picture, MEDIA, HEADERS)
    letter = LETTER.format(escape(account.display_name[:1].upper()))
    return Spoken(200, letter.encode("utf-8", "replace"), "image/svg+xml", HEADERS)


PAGES = (Page("GET", "/avatar/{account}", show, without_factor=True),)
