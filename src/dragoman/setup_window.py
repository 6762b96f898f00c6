"""Who may make the first administrator over the network: only somebody on this very machine, and only soon.

An installation without an account belongs to whoever calls first, so the call must not come from anywhere
else, not through a proxy, and not through a page that a browser on this machine happens to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dragoman.network import FORWARDED, is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dragoman.settings import Settings

OURS = {"none", "same-origin"}


@dataclass(frozen=True)
class SetupWindow:
    """Open from `opened` to `closes` (None: at no time), to everybody if `wide`."""

    opened: datetime
    closes: datetime | None
    wide: bool = False

    @classmethod
    def of(cls, settings: Settings, now: datetime) -> SetupWindow:
        """The window that settings leave open from `now`, the start of the server, however many processes it has."""
        if settings.setup.open == "always":
            return cls(now, None, wide=True)
        hosts = [d.host for d in settings.dialects.values() if d.enabled and d.host]
        server = settings.server
        faces_others = not settings.loopback_only or server.base_url or server.trusted_proxies or hosts
        if settings.setup.open == "never" or faces_others:
            return cls(now, None)
        return cls(now, now + timedelta(minutes=settings.setup.window_minutes))

    def admits(self, headers: Mapping[str, str], host: str, now: datetime) -> bool:
        """Whether a request with these headers, to this host name, may make the first administrator."""
        if self.wide:
            return True
        if self.closes is None or not self.opened <= now < self.closes or not is_loopback_host(host):
            return False
        if any(name in headers for name in FORWARDED):
            return False
        origin = headers.get("origin")
        # "null" and foreign pages alike: only the page of this very host and port is ours.
        if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            return False
        return headers.get("sec-fetch-site", "none") in OURS
