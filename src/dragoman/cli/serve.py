"""`dragoman serve`: take the port, open the database, say where everything is, and serve until told to stop.

In that order: a second server on the same port must not migrate the schema under the first.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dragoman.cli.failures import Code
from dragoman.cli.installation import (
    Config,
    Database,
    Overrides,
    environment,
    opening,
    overrides,
    read_settings,
)
from dragoman.cli.invocation import Invocation, repeated

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn

    from dragoman.core.work import Core
    from dragoman.settings import Settings

# The variables by which workers learn when the server was started, and where they tell each other what they count.
STARTED = "DRAGOMAN_STARTED"
TALLIES = "DRAGOMAN_TALLIES"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    *,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that serve.")] = None,
    config: Config = None,
    database: Database = None,
) -> None:
    """Run the server here, until SIGINT or SIGTERM."""
    # What is made while starting stays for good: to look for garbage in it would cost every start 50 ms.
    gc.disable()
    said = overrides(database, host=host, port=port, workers=workers)
    with stoppable():
        settings = read_settings(config, said)
        invocation = repeated(sys.argv[0], environment(), config=config, database=database)
        if settings.server.workers == 1:
            _serve_alone(settings, invocation)
        else:
            _pass_on(config, said)
            _serve_by_workers(settings, invocation)
    for number in SIGNALS:  # what was asked for has been done
        signal.signal(number, signal.SIG_IGN)


class Stopped(BaseException):
    """A signal asked for the end. Not an `Exception`: nothing that mends failures may catch it."""


@contextmanager
def stoppable() -> Iterator[None]:
    """End the body at SIGINT or SIGTERM, and go on after it as if it had come to its end.

    uvicorn takes these signals while it serves, and raises them again when it has shut down in good order:
    then too they mean that all is well.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for number in SIGNALS:  # one is enough: another would interrupt the end
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    except Stopped:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve_alone(settings: Settings, invocation: Invocation) -> None:
    from dragoman.app import build
    from dragoman.cli.listening import listening
    from dragoman.cli.server import Server
    from dragoman.cli.systemd import Systemd

    systemd = Systemd(environment())
    with listening(settings.server.host, settings.server.port, systemd.sockets()) as (sockets, port):
        with opening():
            app = build(settings, patience=settings.database.patience)
        _announce(settings, app.core, port, invocation)
        gc.freeze()
        gc.enable()
        server = Server(_uvicorn(settings, app), systemd, settings.server.notice_seconds, app.leave)
        server.run(sockets)
    if not server.started:
        raise typer.Exit(Code.CANNOT_START)


def _serve_by_workers(settings: Settings, invocation: Invocation) -> None:
    from tempfile import TemporaryDirectory

    from dragoman import log
    from dragoman.building import make_core
    from dragoman.cli.listening import listening
    from dragoman.cli.server import Supervisor
    from dragoman.cli.systemd import Systemd

    log.configure(settings.log.level, settings.log.format)
    systemd = Systemd(environment())
    with (
        listening(settings.server.host, settings.server.port, systemd.sockets()) as (sockets, port),
        TemporaryDirectory(prefix="dragoman-") as tallies,
    ):
        # Here, before there are workers: one migration, one first administrator.
        with opening():
            core = make_core(settings, patience=settings.database.patience)
        _announce(settings, core, port, invocation)
        # A worker that is replaced must not open anew what is open for some minutes after a start.
        os.environ[STARTED] = core.tools.clock().isoformat()  # noqa: TID251 - what the children inherit
        os.environ[TALLIES] = tallies  # noqa: TID251 - likewise
        core.database.dispose()
        config = _uvicorn(settings, "dragoman.cli.worker:app", factory=True)
        supervisor = Supervisor(config, sockets, systemd)
        supervisor.run()
    if any(process.exitcode == Code.CANNOT_START for process in supervisor.processes):
        raise typer.Exit(Code.CANNOT_START)


def _uvicorn(settings: Settings, app: Any, *, factory: bool = False) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        app,
        factory=factory,
        workers=settings.server.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        interface="asgi3",
        lifespan="on",
        # network.py decides whom to believe, log.py what is logged.
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.server.shutdown_seconds,
        # A worker that says nothing for so long hangs; one that starts on a busy machine takes its time.
        timeout_worker_healthcheck=15,
    )


def _pass_on(config: Config, said: Overrides) -> None:
    """Tell the workers what the command line said, in the words of the environment."""
    variables = os.environ  # noqa: TID251 - what the children inherit
    if config is not None:
        variables["DRAGOMAN_CONFIG"] = str(config)
    for table, settings in said.items():
        for name, value in settings.items():
            if value is not None:
                variable = f"DRAGOMAN_{table}__{name}".upper()
                variables[variable] = str(value)
                variables.pop(f"{variable}_FILE", None)


def _announce(settings: Settings, core: Core, port: int, invocation: Invocation) -> None:
    """Print where everything is, and how to make the first administrator if nobody is one."""
    from dragoman.chosen import in_force
    from dragoman.cli.announcement import Announcement
    from dragoman.core import argon2_build, dialect_choices, setup, setup_links
    from dragoman.core.secrets import Secret
    from dragoman.core.work import Origin
    from dragoman.dialects import discover
    from dragoman.setup_window import SetupWindow

    with core.begin(Origin("start"), writes=False) as uow:
        has_accounts, window = setup.is_done(uow), SetupWindow.of(settings, uow.now)
        dialects = in_force(settings.dialects, dialect_choices.chosen(uow), settings.root_at(port))
    link = Secret("")
    if not has_accounts:
        with core.begin(Origin("start"), writes=True) as uow:
            link = setup_links.make(uow)
    argon2 = argon2_build.choose()
    settings = settings.model_copy(update={"dialects": dialects})
    announced = Announcement(settings, discover(), port, has_accounts, link, window, invocation, argon2)
    typer.echo(f"{announced}\n")
