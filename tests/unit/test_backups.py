"""Backups: made while somebody writes, believed only whole, and restored wholly or not at all."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.fakes import ORIGIN, START, FakeClock, cheap_hasher, rules
from tests.filled import fill
from tests.people import opened, presenting, somebody
from tests.postgres import fresh_postgres, tools

from dragoman import migrations
from dragoman.backups import encryption
from dragoman.backups.archive import Manifest
from dragoman.backups.encryption import BackupUnfit
from dragoman.backups.making import make
from dragoman.backups.restoring import restore
from dragoman.core import audit
from dragoman.core.contents import Content, contents
from dragoman.core.database import Database
from dragoman.core.errors import CredentialRefused, DatabaseUnfit
from dragoman.core.master_keys import MasterKeys, MasterKeyWrong
from dragoman.core.postgres_tools import ToolFailed
from dragoman.core.refilling import OPEN, HoldsAccounts, InUse
from dragoman.core.sealing import Sealer, ensure_data_key
from dragoman.core.secrets import Secret
from dragoman.core.tables import metadata
from dragoman.core.work import Core, Tools
from dragoman.migrations import SchemaTooNew

KEYS = MasterKeys([bytes(range(32))])
ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@dataclass
class Site:
    """Databases of one engine, and where backups of them go."""

    folder: Path
    engine: str
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    made: int = 0

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[Database]:
        """A new one, with an empty schema or with nothing."""
        self.made += 1
        if self.engine == "postgresql":
            with fresh_postgres(migrated=migrated) as url, disposed(Database(url, connections=4)) as database:
                yield database
            return
        with disposed(Database(f"sqlite:///{self.folder}/{self.made}/d.db", connections=4)) as database:
            if migrated:
                migrations.bring_up(database)
            yield database

    def backup(self, database: Database, name: str = "backup", passphrase: str | None = None) -> Path:
        """A backup of it."""
        file = self.folder / name
        secret = None if passphrase is None else Secret(passphrase)
        make(database, KEYS, file, passphrase=secret, now=START, environ=self.environ)
        return file

    def restore(
        self,
        file: Path,
        database: Database,
        *,
        passphrase: str = "",
        keys: MasterKeys = KEYS,
        replace: bool = False,
        keep_open: bool = True,
    ) -> Manifest:
        """Put one in its place; what serves it lets go of it before."""
        database.dispose()
        return restore(
            file,
            database,
            keys,
            ask=lambda: Secret(passphrase),
            replace=replace,
            keep_open=keep_open,
            environ=self.environ,
        )


@contextmanager
def disposed(database: Database) -> Iterator[Database]:
    """A database that is let go of afterwards."""
    try:
        yield database
    finally:
        database.dispose()


@pytest.fixture(params=ENGINES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Each engine in turn."""
    site = Site(tmp_path, request.param)
    if request.param == "postgresql":
        site.environ["PATH"] = f"{tools()}:{site.environ['PATH']}"
    return site


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Site:
    """SQLite alone, for what no engine can change."""
    return Site(tmp_path, "sqlite")


@pytest.fixture(autouse=True)
def cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys from passphrases at a cost that tests can pay."""
    monkeypatch.setattr(encryption, "MEMORY_KIB", 64)
    monkeypatch.setattr(encryption, "PASSES", 1)


def held(database: Database) -> dict[str, Content]:
    """What each table holds."""
    with database.reading() as db:
        return contents(db, metadata.sorted_tables)


def installed(database: Database) -> Core:
    """An installation whose data key is wrapped under the tests' master key."""
    core = Core(database, Tools(cheap_hasher(), clock=FakeClock(), sealer=Sealer(KEYS)), rules())
    ensure_data_key(core, ORIGIN, Sealer(KEYS))
    return core


def filled(database: Database) -> None:
    """Rows in every table, sealed under the tests' master key as far as one can tell."""
    fill(database)
    with database.writing() as db:
        db.execute(text("UPDATE data_keys SET master_id = :id"), {"id": KEYS.first.id})


def test_everything_comes_back(site: Site) -> None:
    """What is restored is what was there, in every table, to an empty database or over another."""
    # Encryption knows nothing of engines: one of each will do.
    passphrase = "a horse, correct" if site.engine == "sqlite" else None
    with site.database() as source, site.database(migrated=False) as empty, site.database() as full:
        filled(source)
        file = site.backup(source, passphrase=passphrase)
        assert file.stat().st_mode & 0o777 == 0o600
        made = site.restore(file, empty, passphrase=passphrase or "")
        assert held(empty) == held(source)
        assert made.rows == sum(c.rows for c in held(source).values()) + 1  # the revision is a row
        fill(full, rows=9)
        site.restore(file, full, passphrase=passphrase or "", replace=True)
        assert held(full) == held(source)
        assert migrations.revision(full) == migrations.HEAD
    assert [each.name for each in site.folder.iterdir() if each.is_file()] == ["backup"]
    assert not list(site.folder.glob("*/d.db.*/*"))


def test_it_is_made_while_others_write(site: Site) -> None:
    """A backup made during writes is of one state: its manifest is true of it, and nobody had to wait."""
    stop = threading.Event()
    with site.database() as source, site.database() as target, ThreadPoolExecutor(1) as crowd:
        core = installed(source)

        def write() -> None:
            while not stop.is_set():
                with core.begin(ORIGIN, writes=True) as uow:
                    audit.record(uow, "one")
                    audit.record(uow, "and the other")

        writing = crowd.submit(write)
        try:
            file = site.backup(source)
        finally:
            stop.set()
        writing.result(timeout=10)
        site.restore(file, target)
        with target.reading() as db:
            told = [event for (event,) in db.execute(text("SELECT event FROM audit_log"))]
        assert told.count("one") == told.count("and the other")


def test_what_was_open_is_ended(site: Site) -> None:
    """A session of then opens nothing after a restore, unless it is told to keep them; the account is there."""
    with site.database() as source, site.database() as target:
        core = installed(source)
        alice = somebody(core)
        _, secret = opened(core, alice)
        file = site.backup(source)
        there = Core(target, core.tools, core.rules)
        site.restore(file, target, keep_open=True)
        assert presenting(there, secret).account.id == alice.id
        site.restore(file, target, keep_open=False, replace=True)
        with pytest.raises(CredentialRefused):
            presenting(there, secret)
        with there.begin(ORIGIN, writes=False) as uow:
            assert uow.db.scalar(text("SELECT count(*) FROM accounts")) == 1


def test_nothing_is_left_open(on_sqlite: Site) -> None:
    """Of everything that opens something to its holder not a row is left, but for what its owner keeps for good."""
    with on_sqlite.database() as source, on_sqlite.database() as target:
        filled(source)
        on_sqlite.restore(on_sqlite.backup(source), target, keep_open=False)
        left = {name for name, content in held(target).items() if content.rows}
    assert not left & {table.name for table in OPEN}
    assert not left & {"refresh_tokens", "standing_sessions", "impersonations", "session_proofs"}
    # Whoever adds a table of secrets decides: it is in OPEN, or as lasting as an API key and named here.
    secrets = {name for name, table in metadata.tables.items() if "digest" in table.columns}
    assert left & secrets == {"api_keys", "app_passwords", "passkeys", "recovery_codes", "spent_challenges"}
    assert {"accounts", "audit_log", "totp_factors"} <= left


def test_accounts_are_not_replaced_unasked(site: Site) -> None:
    """A database with accounts is left as it is, unless it was said that they may go."""
    with site.database() as source, site.database() as target:
        filled(source)
        file = site.backup(source)
        fill(target, rows=2)
        before = held(target)
        with pytest.raises(HoldsAccounts):
            site.restore(file, target)
        assert held(target) == before


def test_a_database_in_use_is_left_alone(site: Site) -> None:
    """While as much as one connection to it is open, nothing is restored, whatever was said."""
    with site.database() as source, site.database() as target:
        filled(source)
        file = site.backup(source)
        before = held(target)
        with disposed(Database(target.url, connections=1)) as served:
            with served.reading():
                pass
            with pytest.raises(InUse):
                site.restore(file, target, replace=True)
        assert held(target) == before
        site.restore(file, target)


def flip(data: bytes, place: int) -> bytes:
    """Data with one bit turned over."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def places_that_matter(archive: bytes) -> list[int]:
    """Of each member of a tar archive the first byte, one within, and the last: nobody reads padding and dates."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = tar.getmembers()
    return [m.offset_data + int(m.size * part) for m in members for part in (0, 0.3, 0.999)]


@pytest.mark.parametrize("passphrase", [None, "a horse, correct"])
def test_damage_is_found_before_anything_is_touched(on_sqlite: Site, passphrase: str | None) -> None:
    """A backup with one bit turned, or its end cut off, anywhere, is refused, and the database stays as it is."""
    with on_sqlite.database() as source, on_sqlite.database() as target:
        filled(source)
        file = on_sqlite.backup(source, passphrase=passphrase)
        fill(target, rows=2)
        before = held(target)
        whole = file.read_bytes()
        places = (
            places_that_matter(whole) if passphrase is None else [0, 30, 50, len(whole) // 2, len(whole) - 1]
        )
        damaged = [flip(whole, place) for place in places]
        damaged += [whole[:length] for length in (0, 10, 600, len(whole) // 2, len(whole) - 80_000)]
        for broken in damaged:
            file.write_bytes(broken)
            with pytest.raises((BackupUnfit, MasterKeyWrong)):
                on_sqlite.restore(file, target, passphrase=passphrase or "", replace=True)
        assert held(target) == before


def test_a_forged_backup_is_refused(on_sqlite: Site) -> None:
    """Who changes what a backup holds, and its manifest with it, is found out by the master key that they lack."""
    with on_sqlite.database() as source, on_sqlite.database() as target:
        filled(source)
        file = on_sqlite.backup(source)
        with tarfile.open(file) as tar:
            parts = {m.name: opened.read() for m in tar.getmembers() if (opened := tar.extractfile(m))}
        content = parts["dragoman.db"].replace(b"Alice", b"Mallo")
        manifest = json.loads(parts["manifest.json"]) | {
            "sha256": sha256(content).hexdigest(),
            "dragoman": "9.9",
        }
        parts |= {"dragoman.db": content, "manifest.json": json.dumps(manifest).encode()}
        with tarfile.open(file, "w") as tar:
            for name, data in parts.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        with pytest.raises(BackupUnfit, match="master key does not vouch"):
            on_sqlite.restore(file, target)
        with pytest.raises(MasterKeyWrong):
            on_sqlite.restore(on_sqlite.backup(source, "whole"), target, keys=MasterKeys([b"x" * 32]))


def test_pieces_of_an_encrypted_backup_have_their_places(on_sqlite: Site) -> None:
    """Chunks that were exchanged, left out or repeated are refused, and so is another passphrase."""
    with on_sqlite.database() as source, on_sqlite.database() as target:
        filled(source)
        file = on_sqlite.backup(source, passphrase="right")
        whole = file.read_bytes()
        size = encryption.CHUNK + encryption.TAG
        head, body = whole[: encryption.HEAD], whole[encryption.HEAD :]
        chunks = [body[n : n + size] for n in range(0, len(body), size)]
        assert len(chunks) > 3
        for order in ([1, 0, 2], [0, 2], [0, 1, 1, 2], [0]):
            rest = chunks[3:] if order != [0] else []
            file.write_bytes(head + b"".join([chunks[n] for n in order] + rest))
            with pytest.raises(BackupUnfit):
                on_sqlite.restore(file, target, passphrase="right")
        file.write_bytes(whole)
        with pytest.raises(BackupUnfit, match="passphrase"):
            on_sqlite.restore(file, target, passphrase="wrong")
        on_sqlite.restore(file, target, passphrase="right")
        assert b"argon2id" not in whole


def test_a_newer_schema_is_refused(site: Site) -> None:
    """A backup of a schema that this version does not know is left to the version that does."""
    with site.database() as source, site.database() as target:
        filled(source)
        before = held(target)
        with source.writing() as db:
            db.execute(text("UPDATE alembic_version SET version_num = '9999', oldest_program = '9999'"))
        with pytest.raises(SchemaTooNew):
            site.restore(site.backup(source), target)
        assert held(target) == before


def test_an_older_schema_is_brought_up(site: Site, tmp_path: Path) -> None:
    """A backup made at the first revision is restored at the newest, with what it held."""
    first = tmp_path / "versions"
    first.mkdir()
    shutil.copy(migrations.FOLDER / "versions" / "0001_the_core.py", first)
    with site.database(migrated=False) as source, site.database() as target:
        migrations.bring_up(source, head="0001", versions=first)
        installed(source)
        with source.writing() as db:
            db.execute(
                text("INSERT INTO product_facts (dialect, name, value) VALUES ('immich', 'of then', '7')")
            )
        manifest = site.restore(site.backup(source), target, keep_open=False)
        assert manifest.revision == "0001"
        assert migrations.revision(target) == migrations.HEAD
        with target.reading() as db:
            assert db.scalar(text("SELECT name FROM product_facts")) == "of then"


@pytest.mark.postgres
def test_a_backup_of_sqlite_is_restored_to_postgresql(tmp_path: Path) -> None:
    """Every row of it, and over what was there; the other way leads over `dragoman db copy`, and says so."""
    sqlite, postgres = Site(tmp_path, "sqlite"), Site(tmp_path, "postgresql")
    postgres.environ["PATH"] = f"{tools()}:{postgres.environ['PATH']}"
    with sqlite.database() as source, postgres.database() as target, sqlite.database() as back:
        filled(source)
        fill(target, rows=3)
        file = sqlite.backup(source)
        with pytest.raises(HoldsAccounts):
            postgres.restore(file, target)
        postgres.restore(file, target, replace=True)
        assert held(target) == held(source)
        with pytest.raises(BackupUnfit, match="dragoman db copy"):
            sqlite.restore(postgres.backup(target, "other"), back)


@pytest.mark.postgres
def test_missing_tools_are_named(tmp_path: Path) -> None:
    """Without `pg_dump` there is no backup of PostgreSQL, and what to install is said; what it says is passed on."""
    site = Site(tmp_path, "postgresql", {"PATH": str(tmp_path)})
    with site.database() as source:
        installed(source)
        with pytest.raises(ToolFailed, match="install PostgreSQL's client tools"):
            site.backup(source)
        broken = tmp_path / "pg_dump"
        broken.write_text("#!/bin/sh\necho 'pg_dump: error: the disk is full' >&2\nexit 1\n")
        broken.chmod(0o755)
        with pytest.raises(ToolFailed, match="the disk is full"):
            site.backup(source)
        assert not (tmp_path / "backup").exists()


def test_a_backup_is_never_written_over(on_sqlite: Site) -> None:
    """A file that is there stays, and one that cannot be written leaves nothing behind."""
    with on_sqlite.database() as source:
        installed(source)
        file = on_sqlite.backup(source)
        before = file.read_bytes()
        with pytest.raises(DatabaseUnfit, match="is there already"):
            on_sqlite.backup(source)
        assert file.read_bytes() == before
        with pytest.raises(FileNotFoundError):
            on_sqlite.backup(source, "nowhere/backup")
        with pytest.raises(MasterKeyWrong):
            make(
                source,
                MasterKeys([b"x" * 32]),
                on_sqlite.folder / "other",
                passphrase=None,
                now=START,
                environ=on_sqlite.environ,
            )
        assert not list(on_sqlite.folder.glob("other*"))
