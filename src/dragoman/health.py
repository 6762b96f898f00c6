"""Whether this process answers (`/healthz`), and whether it should be sent requests (`/readyz`).

Both answer to any host name, since those who ask know an address and no more.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.core import setup
from dragoman.core.errors import Unavailable
from dragoman.core.work import Origin
from dragoman.exchange import Spoken, spoken_json

if TYPE_CHECKING:
    from dragoman.core.work import Core
    from dragoman.lanes import Lane

ALIVE, READY = "/healthz", "/readyz"
PATHS = (ALIVE, READY)
# Whoever asks gives up soon; a database that takes longer is not one to send people to.
PATIENCE = timedelta(seconds=2)
ORIGIN = Origin("health")


class Health:
    """Answers requests for `PATHS`."""

    def __init__(self, core: Core, lane: Lane) -> None:
        self._core = core
        self._lane = lane
        self.leaving = False  # once this process was told to stop: nobody should be sent here any more

    async def answer(self, path: str) -> Spoken:
        """200 or 503."""
        if path == ALIVE:
            return spoken_json(200, {"status": "ok"})
        if self.leaving:
            return spoken_json(503, {"status": "stopping"}, ("retry-after", "1"))
        try:
            await asyncio.wait_for(self._lane.run(self._ask_database), PATIENCE.total_seconds())
        except (Unavailable, TimeoutError):
            return spoken_json(503, {"status": "the database does not answer"}, ("retry-after", "1"))
        return spoken_json(200, {"status": "ready"})

    def _ask_database(self) -> None:
        with self._core.begin(ORIGIN, writes=False) as uow:
            setup.is_done(uow)
