"""Secrets that must be read again are sealed: by a data key in the database, which a master key wraps.

A seal is AES-256-GCM (NIST SP 800-38D) over the plaintext with its place as additional data: a sealed value
moved to another row, column or table opens no more than one that was tampered with.

    sealed  = version (1 byte) | id of the data key (8) | nonce (12) | ciphertext | tag (16)
    wrapped = version (1 byte) | nonce (12) | ciphertext (32) | tag (16)
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, final

from sqlalchemy import Column, Integer, LargeBinary, String, Table, func, select, update

from dragoman.core import audit
from dragoman.core.columns import Instant, metadata
from dragoman.core.database import AnyRow, insert
from dragoman.core.master_keys import HOW_TO_CONFIGURE, MasterKeyMissing, MasterKeys, parse, read_or_make
from dragoman.core.prepared import Prepared

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from sqlalchemy import Connection

    from dragoman.core.database import Database
    from dragoman.core.work import Core, Origin, UnitOfWork

data_keys = Table(
    "data_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    # The highest number seals; unique, so that of two that race to add a key one wins.
    Column("number", Integer, nullable=False, unique=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("master_id", String(32), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
)

_NEWEST_ID = Prepared(select(data_keys.c.id).order_by(data_keys.c.number.desc()).limit(1))

VERSION = b"\x01"
KEY_ID = 8  # random, so that a key of a unit that was rolled back is never mistaken for a later one
NONCE = 12
TAG = 16
HEADER = len(VERSION) + KEY_ID
KEY_FILE = "master.key"

RowId = int | str | uuid.UUID


class SealBroken(Exception):
    """A sealed value does not open here: damaged, moved from its place, or of a key that is gone.

    An accident, not a refusal: no request causes it.
    """


@final
class Sealer:
    """Seals and opens. Keeps the data keys it has unwrapped in memory, and shows them to nobody."""

    def __init__(self, master_keys: MasterKeys) -> None:
        self.master_keys = master_keys
        self._unwrapped: dict[str, AESGCM] = {}

    def __repr__(self) -> str:
        return f"Sealer({self.master_keys!r})"

    def seal(self, uow: UnitOfWork, plaintext: bytes, *, table: str, column: str, row: RowId) -> bytes:
        """`plaintext` sealed for its place, 37 bytes longer than it was."""
        # Read each time: another process may have rotated, and a key is used only where it is committed.
        newest = _NEWEST_ID.find(uow.db, {})
        if newest is None:
            raise SealBroken("there is no data key: `ensure_data_key` makes the first one at start")
        key_id: str = newest[0]
        header, place = VERSION + bytes.fromhex(key_id), _place(table, column, str(row), key_id)
        aead = self._aead(uow, key_id, f"{table}.{column} of {row}")
        return header + _encrypt(aead, uow.tools.dice(NONCE), plaintext, place)

    def open(self, uow: UnitOfWork, sealed: bytes, *, table: str, column: str, row: RowId) -> bytes:
        """The plaintext of a value sealed for this place. Raises `SealBroken`."""
        where = f"{table}.{column} of {row}"
        if len(sealed) < HEADER + NONCE + TAG or sealed[: len(VERSION)] != VERSION:
            raise SealBroken(f"{where} is not a sealed value")
        key_id = sealed[len(VERSION) : HEADER].hex()
        aead = self._aead(uow, key_id, where)
        return _decrypt(aead, sealed[HEADER:], _place(table, column, str(row), key_id), where)

    def _aead(self, uow: UnitOfWork, key_id: str, where: str) -> AESGCM:
        """The data key by which what is there is sealed."""
        aead = self._unwrapped.get(key_id)
        if aead is None:
            found = uow.db.execute(select(data_keys).where(data_keys.c.id == key_id)).one_or_none()
            if found is None:
                raise SealBroken(f"{where} is sealed by the data key {key_id}, which is gone")
            aead = self._unwrapped[key_id] = _aes(unwrap(found, self.master_keys))
        return aead


def load_master_keys(
    configured: str | None, database: Database, *, dice: Callable[[int], bytes] = os.urandom
) -> MasterKeys:
    """The configured keys, else, on SQLite only, those in `master.key` beside the database.

    That file is made only while the database has no data key. The schema must be current. Raises
    `MasterKeyMissing` and `MasterKeyWrong`, also when a data key is wrapped under none of the keys.
    """

    def nothing_is_sealed() -> bool:
        with database.reading() as db:
            return db.scalar(select(func.count()).select_from(data_keys)) == 0

    keys = kept_master_keys(configured, database, may_make=nothing_is_sealed, dice=dice)
    with database.reading() as db:
        has_data_key(db, keys)
    return keys


def kept_master_keys(
    configured: str | None,
    database: Database,
    *,
    may_make: Callable[[], bool] = lambda: False,
    dice: Callable[[int], bytes] = os.urandom,
) -> MasterKeys:
    """The keys that are configured or kept beside the database, whatever that holds; none are made unless it `may_make`.

    Raises `MasterKeyMissing` and `MasterKeyWrong`.
    """
    if configured is None and database.is_sqlite:
        return read_or_make(database.file.with_name(KEY_FILE), may_make=may_make, dice=dice)
    if configured is None:
        raise MasterKeyMissing(f"PostgreSQL needs a master key: {HOW_TO_CONFIGURE}")
    return parse(configured, source="the configured master key")


def has_data_key(db: Connection, master_keys: MasterKeys) -> bool:
    """Whether there is a data key. `MasterKeyWrong` when one is wrapped under none of the master keys."""
    needed = master_ids(db)
    for master_id in needed:
        master_keys.get(master_id)
    return bool(needed)


def master_ids(db: Connection) -> Sequence[str]:
    """The ids of the master keys that data keys are wrapped under."""
    return db.scalars(select(data_keys.c.master_id).distinct().order_by(data_keys.c.master_id)).all()


def installation_name(uow: UnitOfWork) -> bytes:
    """32 bytes that stay the same for as long as there is this database: the digest of its first data key's id."""
    first = uow.db.scalars(select(data_keys.c.id).order_by(data_keys.c.number).limit(1)).one()
    return hashlib.sha256(f"dragoman installation {first}".encode()).digest()


def ensure_data_key(core: Core, origin: Origin, sealer: Sealer) -> None:
    """At start: see that there is a data key and that it is ours. Raises `MasterKeyWrong`.

    Only the start that makes the first one loads the cryptography.
    """
    with core.begin(origin, writes=False) as uow:
        if has_data_key(uow.db, sealer.master_keys):
            return
    with core.begin(origin, writes=True) as uow:
        _add_data_key(uow, sealer.master_keys, number=1)
        # Whoever was first may have been given another master key.
        has_data_key(uow.db, sealer.master_keys)


def rotate_data_key(uow: UnitOfWork, sealer: Sealer) -> str:
    """Make a new data key, by which everything is sealed from now on; its id. Older ones still open.

    Of two at the same instant one makes the key, and both return its id.
    """
    newest: int = uow.db.scalar(select(func.max(data_keys.c.number))) or 0
    _add_data_key(uow, sealer.master_keys, number=newest + 1)
    older = data_keys.c.number <= newest
    uow.db.execute(
        update(data_keys).where(older, data_keys.c.retired_at.is_(None)).values(retired_at=uow.now)
    )
    key_id: str = uow.db.scalars(select(data_keys.c.id).where(data_keys.c.number == newest + 1)).one()
    return key_id


def _add_data_key(uow: UnitOfWork, master_keys: MasterKeys, *, number: int) -> None:
    master, key_id = master_keys.first, uow.tools.dice(KEY_ID).hex()
    fresh = insert(uow.db, data_keys).values(
        id=key_id,
        number=number,
        wrapped=wrap(uow, uow.tools.dice(32), key_id, master_keys),
        master_id=master.id,
        created_at=uow.now,
        retired_at=None,
    )
    if uow.db.scalar(fresh.on_conflict_do_nothing().returning(data_keys.c.id)) is not None:
        audit.record(uow, "data key made", key=key_id)


def rewrap(core: Core, origin: Origin, sealer: Sealer, *, batch: int = 100) -> int:
    """Wrap every data key under the first master key; how many were not. Then the others may be withdrawn.

    One unit per `batch`, so whatever interrupts it, the next run goes on. Raises `MasterKeyWrong`.
    """
    first, done = sealer.master_keys.first, 0
    others = select(data_keys).where(data_keys.c.master_id != first.id).order_by(data_keys.c.number)
    while True:
        with core.begin(origin, writes=True) as uow:
            rows = uow.db.execute(others.limit(batch).with_for_update()).all()
            for row in rows:
                wrapped = wrap(uow, unwrap(row, sealer.master_keys), row.id, sealer.master_keys)
                changed = update(data_keys).where(data_keys.c.id == row.id)
                uow.db.execute(changed.values(wrapped=wrapped, master_id=first.id))
            if rows:
                audit.record(uow, "data keys re-wrapped", count=len(rows))
        done += len(rows)
        if len(rows) < batch:
            return done


def wrap(uow: UnitOfWork, key: bytes, key_id: str, master_keys: MasterKeys) -> bytes:
    """A data key as the database keeps it, under the first master key."""
    master = master_keys.first
    place = _place(data_keys.name, "wrapped", key_id, master.id)
    return VERSION + _encrypt(_aes(master.material), uow.tools.dice(NONCE), key, place)


def unwrap(data_key: AnyRow, master_keys: MasterKeys) -> bytes:
    """The data key in a row of `data_keys`. Raises `MasterKeyWrong` and `SealBroken`."""
    master, where = master_keys.get(data_key.master_id), f"the data key {data_key.id}"
    if data_key.wrapped[: len(VERSION)] != VERSION:
        raise SealBroken(f"{where} is not a wrapped key")
    place = _place(data_keys.name, "wrapped", data_key.id, master.id)
    return _decrypt(_aes(master.material), data_key.wrapped[len(VERSION) :], place, where)


def _place(table: str, column: str, row: str, key_id: str) -> bytes:
    """Where a value belongs, so that no two places read alike: each part with its length before it."""
    parts = [part.encode() for part in (table, column, row, key_id)]
    return VERSION + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _aes(key: bytes) -> AESGCM:
    # Some 15 ms and 8 MB that a start which seals nothing need not spend.
    from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415

    return aead.AESGCM(key)


def _encrypt(aead: AESGCM, nonce: bytes, plaintext: bytes, place: bytes) -> bytes:
    return nonce + aead.encrypt(nonce, plaintext, place)


def _decrypt(aead: AESGCM, boxed: bytes, place: bytes, where: str) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415

    try:
        return aead.decrypt(boxed[:NONCE], boxed[NONCE:], place)
    except (InvalidTag, ValueError) as error:
        raise SealBroken(f"{where} does not open: it was damaged, or moved from its place") from error
