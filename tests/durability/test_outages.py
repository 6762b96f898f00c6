"""A disk that is full, takes no writes or is away is no no, and once it is back nobody has to start anything anew."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from tests.contract.immich.speech import House, visiting
from tests.contract.immich.test_unavailable import assert_later
from tests.fakes import PASSWORD, FakeClock, cheap_hasher
from tests.running import configured, running

# ioctl(2) of Linux: the attributes of a file, and the one that lets nobody write to it, whoever has it open.
GET_ATTRIBUTES, SET_ATTRIBUTES, IMMUTABLE = 0x80086601, 0x40086602, 0x10


@contextmanager
def served(file: Path) -> Iterator[House]:
    """A server on this SQLite file."""
    settings = configured(
        f"sqlite:///{file}", log={"level": "error"}, throttle={"address_free_attempts": 10_000}
    )
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        yield house


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def set_immutable(file: Path, *, to: bool) -> None:
    """Let nobody write to a file, or everybody again. OSError where that is not ours to say."""
    with file.open("rb") as opened:
        (attributes,) = struct.unpack("l", fcntl.ioctl(opened, GET_ATTRIBUTES, bytes(8)))
        wanted = attributes | IMMUTABLE if to else attributes & ~IMMUTABLE
        fcntl.ioctl(opened, SET_ATTRIBUTES, struct.pack("l", wanted))


@contextmanager
def immutable(files: list[Path]) -> Iterator[None]:
    """Files that take no writes for the body."""
    with ExitStack() as stack:
        for file in files:
            try:
                set_immutable(file, to=True)
            except OSError as error:
                pytest.skip(f"no file can be made immutable here: {error.strerror}")
            stack.callback(set_immutable, file, to=False)
        yield


def writes(house: House, token: str, email: str) -> list[httpx2.Response]:
    """The answers to what must write: a sign-in, a new name, a sign-out."""
    return [
        house.log_in(email),
        house.call("update_my_user", token, {"name": "Ada"}),
        house.call("logout", token),
    ]


def use_up(ballast: Path) -> None:
    """Fill the disk with a file."""
    with ballast.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(bytes(4096))


def renamed_until_refused(house: House, token: str) -> tuple[str, httpx2.Response]:
    """The last name that somebody could be given, and the answer after it: files have room left that is used first."""
    kept = "Somebody"
    for n in range(200):
        name = f"Name {n} {'x' * 200}"
        answer = house.call("update_my_user", token, {"name": name})
        if answer.status_code != 200:
            return kept, answer
        kept = name
    raise AssertionError("the disk is never full")


def is_sound(file: Path) -> None:
    """SQLite finds no fault in the file."""
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_full_disk_is_later_for_who_writes_and_no_trouble_for_who_reads(small_disk: Path) -> None:
    """While the disk is full what must write is 503, what reads is answered; with room again all goes on by itself."""
    file, ballast = small_disk / "dragoman.db", small_disk / "ballast"
    with served(file) as house:
        person = house.person()
        use_up(ballast)
        name, refused = renamed_until_refused(house, person.token)
        assert_later(refused)
        for answer in writes(house, person.token, person.email):
            assert_later(answer)
        told = house.call("get_my_user", person.token)
        assert (told.status_code, told.json()["name"]) == (200, name)
        ballast.unlink()
        assert [answer.status_code for answer in writes(house, person.token, person.email)] == [201, 200, 200]
    is_sound(file)


def test_a_disk_that_takes_no_writes_is_later_for_who_writes(tmp_path: Path) -> None:
    """A disk that has become read-only under the server lets it read on, and write again once that is over."""
    file = tmp_path / "data" / "dragoman.db"
    with served(file) as house:
        person = house.person()
        # Not the index of the log, which is memory: a page of it that takes no writes would end any process (SIGBUS).
        with immutable([each for each in file.parent.iterdir() if not each.name.endswith("-shm")]):
            for answer in writes(house, person.token, person.email):
                assert_later(answer)
            assert house.call("get_my_user", person.token).status_code == 200
        # A connection that was opened meanwhile can never write; the first to find that out is told to come again.
        house.log_in(person.email)
        assert [answer.status_code for answer in writes(house, person.token, person.email)] == [201, 200, 200]
    is_sound(file)


@pytest.mark.parametrize("moved", ["the file", "the folder"])
def test_a_database_that_was_moved_away_is_later_for_everybody(tmp_path: Path, moved: str) -> None:
    """Without its file the server answers nobody with a no and makes no other; back in place, all is as it was."""
    file = tmp_path / "data" / "dragoman.db"
    there = file if moved == "the file" else file.parent
    elsewhere = tmp_path / "elsewhere"
    with served(file) as house:
        person = house.person()
        there.rename(elsewhere)
        for token in (person.token, "nobody-s-token"):
            for operation in ("get_my_user", "logout"):
                assert_later(house.call(operation, token))
        assert_later(house.log_in(person.email))
        assert house.ask_url("GET", f"{house.served.url}/readyz").status_code == 503
        assert house.ask_url("GET", f"{house.served.url}/healthz").status_code == 200
        assert not file.exists()
        elsewhere.rename(there)
        assert house.call("get_my_user", person.token).status_code == 200
        assert [answer.status_code for answer in writes(house, person.token, person.email)] == [201, 200, 200]
    is_sound(file)


def test_another_file_in_its_place_is_not_taken_for_the_database(tmp_path: Path) -> None:
    """A file put into the place of the one that was opened is not mixed with it: 503, until the server starts anew."""
    file = tmp_path / "data" / "dragoman.db"
    with served(file) as house:
        person = house.person()
        copy = shutil.copy(file, tmp_path / "copy")
        file.rename(tmp_path / "elsewhere")
        Path(copy).rename(file)
        before = file.read_bytes()
        assert_later(house.call("get_my_user", person.token), most=60)
        assert_later(house.log_in(person.email, PASSWORD), most=60)
        assert file.read_bytes() == before
