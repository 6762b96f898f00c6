"""A thread beside those that answer, which runs until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Background:
    """Runs a function that watches the event it is given, and ends soon after that is set."""

    def __init__(self, name: str, run: Callable[[threading.Event], None]) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=run, args=(self._stopping,), name=f"dragoman-{name}", daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End it, if it was begun."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
