"""Restoring a backup: everything is verified, brought up to date and ended before anything is touched.

Then it takes the place of what was there, in one transaction, on either engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dragoman import migrations
from dragoman.backups import archive
from dragoman.backups.archive import Manifest, Readable
from dragoman.backups.encryption import MAGIC, BackupUnfit, Decrypting
from dragoman.backups.workspace import workspace
from dragoman.core import copying, postgres_tools, refilling, snapshots
from dragoman.core.contents import Content, contents_there
from dragoman.core.database import Database

if TYPE_CHECKING:
    from dragoman.core.master_keys import MasterKeys
    from dragoman.core.secrets import Secret

Ask: TypeAlias = Callable[[], "Secret"]


def restore(
    file: Path,
    database: Database,
    keys: MasterKeys,
    *,
    ask: Ask,
    replace: bool,
    keep_open: bool,
    environ: Mapping[str, str],
) -> Manifest:
    """Put what a backup holds into the place of all that `database` does; what that is.

    `ask` is called for a passphrase if the file is encrypted. Sessions, tickets and links end and waiting mail is
    dropped, unless `keep_open`. Raises `BackupUnfit`, `MasterKeyWrong`, `SchemaTooNew`, `InUse`, `HoldsAccounts`
    (unless it may `replace` them) and OSError, and then nothing was touched.
    """
    with workspace(database, "restore") as folder:
        content = folder / "content"
        with _plain(file, ask) as source:
            manifest = archive.unpack(source, content, keys)
        if manifest.engine == "sqlite":
            _prepare(content, manifest, keep_open=keep_open)
            if database.is_sqlite:
                refilling.replace_sqlite(database.file, content, replace=replace)
            else:
                _copy(content, database, replace=replace)
        elif database.is_sqlite:
            raise BackupUnfit(
                "this is a backup of PostgreSQL: restore it to a PostgreSQL database, and from there "
                "`dragoman db copy` leads to SQLite"
            )
        else:
            _load(content, manifest, database, replace=replace, keep_open=keep_open, environ=environ)
    return manifest


@contextmanager
def _plain(file: Path, ask: Ask) -> Iterator[Readable]:
    with file.open("rb") as opened:
        encrypted = opened.read(len(MAGIC)) == MAGIC
        opened.seek(0)
        yield Decrypting(opened, ask()) if encrypted else opened


def _prepare(content: Path, manifest: Manifest, *, keep_open: bool) -> None:
    """Verify an SQLite file against the manifest, and bring it to where it may be served."""
    with snapshots.opened(content) as db:
        _verify(contents_there(db), manifest)
    prepared = Database(f"sqlite:///{content}", connections=1)
    try:
        migrations.bring_up(prepared)
        if not keep_open:
            with prepared.writing() as db:
                refilling.end_what_is_open(db)
    finally:
        prepared.dispose()


def _copy(content: Path, database: Database, *, replace: bool) -> None:
    """What an SQLite file holds, to PostgreSQL, compared row by row."""
    source = Database(f"sqlite:///{content}", connections=1)
    try:
        with source.reading() as left, refilling.emptied_postgresql(database, replace=replace) as db:
            migrations.bring_up_within(db)
            copying.copy_all(left, lambda: nullcontext(db))
    finally:
        source.dispose()


def _load(
    content: Path,
    manifest: Manifest,
    database: Database,
    *,
    replace: bool,
    keep_open: bool,
    environ: Mapping[str, str],
) -> None:
    """What a dump of PostgreSQL holds, to PostgreSQL."""
    with refilling.emptied_postgresql(database, replace=replace) as db:
        postgres_tools.load(db, content, environ)
        _verify(contents_there(db), manifest)
        migrations.bring_up_within(db)
        if not keep_open:
            refilling.end_what_is_open(db)


def _verify(found: Mapping[str, Content], manifest: Manifest) -> None:
    expected = {name: (table.rows, table.sha256) for name, table in manifest.tables.items()}
    if {name: (content.rows, content.sha256) for name, content in found.items()} != expected:
        raise BackupUnfit("the tables do not hold what the backup's manifest says")
