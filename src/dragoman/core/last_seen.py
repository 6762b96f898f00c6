"""When credentials were last used: noted in memory, written in batches.

A crash loses at most one batch of "last seen", which is why nothing but idle limits, measured in days,
hangs on it.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dragoman.core.sessions import Device

Kind = Literal["session", "api_key"]
MOST = 100_000


@dataclass(frozen=True)
class Sighting:
    """A credential seen at `at`; a session then stays until `idle_until`, and runs on `device` if it says so."""

    at: datetime
    idle_until: datetime | None = None
    device: Device | None = None

    def after(self, earlier: Sighting | None) -> Sighting:
        """This sighting, with what only an earlier one knew of the device."""
        if earlier is None or self.device is not None:
            return self
        return replace(self, device=earlier.device)


class LastSeen:
    """What has been seen and is not written yet. At most 100 000 credentials; more are not noted."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._pending: dict[tuple[Kind, uuid.UUID], Sighting] = {}

    def note(self, kind: Kind, credential: uuid.UUID, sighting: Sighting) -> None:
        """Remember a sighting, in place of an earlier one of the same credential."""
        with self._guard:
            earlier = self._pending.get((kind, credential))
            if len(self._pending) < MOST or earlier is not None:
                self._pending[kind, credential] = sighting.after(earlier)

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
            for credential in sightings.keys() & self._pending.keys():
                self._pending[credential] = self._pending[credential].after(sightings[credential])
            unseen_since = [item for item in sightings.items() if item[0] not in self._pending]
            self._pending.update(unseen_since[: MOST - len(self._pending)])
