"""The master key: configured, or in a file that is made once; missing or wrong, it stops the start."""

from __future__ import annotations

import base64
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.master_keys import MasterKeyMissing, MasterKeys, MasterKeyWrong, parse, read_or_make

ONE, TWO = bytes(range(32)), bytes(range(32, 64))


def text_of(*keys: bytes, by: str = ",") -> str:
    """Keys as an operator writes them."""
    return by.join(base64.b64encode(key).decode() for key in keys)


def make(file: Path, *, may_make: bool = True) -> MasterKeys:
    """The keys in a file, or a new one."""
    return read_or_make(file, may_make=lambda: may_make, dice=os.urandom)


keys_of_32_bytes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=4)


@given(keys_of_32_bytes, st.sampled_from([",", " ", "\n", ", ", "\t\r\n"]), st.booleans(), st.booleans())
def test_keys_are_read_as_they_were_written(keys: list[bytes], by: str, url_safe: bool, padded: bool) -> None:
    """Keys are base64 of either alphabet, padded or not, with commas or blanks between; the first seals."""
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    words = [encode(key).decode() for key in keys]
    read = parse(by.join(word if padded else word.rstrip("=") for word in words) + "\n", source="here")
    assert read.first.material == keys[0]
    assert all(read.get(MasterKeys([key]).first.id).material == key for key in keys)


@given(st.text(max_size=80))
def test_what_is_no_key_is_refused_unseen(written: str) -> None:
    """Whatever is no list of keys is refused, naming where it stood and never showing it."""
    try:
        words = [base64.b64decode(word, validate=True) for word in written.replace(",", " ").split()]
    except ValueError:
        words = [b""]
    if words and all(len(word) == 32 for word in words):
        return
    with pytest.raises(MasterKeyWrong, match=r"^here") as refused:
        parse(written, source="here")
    assert all(word not in str(refused.value) for word in written.replace(",", " ").split() if len(word) > 8)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (text_of(ONE[:31]), "key 1 has 31 bytes, not 32"),
        (text_of(ONE, TWO + b"!"), "key 2 has 33 bytes, not 32"),
        (f"{text_of(ONE)} pässword", "key 2 is not base64"),
    ],
)
def test_why_a_key_is_refused(written: str, why: str) -> None:
    """An operator is told which of the keys is wrong, and how."""
    with pytest.raises(MasterKeyWrong, match=why):
        parse(written, source="here")


def test_a_key_is_known_by_an_id_and_shown_by_nothing_else() -> None:
    """A key's id is the same for ever, different for each key, and all that its repr shows."""
    keys = MasterKeys([ONE, TWO])
    assert keys.first.id == "71d5c35b36aa8bb53838c4fbca59eb52"
    assert keys.first.id != MasterKeys([TWO]).first.id
    assert "x00" not in repr(keys) + repr(keys.first)
    assert keys.first.id in repr(keys)


def test_a_key_that_is_not_there_is_asked_for_by_id() -> None:
    """A database sealed under another key names the one it needs."""
    with pytest.raises(MasterKeyWrong, match="sealed under the master key 00ff"):
        MasterKeys([ONE]).get("00ff")


def test_the_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """The file is made with a fresh key, readable by its owner only, and read ever after."""
    file = tmp_path / "master.key"
    made = make(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert parse(file.read_text(), source="file").first.material == made.first.material
    assert make(file, may_make=False).first.material == made.first.material
    assert os.listdir(tmp_path) == ["master.key"]  # noqa: PTH208 - the names alone
    (tmp_path / "other").mkdir()
    assert make(tmp_path / "other" / "master.key").first.material != made.first.material


def test_a_missing_file_is_not_replaced(tmp_path: Path) -> None:
    """Where something is sealed already, a missing file stops the start and no new one is made."""
    with pytest.raises(MasterKeyMissing, match=r"master\.key is missing"):
        make(tmp_path / "master.key", may_make=False)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    """An emptied or damaged file stops the start, even where nothing is sealed, and is left as it is."""
    file = tmp_path / "master.key"
    for damaged in (b"", text_of(ONE).encode()[:20], b"\xff\xfe"):
        file.write_bytes(damaged)
        with pytest.raises(MasterKeyWrong, match=r"master\.key"):
            make(file)
        assert file.read_bytes() == damaged


def test_a_link_into_nowhere_is_a_missing_key(tmp_path: Path) -> None:
    """A link to a volume that is not mounted is not taken for the absence of a key."""
    file = tmp_path / "master.key"
    file.symlink_to(tmp_path / "unmounted" / "master.key")
    with pytest.raises(MasterKeyMissing, match="cannot be used: No such file"):
        make(file)
    assert file.is_symlink()


def test_a_draft_left_by_a_killed_process_is_no_key(tmp_path: Path) -> None:
    """What a process left that was killed while it made the file is thrown away."""
    (tmp_path / "master.key.draft").write_bytes(text_of(ONE).encode()[:20])
    assert make(tmp_path / "master.key").first.material != ONE
    assert not (tmp_path / "master.key.draft").exists()


def test_of_many_that_need_the_file_one_makes_it(tmp_path: Path) -> None:
    """Of any number that need the file at once one makes it, and all have the same key."""
    barrier, ids = threading.Barrier(8), []

    def need() -> None:
        barrier.wait()
        ids.append(make(tmp_path / "master.key").first.id)

    threads = [threading.Thread(target=need) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1
