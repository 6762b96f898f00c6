"""`/metrics`: whose it is to read, and the answer.

Nobody's but the operator's. Without a token it is for this machine itself, and for `metrics.networks`, and not
through a proxy, which any stranger may be behind; and of browsers on this machine, for none that was led here
by another site's name. With a token it is for whoever has that, from wherever.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

from dragoman.exchange import Spoken, spoken_json
from dragoman.network import FORWARDED, is_loopback_host, is_trusted, parse_address

if TYPE_CHECKING:
    from dragoman.core.tally import Figure
    from dragoman.envelope import Headers
    from dragoman.metrics.places import Alone, Place
    from dragoman.settings.sections import MetricsSettings

PATH = "/metrics"


class MetricsPage:
    """Answers requests for `PATH`."""

    def __init__(self, settings: MetricsSettings, figures: tuple[Figure, ...], place: Alone | Place) -> None:
        self._settings = settings
        self._figures = figures
        self._place = place

    async def answer(self, peer: str | None, host: str | None, headers: Headers) -> Spoken:
        """The numbers, to whoever may have them. `peer` is the other end of the connection."""
        if not self._settings.enabled:
            return spoken_json(404, {"error": "nothing is served here"})
        if self._settings.token is not None:
            if not _shows(self._settings.token.get_secret_value(), headers):
                return spoken_json(
                    401, {"error": "the token of metrics.token is needed"}, ("www-authenticate", "Bearer")
                )
        elif not self._is_near(peer, host, headers):
            return spoken_json(403, {"error": "see metrics.networks and metrics.token"})
        # In no lane: when those are full, this is what tells so.
        return await asyncio.to_thread(self._told, headers.get("accept", ""))

    def _told(self, accept: str) -> Spoken:
        from dragoman.metrics.exposition import exposed  # noqa: PLC0415 - 2 MiB, for whoever is ever asked

        body, media = exposed(self._figures, self._place.told(), accept)
        return Spoken(200, body, media)

    def _is_near(self, peer: str | None, host: str | None, headers: Headers) -> bool:
        if any(name in headers for name in FORWARDED):
            return False
        if is_trusted(peer, self._settings.networks):
            return True
        address = parse_address(peer)
        return address is not None and address.is_loopback and host is not None and is_loopback_host(host)


def _shows(token: str, headers: Headers) -> bool:
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.encode(), token.encode())
