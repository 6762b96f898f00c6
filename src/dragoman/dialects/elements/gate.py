"""Requests that carry the session's cookie are a browser's, and another site's page may have had it send them.

As the framework that ELEMENTS is built with: a write needs a token in the header `X-CSRFToken`, which is the
value of the cookie `csrftoken`. Ours is signed for the session besides. Who shows a bearer token needs none.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from dragoman import csrf
from dragoman.dialects.elements.credentials import COOKIE, CSRF_COOKIE, csrf_cookie
from dragoman.dialects.elements.errors import forged
from dragoman.dialects.elements.wire import ElementsApi
from dragoman.dialects.elements.wire.tokens import FAST_LANE
from dragoman.exchange import Exchange, Passed, Spoken
from dragoman.wire import Access, has_body

if TYPE_CHECKING:
    from dragoman.core.work import Tools
    from dragoman.dialects.elements.configuration import ElementsSettings

CSRF_HEADER = "x-csrftoken"
# Whoever calls these proves in the body who they are, or leaves: a stale cookie must keep nobody from that (§3), and
# no page has a token for one. They need none, but must not come from another site's page. Nor does whoever opens a
# link, which is a secret in the path.
UNPROVED = frozenset(
    {o.path for o in ElementsApi.operations() if o.access is Access.PUBLIC and has_body(o.takes)}
    | {ElementsApi.logout.path}
)
WORDS = {
    "origin invalid": "Origin checking failed - {origin} does not match any trusted origins.",
    "referer not supplied": "Referer checking failed - no Referer.",
    "referer invalid": "Referer checking failed - {referer} does not match any trusted origins.",
}


def is_unproved(exchange: Exchange) -> bool:
    """Whether a write needs no proof that the page could read the cookie."""
    return exchange.path in UNPROVED or exchange.path.startswith(FAST_LANE)


def gate(exchange: Exchange, settings: ElementsSettings, tools: Tools) -> Passed | Spoken:
    """Refuse forged writes; give a browser a token that has none."""
    session = exchange.cookies.get(COOKIE)
    # A browser adds "Basic" by itself where a proxy asked for it: only what `present` takes for a credential counts.
    if exchange.bearer:
        return Passed()
    if not session:
        # An answer may set the cookie: a page of another site must not choose as whom a browser goes on.
        asked = exchange.method not in csrf.SAFE_METHODS and exchange.headers.get("origin")
        why = _foreign(exchange, settings) if asked else None
        return Passed() if why is None else forged(why)
    key, now, shown = csrf.key_for(session), tools.clock(), exchange.cookies.get(CSRF_COOKIE, "")
    is_known = csrf.opened(shown, key, CSRF_COOKIE, now) is not None
    if exchange.method not in csrf.SAFE_METHODS:
        why = _foreign(exchange, settings) or _unproved(exchange, shown, is_known=is_known)
        if why is not None:
            return forged(why)
    vary = ("vary", "Cookie")
    if is_known or is_unproved(exchange) or exchange.method not in csrf.SAFE_METHODS:
        return Passed((vary,))
    return Passed((vary, csrf_cookie(exchange, tools, session, now)))


def _foreign(exchange: Exchange, settings: ElementsSettings) -> str | None:
    """Why a request is not from a page of ours, as far as the browser says; None: it may be."""
    origin, referer = exchange.headers.get("origin"), exchange.headers.get("referer")
    why = csrf.mistrusted(
        origin,
        referer,
        secure=exchange.secure,
        host=exchange.headers["host"],
        trusted=settings.trusted_origins,
    )
    return None if why is None else WORDS[why].format(origin=origin, referer=referer)


def _unproved(exchange: Exchange, shown: str, *, is_known: bool) -> str | None:
    """Why it is not proved that the page could read the cookie; None: it is, or need not be."""
    if is_unproved(exchange):
        return None
    if not shown:
        return "CSRF cookie not set."
    told = exchange.headers.get(CSRF_HEADER)
    if told is None:
        return "CSRF token missing."
    is_same = hmac.compare_digest(told.encode(), shown.encode())
    return None if is_known and is_same else "CSRF token from the 'X-Csrftoken' HTTP header incorrect."
