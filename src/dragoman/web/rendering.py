"""Templates and what they need: nothing is loaded from elsewhere, and no script or style that is not ours runs.

Every page has a nonce, which the policy names (CSP Level 3 §2.3.1): whatever else came into a page, it is inert.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from dragoman.exchange import Spoken
from dragoman.web import static

if TYPE_CHECKING:
    from jinja2 import Environment

    from dragoman.core.work import Dice

HTML = "text/html; charset=utf-8"
NONCE = 16  # bytes
ALWAYS = (
    # Browsers name the page's origin in a post only where they may send a referrer (Fetch §3.1).
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("x-frame-options", "DENY"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),  # pages say their own
)


def nonce(dice: Dice) -> str:
    """A number used once, as text."""
    return base64.urlsafe_b64encode(dice(NONCE)).decode().rstrip("=")


def page(status: int, template: str, facts: Mapping[str, Any], once: str) -> Spoken:
    """A page, rendered. `once` is its nonce."""
    text = _templates().get_template(template).render(facts, nonce=once)
    policy = (
        f"default-src 'none'; script-src 'nonce-{once}'; style-src 'nonce-{once}'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return Spoken(status, text.encode("utf-8", "replace"), HTML, (("content-security-policy", policy),))


def guarded(spoken: Spoken) -> Spoken:
    """An answer of the pages with all that says what browsers may do with it, as far as it does not say so itself."""
    said = {name for name, _ in spoken.headers}
    return replace(spoken, headers=(*spoken.headers, *(each for each in ALWAYS if each[0] not in said)))


@cache
def _templates() -> Environment:
    from dragoman.reference import templates_of  # noqa: PLC0415 - Jinja2 only once somebody comes

    environment = templates_of("dragoman.web")
    environment.filters |= {"moment": moment, "iso": iso, "ago": ago}
    environment.globals |= {"asset": static.address}
    return environment


def iso(at: datetime) -> str:
    """An instant for programs (RFC 3339)."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(at: datetime | None, otherwise: str = "never") -> str:
    """An instant for people. A script of the page says it by their own clock."""
    if at is None:
        return otherwise
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b} {at.year:04d}, {at:%H:%M} UTC"


STEPS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def ago(at: datetime | None, now: datetime) -> str:
    """How long since, in one unit: "3 hours ago"."""
    if at is None:
        return "never"
    seconds = max(0, int((now - at) / timedelta(seconds=1)))
    for length, name in STEPS:
        if seconds >= length:
            many = seconds // length
            return f"{many} {name}{'' if many == 1 else 's'} ago"
    return "just now"
