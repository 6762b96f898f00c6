"""What people see of a link that they follow in a browser; programs are told the same in JSON (contract §5).

A page is made of that answer, so it says no more than that. To look at it counts nothing: its button is what opens
the link. The token is in the address alone. `Referrer-Policy` lets no more than the origin leave; with nothing at all
a browser would not say either that the form it sends is ours (Fetch §3.1).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dragoman.csrf import SAFE_METHODS
from dragoman.dialects.elements.wire.tokens import FAST_LANE
from dragoman.web.mailed import page

if TYPE_CHECKING:
    from dragoman.exchange import Exchange, Spoken

REFERRER = ("referrer-policy", "strict-origin")


def for_people(exchange: Exchange, spoken: Spoken) -> Spoken:
    """An answer about a link as a page, if a browser asks; all else as it is."""
    if not exchange.path.startswith(FAST_LANE) or "text/html" not in exchange.headers.get("accept", ""):
        return spoken
    said: dict[str, Any] = json.loads(spoken.body)
    part, problems = _part(exchange, spoken.status, said), said.get("password", ())
    return page(
        spoken.status,
        "link.html",
        *(header for header in spoken.headers if header[0] != REFERRER[0]),
        REFERRER,
        part=part,
        problems=problems,
        has_password=bool(problems) or said.get("has_password", False),
        leads_to=said.get("redirect", ""),
    )


def _part(exchange: Exchange, status: int, said: dict[str, Any]) -> str:
    """Which part of the page has what was said."""
    if status == 200:
        is_looked_at = exchange.method in SAFE_METHODS
        return "closed" if is_looked_at else "known" if "login_redirect" in said else "opened"
    if "password" in said:
        return "closed"
    return {404: "gone", 429: "later", 503: "later"}.get(status, "wrong")
