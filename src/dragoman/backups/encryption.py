"""A stream that only a passphrase opens, written and read in pieces, so that its size does not matter.

    file  = "DRAGOMAN ENCRYPTED BACKUP 1\\n" | salt (16) | KiB of memory (4) | passes (4) | lanes (4) | chunk …
    chunk = AES-256-GCM of up to 65 536 bytes | tag (16)

The key is Argon2id of the passphrase (RFC 9106, the second recommended choice), so it is this file's alone. The nonce
of a chunk is its number (11 bytes) and whether it is the last (1): chunks that were changed, left out, put elsewhere
or cut off at the end do not open (STREAM, Hoang and others, 2015). The head goes with each as additional data.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, BinaryIO, final

from dragoman.core.errors import DatabaseUnfit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from dragoman.core.secrets import Secret

MAGIC = b"DRAGOMAN ENCRYPTED BACKUP 1\n"
SALT = 16
COST = struct.Struct(">III")
HEAD = len(MAGIC) + SALT + COST.size
MEMORY_KIB, PASSES, LANES = 65_536, 3, 4
# A head is read before anything vouches for it: what it asks for must be something that a machine has.
MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES = 1_048_576, 16, 16
CHUNK = 65_536
TAG = 16


class BackupUnfit(DatabaseUnfit):
    """The file is not a backup that can be restored here; the text says why."""


def derived_key(passphrase: Secret, head: bytes) -> AESGCM:
    """The key that a passphrase makes with the salt and the cost in a head. Raises `BackupUnfit`."""
    from argon2.low_level import Type, hash_secret_raw  # noqa: PLC0415 - only for who encrypts
    from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415

    salt = head[len(MAGIC) : len(MAGIC) + SALT]
    memory, passes, lanes = COST.unpack(head[len(MAGIC) + SALT :])
    if not (
        8 * lanes <= memory <= MOST_MEMORY_KIB and 1 <= passes <= MOST_PASSES and 1 <= lanes <= MOST_LANES
    ):
        raise BackupUnfit("the head of the encrypted backup is damaged")
    key = hash_secret_raw(
        passphrase.reveal().encode(),
        salt,
        time_cost=passes,
        memory_cost=memory,
        parallelism=lanes,
        hash_len=32,
        type=Type.ID,
    )
    return aead.AESGCM(key)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


@final
class Encrypting:
    """What is written here goes on encrypted; `finish` ends it, and without that it does not open."""

    def __init__(self, out: BinaryIO, passphrase: Secret) -> None:
        self._out = out
        self._head = MAGIC + os.urandom(SALT) + COST.pack(MEMORY_KIB, PASSES, LANES)
        self._key = derived_key(passphrase, self._head)
        self._held = bytearray()
        self._number = 0
        out.write(self._head)

    def write(self, data: bytes) -> int:
        """Take all of it."""
        self._held += data
        while len(self._held) > CHUNK:  # one chunk stays: it may be the last
            self._seal(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._held), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._out.write(self._key.encrypt(_nonce(self._number, last=last), chunk, self._head))
        self._number += 1


@final
class Decrypting:
    """Reads what `Encrypting` wrote, none of it before it was verified. Raises `BackupUnfit`."""

    def __init__(self, source: BinaryIO, passphrase: Secret) -> None:
        self._source = source
        self._head = source.read(HEAD)
        if len(self._head) != HEAD or not self._head.startswith(MAGIC):
            raise BackupUnfit("the file is not an encrypted backup")
        self._key = derived_key(passphrase, self._head)
        self._opened = b""
        self._sealed = source.read(CHUNK + TAG)
        self._number = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end."""
        while not self._opened and self._sealed:
            self._open_next()
        taken, self._opened = self._opened[:size], self._opened[size:]
        return taken

    def _open_next(self) -> None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        sealed, self._sealed = self._sealed, self._source.read(CHUNK + TAG)
        nonce = _nonce(self._number, last=not self._sealed)
        try:
            self._opened = self._key.decrypt(nonce, sealed, self._head)
        except (InvalidTag, ValueError):
            raise BackupUnfit(
                "the passphrase is another one, or the file was tampered with"
                if self._number == 0
                else "the encrypted backup was tampered with, or its end is missing"
            ) from None
        self._number += 1
