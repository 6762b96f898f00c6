"""`dragoman secrets …`: the keys that seal what must be read again."""

from __future__ import annotations

from typing import Annotated

import typer

from dragoman.cli import printing
from dragoman.cli.installation import Config, Database, opened, origin

app = typer.Typer(name="secrets", help="Replace the keys that seal.", no_args_is_help=True)


@app.command()
def rewrap(*, config: Config = None, database: Database = None) -> None:
    """Wrap the data keys under the first master key of the list: then the others can be withdrawn."""
    from dragoman.core import sealing

    with opened(config, database) as core:
        with core.begin(origin(), writes=False) as uow:
            sealer = uow.sealer
        done = sealing.rewrap(core, origin(), sealer)
    first = sealer.master_keys.first.id
    printing.say(
        f"Wrapped {done} data key{'' if done == 1 else 's'} under the master key {first}."
        if done
        else f"All data keys are wrapped under the master key {first} already."
    )
    printing.note("No other master key is needed. Restart what serves before you withdraw one.")


@app.command()
def rotate(
    *,
    resume: Annotated[
        bool, typer.Option("--resume", help="Make no new key: go on where a run before was interrupted.")
    ] = False,
    config: Config = None,
    database: Database = None,
) -> None:
    """Make a new data key, and seal anew by it what older ones have sealed; also while the server runs."""
    from dragoman.core import resealing, sealing

    with opened(config, database) as core:
        with core.begin(origin(), writes=not resume) as uow:
            sealer = uow.sealer
            key = None if resume else sealing.rotate_data_key(uow, sealer)
        if key is not None:
            printing.say(f"The data key {key} seals from now on.")
        done = resealing.reseal_all(core, origin(), sealer)
    printing.say(f"Sealed {done} value{'' if done == 1 else 's'} anew.")
    printing.note(
        "Older keys stay, for backups and for what was being written. Interrupted, go on by --resume."
    )
