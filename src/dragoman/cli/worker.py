"""One of several processes that serve: built from settings anew, as its parent passed them on.

The parent has opened the database before, so what fails here has changed since.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from dragoman.app import build
from dragoman.building import dialect_models
from dragoman.cli.leaving import Leaving
from dragoman.cli.serve import STARTED, TALLIES
from dragoman.core.errors import DatabaseUnfit, Unavailable
from dragoman.core.master_keys import MasterKeyUnfit
from dragoman.core.work import answering
from dragoman.log import configure, get_logger
from dragoman.settings import SettingsError, load

if TYPE_CHECKING:
    from dragoman.app import App

log = get_logger("dragoman.worker")

# uvicorn's: the parent ends, with its other workers, on this one, and replaces a worker that ends with another.
HOPELESS = 3
AGAIN = 1


def app() -> App:
    """This worker's application. Ends the process when there can be none."""
    _follow_parent()
    configure()  # for what is said before the settings are read; `build` does it again
    environ = dict(os.environ)  # noqa: TID251 - a process of its own reads its configuration once
    started, tallies = environ.pop(STARTED, None), environ.pop(TALLIES, None)
    try:
        with answering():
            settings = load(None, environ, dialect_models=dialect_models())
            built = build(
                settings,
                started=None if started is None else datetime.fromisoformat(started),
                tallies=None if tallies is None else Path(tallies),
            )
    except (SettingsError, DatabaseUnfit, MasterKeyUnfit) as error:
        _end(HOPELESS, str(error))
    except Unavailable as error:
        _end(AGAIN, error.why)
    _give_notice(settings.server.notice_seconds, built)
    return built


def _follow_parent() -> None:
    """Stop in good order when the parent is gone, however it went: nobody else would stop or replace us."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, name="dragoman-parent", daemon=True).start()


def _give_notice(seconds: int, built: App) -> None:
    """Put a notice before what uvicorn does when the parent, or a supervisor of all processes, says to stop."""
    stop = signal.getsignal(signal.SIGTERM)
    if callable(stop):
        signal.signal(signal.SIGTERM, Leaving(seconds, built.leave, stop))


def _end(code: int, why: str) -> NoReturn:
    log.error("cannot serve", why=why)
    sys.exit(code)
