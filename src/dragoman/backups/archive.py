"""The file that a backup is: a tar archive (POSIX pax) of three members, in this order.

    manifest.json   what it is: engine, revision of the schema, version, number and SHA-256 of each table's rows,
                    size and SHA-256 of the content
    manifest.mac    the id of a master key, a blank, and HMAC-SHA256 of the manifest under a key derived from it
    dragoman.db     the content: an SQLite database; or dragoman.pgdump, a dump of PostgreSQL in its custom format

Without the master key nobody can make a backup that is believed, or change one. The key itself is never in it: what is
sealed in the content stays sealed for who has the file alone.
"""

from __future__ import annotations

import hashlib
import hmac
import tarfile
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from dragoman.backups.encryption import BackupUnfit

if TYPE_CHECKING:
    from typing import IO

    from dragoman.core.master_keys import MasterKey, MasterKeys

Engine = Literal["sqlite", "postgresql"]
CONTENT: Mapping[Engine, str] = {"sqlite": "dragoman.db", "postgresql": "dragoman.pgdump"}
PURPOSE = "the manifest of a backup, version 1"
MOST_MANIFEST = 1_048_576  # bytes
PIECE = 1_048_576


class Readable(Protocol):
    """What a backup is read from."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """What a backup is written to."""

    def write(self, data: bytes, /) -> int: ...


class TableContent(BaseModel):
    """What a table holds (core/contents.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    sha256: str


class Manifest(BaseModel):
    """What a backup is, by its own word, which the master key vouches for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    engine: Engine
    revision: str
    dragoman: str
    made_at: datetime
    tables: dict[str, TableContent]
    size: int
    sha256: str

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(table.rows for table in self.tables.values())


def write(out: Writable, manifest: Manifest, content: Path, key: MasterKey) -> None:
    """Write an archive of this content."""
    described = manifest.model_dump_json(indent=2).encode()
    vouched = _vouched(key, described)
    with tarfile.open(fileobj=cast("IO[bytes]", out), mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (("manifest.json", described), ("manifest.mac", vouched)):
            tar.addfile(_member(name, len(data), manifest), BytesIO(data))
        with content.open("rb") as opened:
            tar.addfile(_member(CONTENT[manifest.engine], manifest.size, manifest), opened)


def unpack(source: Readable, content: Path, keys: MasterKeys) -> Manifest:
    """Verify an archive, and put what it holds into the new file `content`. Raises `BackupUnfit`, `MasterKeyWrong`."""
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r|") as tar:
            described, vouched = _small(tar, "manifest.json"), _small(tar, "manifest.mac")
            manifest = _believed(described, vouched, keys)
            size, sha256 = _extract(tar, CONTENT[manifest.engine], content)
            if (size, sha256) != (manifest.size, manifest.sha256):
                raise BackupUnfit("what the backup holds is not what its manifest says")
            if tar.next() is not None:
                raise BackupUnfit("the backup holds more than it should")
        while source.read(PIECE):  # to the end, which may be missing
            pass
    except (tarfile.TarError, EOFError, ValidationError) as error:
        raise BackupUnfit("the file is not a backup, or it was damaged") from error
    return manifest


def digest_of(file: Path) -> tuple[int, str]:
    """The size and the SHA-256 of a file."""
    with file.open("rb") as opened:
        return file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest()


def _believed(described: bytes, vouched: bytes, keys: MasterKeys) -> Manifest:
    master_id = vouched.decode("ascii", "replace").partition(" ")[0]
    if not hmac.compare_digest(vouched, _vouched(keys.get(master_id), described)):
        raise BackupUnfit(
            "the manifest of the backup was tampered with: the master key does not vouch for it"
        )
    return Manifest.model_validate_json(described)


def _vouched(key: MasterKey, described: bytes) -> bytes:
    return f"{key.id} {hmac.new(key.derived(PURPOSE), described, hashlib.sha256).hexdigest()}\n".encode()


def _member(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(manifest.made_at.timestamp())
    return member


def _small(tar: tarfile.TarFile, name: str) -> bytes:
    opened = _opened(tar, name)
    data = opened.read(MOST_MANIFEST + 1)
    if len(data) > MOST_MANIFEST:
        raise BackupUnfit(f"{name} in the backup is too large")
    return data


def _extract(tar: tarfile.TarFile, name: str, content: Path) -> tuple[int, str]:
    opened, digest, size = _opened(tar, name), hashlib.sha256(), 0
    with content.open("xb") as out:
        while piece := opened.read(PIECE):
            digest.update(piece)
            size += out.write(piece)
    return size, digest.hexdigest()


def _opened(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    member = tar.next()
    opened = (
        tar.extractfile(member) if member is not None and member.name == name and member.isreg() else None
    )
    if opened is None:
        raise BackupUnfit(f"the file is not a backup, or it was damaged: {name} is not where it should be")
    return opened
