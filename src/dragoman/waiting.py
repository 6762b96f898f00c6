"""A start waits a while for its database, and says so: after a power cut a server may be up before its database is."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from dragoman.core.errors import Unavailable
from dragoman.core.work import answering
from dragoman.log import get_logger

if TYPE_CHECKING:
    from dragoman.core.database import Database

log = get_logger("dragoman.start")
PAUSE = timedelta(seconds=1)


def await_database(database: Database, patience: timedelta) -> None:
    """Return as soon as the database answers. Refuses `Unavailable` when it has not within the patience."""
    deadline = time.monotonic() + patience.total_seconds()
    said = None
    while True:
        try:
            with answering(), database.reading():
                return
        except Unavailable as away:
            if time.monotonic() >= deadline:
                raise
            if away.why != said:
                said = away.why
                log.warning("waiting for the database", why=said, seconds=patience.total_seconds())
        time.sleep(PAUSE.total_seconds())
