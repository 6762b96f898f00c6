"""The keys above all others: never in the database, so that a copy of it alone opens nothing.

They are configured, or, for SQLite only, in the file `master.key` beside the database, which is made once.
A master key that is missing or wrong stops the start; making another would only hide the loss.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

SIZE = 32
LONGEST_FILE = 65_536
HOW_TO_CONFIGURE = (
    "make one with `openssl rand -base64 32`, keep it apart from the backups of the database, and set it as "
    "DRAGOMAN_MASTER_KEY, or put it into a file and name that in DRAGOMAN_MASTER_KEY_FILE"
)
URL_SAFE = str.maketrans("-_", "+/")


class MasterKeyUnfit(Exception):
    """Sealed values cannot be opened as configured; the text says why and what would do, and shows no key."""


class MasterKeyMissing(MasterKeyUnfit):
    """There is no master key, or it cannot be read."""


class MasterKeyWrong(MasterKeyUnfit):
    """What is there is not a master key, or not the one that this database was sealed under."""


@final
@dataclass(frozen=True, eq=False)
class MasterKey:
    """32 bytes, and an `id` to tell them by: a digest, so that a database can name the key it needs."""

    material: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """32 hexadecimal digits. The key has 256 random bits, so its digest says nothing about it."""
        return hashlib.sha256(b"dragoman master key id, version 1\0" + self.material).hexdigest()[:32]

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose, which say nothing about the key or those for others."""
        return hmac.digest(self.material, f"dragoman derived key\0{purpose}".encode(), "sha256")


@final
class MasterKeys:
    """A list of master keys: the first seals, all open. `MasterKeyWrong` when it is not one."""

    def __init__(self, materials: Sequence[bytes], *, source: str = "the master key") -> None:
        if not materials:
            raise MasterKeyWrong(f"{source} is empty: {HOW_TO_CONFIGURE}")
        for place, material in enumerate(materials, start=1):
            if len(material) != SIZE:
                raise MasterKeyWrong(f"{source}: key {place} has {len(material)} bytes, not {SIZE}")
        keys = [MasterKey(bytes(material)) for material in materials]
        self.first = keys[0]
        self._by_id = {key.id: key for key in keys}

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self._by_id)})"

    def get(self, master_id: str) -> MasterKey:
        """The key with this id. `MasterKeyWrong` when it is not in the list."""
        try:
            return self._by_id[master_id]
        except KeyError:
            raise MasterKeyWrong(
                f"the database is sealed under the master key {master_id}, which is not among those given "
                f"({', '.join(self._by_id)}): give that one as well, after the one that is to seal from now on"
            ) from None


def parse(text: str, *, source: str) -> MasterKeys:
    """Keys in base64, separated by commas or blanks. `MasterKeyWrong` names the `source` and the place."""
    materials = []
    for place, word in enumerate(text.replace(",", " ").split(), start=1):
        try:
            padded = word.translate(URL_SAFE).rstrip("=") + "=" * (-len(word.rstrip("=")) % 4)
            materials.append(base64.b64decode(padded, validate=True))
        except (ValueError, binascii.Error):
            raise MasterKeyWrong(f"{source}: key {place} is not base64") from None
    return MasterKeys(materials, source=source)


def read_or_make(file: Path, *, may_make: Callable[[], bool], dice: Callable[[int], bytes]) -> MasterKeys:
    """The keys in `file`. If there is no such file and `may_make()`, a new one, for its owner alone.

    Of processes that start at once one makes it, and the others read it. Raises `MasterKeyMissing` and
    `MasterKeyWrong`.
    """
    try:
        with _folder_locked(file.parent) as folder:
            if os.path.lexists(file):
                return _read(file)
            if not may_make():
                raise MasterKeyMissing(
                    f"{file} is missing, and without it nothing that is sealed in the database can be opened: "
                    "bring the file back from where it was kept, or configure the key it held"
                )
            _write(file, base64.b64encode(dice(SIZE)) + b"\n")
            os.fsync(folder)
            return _read(file)
    except OSError as error:
        raise MasterKeyMissing(f"{file} cannot be used: {error.strerror}") from error


def _read(file: Path) -> MasterKeys:
    with file.open("rb") as opened:
        content = opened.read(LONGEST_FILE)
    return parse(content.decode("ascii", "replace"), source=str(file))


def _write(file: Path, content: bytes) -> None:
    # Under another name first: a process killed between creating and writing must not leave an empty key,
    # which nobody could tell from a damaged one.
    draft = file.with_name(file.name + ".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor, not a path
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)
    draft.rename(file)


@contextmanager
def _folder_locked(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
