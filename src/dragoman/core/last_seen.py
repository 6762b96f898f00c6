"""When credentials were last used: noted in memory, written in batches.

A crash loses at most one batch of "last seen", which is why nothing but idle limits, measured in days,
hangs on it.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["session", "api_key"]
MOST = 100_000


@dataclass(frozen=True)
class Sighting:
    """A credential seen at `at`; a session then stays until `idle_until`."""

    at: datetime
    idle_until: datetime | None = None


class LastSeen:
    """What has been seen and is not written yet. At most 100 000 credentials; more are not noted."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._pending: dict[tuple[Kind, uuid.UUID], Sighting] = {}

    def note(self, kind: Kind, credential: uuid.UUID, sighting: Sighting) -> None:
        """Remember a sighting, in place of an earlier one of the same credential."""
        with self._guard:
            if len(self._pending) < MOST or (kind, credential) in self._pending:
                self._pending[kind, credential] = sighting

    def noted(self, kind: Kind, credential: uuid.UUID) -> Sighting | None:
        """The sighting of it that waits to be written, if there is one."""
        return self._pending.get((kind, credential))

    def take(self) -> Mapping[tuple[Kind, uuid.UUID], Sighting]:
        """Everything pending, which is then no longer pending."""
        with self._guard:
            taken, self._pending = self._pending, {}
        return taken

    def put_back(self, sightings: Mapping[tuple[Kind, uuid.UUID], Sighting]) -> None:
        """What could not be written, under anything noted since, as far as there is room."""
        with self._guard:
            unseen_since = [item for item in sightings.items() if item[0] not in self._pending]
            self._pending.update(unseen_since[: MOST - len(self._pending)])
