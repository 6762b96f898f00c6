"""What must be read again is sealed, each value for its place, by keys that can be changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, func, select, update
from tests.fakes import cheap_hasher, do, rules
from tests.postgres import fresh_postgres
from tests.racing import at_once

from dragoman.core.database import Database
from dragoman.core.errors import NotFound
from dragoman.core.master_keys import MasterKeyMissing, MasterKeys, MasterKeyWrong
from dragoman.core.resealing import reseal
from dragoman.core.sealing import (
    SealBroken,
    Sealer,
    data_keys,
    ensure_data_key,
    installation_name,
    load_master_keys,
    rewrap,
    rotate_data_key,
)
from dragoman.core.work import Core, Origin, Tools, UnitOfWork

ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
ORIGIN = Origin("test")
ONE, TWO = bytes(range(32)), bytes(range(32, 64))
ONE_AND_TWO = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="

vault = Table(
    "vault",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("secret", LargeBinary),
    Column("other", LargeBinary),
)


@contextmanager
def opened(url: str) -> Iterator[Core]:
    """A core on this database, as another process would have it."""
    database = Database(url)
    try:
        yield Core(database, Tools(cheap_hasher()), rules())
    finally:
        database.dispose()


@pytest.fixture(scope="module", params=ENGINES)
def kept_core(request: pytest.FixtureRequest, another_sqlite: Callable[[], str]) -> Iterator[Core]:
    """A core with a data key under the master key ONE, kept for all examples of a property."""
    with ExitStack() as stack:
        url = another_sqlite() if request.param == "sqlite" else stack.enter_context(fresh_postgres())
        core = stack.enter_context(opened(url))
        ensure_data_key(core, ORIGIN, Sealer(MasterKeys([ONE])))
        yield core


@pytest.fixture
def sealer(core: Core) -> Sealer:
    """A sealer under the master key ONE, its data key made, and the vault."""
    with core.database.writing() as db:
        vault.create(db)
    sealer = Sealer(MasterKeys([ONE]))
    ensure_data_key(core, ORIGIN, sealer)
    return sealer


def seal(
    core: Core,
    sealer: Sealer,
    plaintext: bytes,
    *,
    table: str = "vault",
    column: str = "secret",
    row: Any = 1,
) -> bytes:
    """A value sealed in a unit of its own."""
    with core.begin(ORIGIN, writes=False) as uow:
        return sealer.seal(uow, plaintext, table=table, column=column, row=row)


def unseal(
    core: Core, sealer: Sealer, sealed: bytes, *, table: str = "vault", column: str = "secret", row: Any = 1
) -> bytes:
    """A value opened in a unit of its own."""
    with core.begin(ORIGIN, writes=False) as uow:
        return sealer.open(uow, sealed, table=table, column=column, row=row)


def rotate(core: Core, sealer: Sealer) -> str:
    """A new data key, made in a unit of its own."""
    with core.begin(ORIGIN, writes=True) as uow:
        return rotate_data_key(uow, sealer)


def fill(core: Core, sealer: Sealer, rows: int) -> None:
    """Put sealed secrets into the vault, "secret 0", "secret 1" and so on."""
    with core.begin(ORIGIN, writes=True) as uow:
        for row in range(rows):
            secret = sealer.seal(uow, f"secret {row}".encode(), table="vault", column="secret", row=row)
            uow.db.execute(vault.insert().values(id=row, secret=secret))


def secrets_of(core: Core, sealer: Sealer) -> list[str]:
    """What the vault holds, opened."""
    with core.begin(ORIGIN, writes=False) as uow:
        rows = uow.db.execute(select(vault.c.id, vault.c.secret).order_by(vault.c.id)).all()
        return [
            sealer.open(uow, row.secret, table="vault", column="secret", row=row.id).decode() for row in rows
        ]


def key_rows(core: Core) -> list[Any]:
    """The data keys, the oldest first."""
    with core.database.reading() as db:
        return list(db.execute(select(data_keys).order_by(data_keys.c.number)))


def failing_after(calls: int) -> Callable[[int], bytes]:
    """Dice that break: a process that dies in the middle."""
    left = iter(range(calls))

    def dice(size: int) -> bytes:
        if next(left, None) is None:
            raise InterruptedError
        return os.urandom(size)

    return dice


def with_dice(core: Core, dice: Callable[[int], bytes]) -> Core:
    """The same core with other dice."""
    return Core(core.database, replace(core.tools, dice=dice), core.rules)


# --- sealing and opening -----------------------------------------------------------------------------

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
row_ids = st.integers(0, 2**63 - 1) | st.uuids() | names
SEALER = Sealer(MasterKeys([ONE]))


@given(st.binary(max_size=5000), names, names, row_ids)
def test_what_was_sealed_opens_in_its_place(
    kept_core: Core, plaintext: bytes, table: str, column: str, row: int | str | uuid.UUID
) -> None:
    """Any bytes sealed for any place open there again, in this process and in one that starts later."""
    sealed = seal(kept_core, SEALER, plaintext, table=table, column=column, row=row)
    assert len(sealed) == len(plaintext) + 37
    assert len(plaintext) < 4 or plaintext not in sealed
    for sealer in (SEALER, Sealer(MasterKeys([ONE]))):
        assert unseal(kept_core, sealer, sealed, table=table, column=column, row=row) == plaintext


@given(st.tuples(names, names, row_ids), st.tuples(names, names, row_ids))
def test_a_moved_value_does_not_open(
    kept_core: Core, place: tuple[str, str, Any], elsewhere: tuple[str, str, Any]
) -> None:
    """A sealed value copied to another table, column or row opens no more."""
    assume([*place[:2], str(place[2])] != [*elsewhere[:2], str(elsewhere[2])])
    sealed = seal(kept_core, SEALER, b"secret", table=place[0], column=place[1], row=place[2])
    with pytest.raises(SealBroken):
        unseal(kept_core, SEALER, sealed, table=elsewhere[0], column=elsewhere[1], row=elsewhere[2])


@pytest.mark.parametrize(
    "elsewhere", [("ab", "c", "d"), ("a", "bc", "d"), ("a", "b", "cd"), ("abc", "", "d"), ("a", "b", "c")]
)
def test_places_are_told_apart_by_their_parts(kept_core: Core, elsewhere: tuple[str, str, str]) -> None:
    """Two places whose names read alike in a row are two places."""
    sealed = seal(
        kept_core, SEALER, b"secret", table="a", column="b", row="c" if elsewhere[2] == "cd" else "cd"
    )
    with pytest.raises(SealBroken):
        unseal(kept_core, SEALER, sealed, table=elsewhere[0], column=elsewhere[1], row=elsewhere[2])


@given(st.binary(max_size=100), st.data())
def test_a_damaged_value_does_not_open(kept_core: Core, plaintext: bytes, data: st.DataObject) -> None:
    """A sealed value with any bit changed, cut short anywhere or made longer does not open."""
    sealed = seal(kept_core, SEALER, plaintext)
    place = data.draw(st.integers(0, len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    for damaged in (bytes(flipped), sealed[:place], sealed + data.draw(st.binary(min_size=1, max_size=3))):
        with pytest.raises(SealBroken):
            unseal(kept_core, SEALER, damaged)


def test_a_seal_never_looks_the_same_twice(core: Core, sealer: Sealer) -> None:
    """The same value sealed twice for the same place differs, so that nobody can tell that it is the same."""
    assert len({seal(core, sealer, b"same") for _ in range(50)}) == 50


def test_who_cannot_open_is_told_where_and_nothing_else(core: Core, sealer: Sealer) -> None:
    """A broken seal names its place, and shows neither value nor key."""
    sealed = seal(core, sealer, b"open sesame")
    with pytest.raises(SealBroken, match=r"^vault\.secret of 2 does not open") as broken:
        unseal(core, sealer, sealed, row=2)
    assert "sesame" not in repr(broken.value)


def test_a_value_of_a_key_that_is_gone_does_not_open(core: Core, sealer: Sealer) -> None:
    """A value sealed by a data key that the database has lost says which key that was."""
    sealed = seal(core, sealer, b"secret")
    with core.begin(ORIGIN, writes=True) as uow:
        uow.db.execute(data_keys.delete())
    with pytest.raises(SealBroken, match=f"data key {sealed[1:9].hex()}, which is gone"):
        unseal(core, Sealer(MasterKeys([ONE])), sealed)
    with pytest.raises(SealBroken, match="no data key"):
        seal(core, sealer, b"secret")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda wrapped: b"\x02" + wrapped[1:], id="version"),
        pytest.param(lambda wrapped: wrapped[:-1] + bytes([wrapped[-1] ^ 1]), id="bit"),
        pytest.param(lambda wrapped: wrapped[:5], id="cut"),
    ],
)
def test_a_damaged_data_key_does_not_open(
    core: Core, sealer: Sealer, damage: Callable[[bytes], bytes]
) -> None:
    """A wrapped key that was changed in the database is not used."""
    (row,) = key_rows(core)
    with core.begin(ORIGIN, writes=True) as uow:
        uow.db.execute(update(data_keys).values(wrapped=damage(row.wrapped)))
    with pytest.raises(SealBroken, match=f"data key {row.id}"):
        seal(core, sealer, b"secret")


def test_no_key_is_shown_or_stored(core: Core, sealer: Sealer) -> None:
    """Neither the master key nor a data key is in a repr or, bare, in the database."""
    dice: list[bytes] = []

    def noted(size: int) -> bytes:
        dice.append(os.urandom(size))
        return dice[-1]

    rotate(with_dice(core, noted), sealer)
    seal(core, sealer, b"secret")
    (data_key,) = [thrown for thrown in dice if len(thrown) == 32]
    assert "\\x" not in repr(sealer)
    stored = b"".join(b"".join(v for v in row if isinstance(v, bytes)) for row in key_rows(core))
    if core.database.is_sqlite:
        stored += b"".join(file.read_bytes() for file in core.database.file.parent.iterdir())
    for key in (ONE, data_key):
        assert key not in stored
        assert key.hex().encode() not in stored


# --- the first keys ----------------------------------------------------------------------------------


def test_sqlite_gets_a_key_file_once(sqlite_url: str, tmp_path: Path) -> None:
    """A new SQLite database gets its master key in a file beside it, and later starts read it."""
    with opened(sqlite_url) as core:
        first = Sealer(load_master_keys(None, core.database))
        ensure_data_key(core, ORIGIN, first)
        assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
        sealed = seal(core, first, b"secret")
        later = Sealer(load_master_keys(None, core.database))
        ensure_data_key(core, ORIGIN, later)
        assert unseal(core, later, sealed) == b"secret"
        assert len(key_rows(core)) == 1


def test_a_lost_key_file_stops_the_start(sqlite_url: str, tmp_path: Path) -> None:
    """Once there is a data key, a missing master key file stops the start and is never made anew."""
    with opened(sqlite_url) as core:
        ensure_data_key(core, ORIGIN, Sealer(load_master_keys(None, core.database)))
        kept = (tmp_path / "master.key").rename(tmp_path / "kept")
        for _ in range(2):
            with pytest.raises(MasterKeyMissing, match=r"master\.key is missing"):
                load_master_keys(None, core.database)
        assert not (tmp_path / "master.key").exists()
        (tmp_path / "master.key").write_text(ONE_AND_TWO)
        with pytest.raises(MasterKeyWrong, match="sealed under the master key"):
            load_master_keys(None, core.database)
        kept.rename(tmp_path / "master.key")
        load_master_keys(None, core.database)


def test_a_configured_key_is_used_and_no_file_made(core: Core) -> None:
    """A configured list of master keys is all there is: its first key wraps, and no file is made."""
    keys = load_master_keys(ONE_AND_TWO, core.database)
    assert keys.first.material == ONE
    ensure_data_key(core, ORIGIN, Sealer(keys))
    assert key_rows(core)[0].master_id == MasterKeys([ONE]).first.id
    if core.database.is_sqlite:
        assert not core.database.file.with_name("master.key").exists()


def test_a_wrong_configured_key_stops_the_start(core: Core, sealer: Sealer) -> None:
    """A configured master key that wraps none of the data keys stops the start; so does an empty one."""
    with pytest.raises(MasterKeyWrong, match=f"sealed under the master key {sealer.master_keys.first.id}"):
        load_master_keys(ONE_AND_TWO.split(",")[1], core.database)
    with pytest.raises(MasterKeyWrong, match="is empty"):
        load_master_keys("", core.database)
    with pytest.raises(MasterKeyWrong, match="sealed under"):
        ensure_data_key(core, ORIGIN, Sealer(MasterKeys([TWO])))
    assert len(key_rows(core)) == 1


@pytest.mark.postgres
def test_postgresql_needs_a_configured_key() -> None:
    """On PostgreSQL there is no place for a key file: the start stops and says how to make a key."""
    with (
        fresh_postgres() as url,
        opened(url) as core,
        pytest.raises(MasterKeyMissing, match="openssl rand -base64 32"),
    ):
        load_master_keys(None, core.database)


START = """
import sys
from dragoman.core.database import Database
from dragoman.core.passwords import Hasher
from dragoman.core.policy import POLICIES
from dragoman.core.rules import Rules
from dragoman.core.sealing import Sealer, ensure_data_key, load_master_keys
from dragoman.core.work import Core, Origin, Tools
database = Database(sys.argv[1])
core = Core(database, Tools(hasher=Hasher()), Rules(POLICIES["standard"]))
sys.stdin.read()
try:
    sealer = Sealer(load_master_keys(sys.argv[2] or None, database))
    ensure_data_key(core, Origin("test"), sealer)
    print(sealer.master_keys.first.id, "cryptography" in sys.modules)
except Exception as error:
    print(type(error).__name__)
database.dispose()
"""


def start(url: str, configured: str = "") -> subprocess.Popen[str]:
    """A process that starts as the server does, once its stdin is closed."""
    command = [sys.executable, "-W", "error", "-c", START, url, configured]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def outcomes(started: list[subprocess.Popen[str]]) -> list[str]:
    """What processes print that go on all at once."""
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    return [process.communicate(timeout=60)[0].strip() for process in started]


def test_of_many_that_start_at_once_all_have_one_key(database_url: str) -> None:
    """Processes that start at once on a new database end with one master key and one data key."""
    configured = "" if database_url.startswith("sqlite") else ONE_AND_TWO
    ids = {outcome.split()[0] for outcome in outcomes([start(database_url, configured) for _ in range(4)])}
    with opened(database_url) as core:
        (row,) = key_rows(core)
        assert ids == {row.master_id}


def test_of_two_master_keys_at_once_one_wins(database_url: str) -> None:
    """Processes given different master keys on a new database: one makes the data key, others refuse."""
    keys = [os.urandom(32).hex()[:43] + "=" for _ in range(4)]
    said = sorted(outcome.split()[0] for outcome in outcomes([start(database_url, key) for key in keys]))
    with opened(database_url) as core:
        (row,) = key_rows(core)
        assert sorted([row.master_id, *["MasterKeyWrong"] * 3]) == said


class Overtaken(Core):
    """A core where, just before it writes, another process makes the first data key under the key ONE."""

    @contextmanager
    def begin(self, origin: Origin, *, writes: bool, durable: bool = True) -> Iterator[UnitOfWork]:
        """As any core, but too late."""
        if writes:
            another = Core(self.database, self.tools, self.rules)
            ensure_data_key(another, ORIGIN, Sealer(MasterKeys([ONE])))
        with super().begin(origin, writes=writes, durable=durable) as uow:
            yield uow


def test_a_start_that_was_overtaken_looks_again(core: Core) -> None:
    """Whoever finds the first data key made meanwhile takes it, and refuses if it is of another master."""
    late = Overtaken(core.database, core.tools, core.rules)
    with pytest.raises(MasterKeyWrong, match="sealed under"):
        ensure_data_key(late, ORIGIN, Sealer(MasterKeys([TWO])))
    ensure_data_key(late, ORIGIN, Sealer(MasterKeys([ONE])))
    assert len(key_rows(core)) == 1


def test_a_start_that_makes_no_key_loads_no_cryptography(database_url: str) -> None:
    """Only the very first start pays for the cryptography: later ones tell a right key by its id."""
    configured = "" if database_url.startswith("sqlite") else ONE_AND_TWO
    loaded = [outcomes([start(database_url, configured)])[0].split()[1] for _ in range(2)]
    assert loaded == ["True", "False"]
    assert outcomes([start(database_url, ONE_AND_TWO.split(",")[1])]) == ["MasterKeyWrong"]


def test_a_first_start_that_is_killed_can_be_repeated(sqlite_url: str, tmp_path: Path) -> None:
    """A process killed between its master key and its data key leaves a database that starts."""
    program = "import os" + START.replace(
        "ensure_data_key(core", "os.kill(os.getpid(), 9); ensure_data_key(core"
    )
    command = [sys.executable, "-c", program, sqlite_url, ""]
    killed = subprocess.run(command, stdin=subprocess.DEVNULL, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    made = (tmp_path / "master.key").read_bytes()
    assert len(outcomes([start(sqlite_url)])[0].split()) == 2
    assert (tmp_path / "master.key").read_bytes() == made


# --- changing keys -----------------------------------------------------------------------------------


def test_a_new_data_key_seals_and_the_old_ones_open(core: Core, sealer: Sealer) -> None:
    """After a rotation everything is sealed by the new key, and what the old one sealed still opens."""
    fill(core, sealer, 3)
    (old,) = key_rows(core)
    new = rotate(core, sealer)
    assert seal(core, sealer, b"secret")[1:9].hex() == new != old.id
    assert secrets_of(core, Sealer(MasterKeys([ONE]))) == ["secret 0", "secret 1", "secret 2"]
    assert [(row.number, row.retired_at is None) for row in key_rows(core)] == [(1, False), (2, True)]


def test_a_rotation_reaches_every_process(core: Core, sealer: Sealer) -> None:
    """A process that has sealed already seals by another process's new key from its next seal on."""
    another = Sealer(MasterKeys([ONE]))
    seal(core, another, b"secret")
    new = rotate(core, sealer)
    assert seal(core, another, b"secret")[1:9].hex() == new


def test_a_rotation_that_was_rolled_back_seals_nothing(core: Core, sealer: Sealer) -> None:
    """A key made, and used, in a unit that is refused is never used again."""
    (old,) = key_rows(core)
    used: list[bytes] = []

    def rotate_seal_and_refuse() -> None:
        with core.begin(ORIGIN, writes=True) as uow:
            rotate_data_key(uow, sealer)
            used.append(sealer.seal(uow, b"secret", table="vault", column="secret", row=1))
            raise NotFound("anything")

    with pytest.raises(NotFound):
        rotate_seal_and_refuse()
    assert used[0][1:9].hex() != old.id
    assert seal(core, sealer, b"secret")[1:9].hex() == old.id
    assert rotate(core, sealer) != used[0][1:9].hex()


def test_rotations_at_once_leave_one_newest_key(core: Core, sealer: Sealer) -> None:
    """Of rotations at once every one ends with a key that is there; all but the newest are retired."""
    made = at_once(*[lambda: rotate(core, sealer)] * 6)
    rows = key_rows(core)
    assert len(made) == 6
    assert set(made) == {row.id for row in rows[1:]}
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert [row.id for row in rows if row.retired_at is None] == [rows[-1].id]


def test_data_keys_are_wrapped_again(core: Core, sealer: Sealer) -> None:
    """With a new master key first in the list the data keys are wrapped under it, and the old may go."""
    fill(core, sealer, 2)
    rotate(core, sealer)
    assert rewrap(core, ORIGIN, Sealer(MasterKeys([TWO, ONE]))) == 2
    only_new = Sealer(MasterKeys([TWO]))
    ensure_data_key(core, ORIGIN, only_new)
    assert secrets_of(core, only_new) == ["secret 0", "secret 1"]
    assert rewrap(core, ORIGIN, only_new) == 0
    with pytest.raises(MasterKeyWrong):
        rewrap(core, ORIGIN, sealer)


def test_wrapping_again_can_be_interrupted(core: Core, sealer: Sealer) -> None:
    """What was wrapped before an interruption stays so, and the next run does only the rest."""
    for _ in range(4):
        rotate(core, sealer)
    both = Sealer(MasterKeys([TWO, ONE]))
    # A batch of two takes two nonces and an id for its line in the audit log.
    with pytest.raises(InterruptedError):
        rewrap(with_dice(core, failing_after(4)), ORIGIN, both, batch=2)
    assert [row.master_id for row in key_rows(core)].count(both.master_keys.first.id) == 2
    assert rewrap(core, ORIGIN, both, batch=2) == 3
    assert {row.master_id for row in key_rows(core)} == {both.master_keys.first.id}


def test_values_are_sealed_again(core: Core, sealer: Sealer) -> None:
    """After a rotation a column is sealed again by the new key, in batches, and then the old may go."""
    fill(core, sealer, 7)
    with core.begin(ORIGIN, writes=True) as uow:
        uow.db.execute(vault.insert().values(id=100, secret=None))
    (old,) = key_rows(core)
    rotate(core, sealer)
    assert reseal(core, ORIGIN, sealer, vault.c.secret, batch=3) == 7
    with core.begin(ORIGIN, writes=True) as uow:
        uow.db.execute(vault.delete().where(vault.c.id == 100))
        uow.db.execute(data_keys.delete().where(data_keys.c.id == old.id))
    assert secrets_of(core, Sealer(MasterKeys([ONE]))) == [f"secret {row}" for row in range(7)]
    assert reseal(core, ORIGIN, sealer, vault.c.secret) == 0


def test_sealing_again_can_be_interrupted(core: Core, sealer: Sealer) -> None:
    """What was sealed again before an interruption stays so, and the next run does only the rest."""
    fill(core, sealer, 7)
    new = rotate(core, sealer)
    # A batch of two takes two nonces and an id for its line in the audit log.
    with pytest.raises(InterruptedError):
        reseal(with_dice(core, failing_after(7)), ORIGIN, sealer, vault.c.secret, batch=2)
    with core.database.reading() as db:
        header = func.substr(vault.c.secret, 2, 8, type_=LargeBinary())
        assert [found.hex() for found in db.scalars(select(header).order_by(vault.c.id))].count(new) == 4
    assert reseal(core, ORIGIN, sealer, vault.c.secret, batch=2) == 3
    assert secrets_of(core, sealer) == [f"secret {row}" for row in range(7)]


def test_a_broken_value_stops_sealing_again(core: Core, sealer: Sealer) -> None:
    """A value that does not open is never written over: sealing again stops there and says where."""
    fill(core, sealer, 3)
    with core.begin(ORIGIN, writes=True) as uow:
        moved = select(vault.c.secret).where(vault.c.id == 0).scalar_subquery()
        uow.db.execute(update(vault).where(vault.c.id == 2).values(secret=moved))
    rotate(core, sealer)
    with pytest.raises(SealBroken, match=r"vault\.secret of 2"):
        reseal(core, ORIGIN, sealer, vault.c.secret, batch=1)
    with core.database.reading() as db:
        kept, copied = db.scalars(select(vault.c.secret).where(vault.c.id != 1).order_by(vault.c.id))
    assert kept != copied
    with pytest.raises(SealBroken):
        unseal(core, sealer, copied, row=2)


def test_an_installation_has_a_name_that_stays(core: Core) -> None:
    """What an installation is known by is the same after a rotation, and gives nothing of a key away."""
    sealer = Sealer(MasterKeys([ONE]))
    ensure_data_key(core, ORIGIN, sealer)
    name = do(core, installation_name)
    do(core, rotate_data_key, sealer)
    assert do(core, installation_name) == name
    assert len(name) == 32
