"""Making a backup, also while the database is served."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dragoman import __version__, migrations
from dragoman.backups import archive
from dragoman.backups.archive import CONTENT, Engine, Manifest, TableContent
from dragoman.backups.encryption import Encrypting
from dragoman.backups.workspace import workspace
from dragoman.core import sealing, snapshots
from dragoman.core.contents import contents_there
from dragoman.core.errors import DatabaseUnfit

if TYPE_CHECKING:
    from dragoman.core.database import Database
    from dragoman.core.master_keys import MasterKeys
    from dragoman.core.secrets import Secret


def make(
    database: Database,
    keys: MasterKeys,
    file: Path,
    *,
    passphrase: Secret | None,
    now: datetime,
    environ: Mapping[str, str],
) -> Manifest:
    """Write a backup to `file`, which must not be there yet: encrypted if there is a `passphrase`; what it holds.

    The schema may be an older one, and stays so. Raises `DatabaseUnfit`, `MasterKeyWrong`, and OSError.
    """
    if file.exists():
        raise DatabaseUnfit(f"{file} is there already, and a backup is never written over another")
    engine: Engine = "sqlite" if database.is_sqlite else "postgresql"
    with workspace(database, "backup") as folder:
        content = folder / CONTENT[engine]
        with snapshots.taken(database, content, environ) as db:
            revision = migrations.revision_of(db)
            if revision is None or revision.startswith(migrations.UNFINISHED):
                raise DatabaseUnfit("there is no installation in this database that could be kept")
            sealing.has_data_key(db, keys)
            found = contents_there(db)
        size, sha256 = archive.digest_of(content)
        manifest = Manifest(
            engine=engine,
            revision=revision,
            dragoman=__version__,
            made_at=now,
            tables={name: TableContent(rows=c.rows, sha256=c.sha256) for name, c in found.items()},
            size=size,
            sha256=sha256,
        )
        with _appearing(file) as out:
            if passphrase is None:
                archive.write(out, manifest, content, keys.first)
            else:
                encrypting = Encrypting(out, passphrase)
                archive.write(encrypting, manifest, content, keys.first)
                encrypting.finish()
    return manifest


@contextmanager
def _appearing(file: Path) -> Iterator[BinaryIO]:
    """A file for its owner alone that is there, and on the disk, when all of it is written, and not before."""
    draft = file.with_name(f".{file.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as out:  # noqa: PTH123 - a descriptor, not a path
            yield out
            out.flush()
            os.fsync(descriptor)
        draft.rename(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
