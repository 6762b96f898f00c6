"""Which accounts this process has changed within the last second: what it had read of them is not believed.

Whoever keeps what was read, to answer from memory, notes the epoch in which the reading began and asks here
whether it still holds. So a revocation takes effect at once in the process that made it; all others learn of it
when they read again, which is within `BELIEVED`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

BELIEVED = 1.0  # seconds for which what was read may be believed, at most
EVERYBODY = 0  # stands for all accounts; none has this number


class Changes:
    """An epoch ends with every unit that changed an account. `monotonic` is a clock in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.epoch = 0
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._changed: dict[int, tuple[int, float]] = {}  # the epoch that began then, and when that was

    def note(self, accounts: Collection[int]) -> None:
        """These were changed, and the change is committed."""
        if not accounts:
            return
        now = self._monotonic()
        with self._guard:
            self.epoch += 1
            # Whatever was read before these is no longer believed by anybody.
            changed = {a: (epoch, at) for a, (epoch, at) in self._changed.items() if at >= now - BELIEVED}
            self._changed = changed | dict.fromkeys(accounts, (self.epoch, now))

    def since(self, epoch: int, *accounts: int) -> bool:
        """Whether one of these may be otherwise than it was read by somebody who began in that epoch."""
        changed = self._changed
        return bool(changed) and any(
            each in changed and changed[each][0] > epoch for each in (EVERYBODY, *accounts)
        )
