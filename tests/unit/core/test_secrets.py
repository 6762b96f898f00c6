"""Secrets: shown to nobody, minted evenly, kept as digests."""

from __future__ import annotations

import copy
import hashlib
import io
import itertools
import json
import logging
import os
import pickle
import traceback
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.core.secrets import ALPHABET, PLAIN_KEY, KeyForm, Secret, digest, mint

VALUE = "hunter2-hunter2"


def in_a_log(secret: Secret) -> str:
    """What the standard library's log makes of a secret."""
    out = io.StringIO()
    record = logging.LogRecord("name", logging.INFO, "path", 1, "%s %r", (secret, secret), None)
    logging.StreamHandler(out).emit(record)
    return out.getvalue()


def in_a_traceback(secret: Secret) -> str:
    """What a traceback shows that prints local variables."""
    try:
        int(secret)  # type: ignore[call-overload]
    except TypeError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    raise AssertionError("a secret is no number")


SHOWN: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "f-string": lambda secret: f"{secret} {secret!r} {secret!s} {secret!a} {secret:>20}",
    "format": lambda secret: f"{secret} {secret:^30}",
    "container": lambda secret: str([secret, {"secret": secret}, (secret,)]),
    "log": in_a_log,
    "traceback": in_a_traceback,
}


@pytest.mark.parametrize("way", SHOWN)
def test_a_secret_does_not_show(way: str) -> None:
    """Whichever way a secret is printed, what is printed is not the secret."""
    shown = SHOWN[way](Secret(VALUE))
    assert "hunter2" not in shown
    assert "Secret(…)" in shown.replace("\\u2026", "…")


def test_a_secret_is_not_carried_out() -> None:
    """A secret cannot be pickled, copied or put in JSON by accident."""
    ways: list[Callable[[Secret], object]] = [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars]
    for leave in ways:
        with pytest.raises(TypeError) as error:
            leave(Secret(VALUE))
        assert "hunter2" not in str(error.value)


def test_a_secret_is_revealed_on_demand() -> None:
    """There is one way out, and it has a name to look for."""
    assert Secret(VALUE).reveal() == VALUE


@given(st.text(), st.text())
def test_T_03_secrets_are_compared_by_value(one: str, other: str) -> None:
    """Two secrets are equal when their values are, whatever they are made of, and then they hash alike."""
    assert (Secret(one) == Secret(other)) == (one == other)
    assert hash(Secret(one)) == hash(Secret(one))


def test_half_a_character_can_be_compared() -> None:
    """A lone surrogate, which JSON can spell, breaks no comparison."""
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("\ud800") != Secret("\ud801")
    assert len(digest(Secret("\ud800"))) == 32


def test_a_secret_equals_no_string() -> None:
    """A secret is not mistaken for the string it holds."""
    assert Secret(VALUE) != VALUE


def test_the_digest_is_sha_256() -> None:
    """What is stored of a secret is the SHA-256 of its UTF-8 (FIPS 180-4)."""
    assert digest(Secret("abc")).hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(Secret("ключ")) == hashlib.sha256("ключ".encode()).digest()


def test_the_hint_is_its_beginning() -> None:
    """Six characters tell an owner's keys apart, and leave 200 bits to guess."""
    assert PLAIN_KEY.hint(Secret("abcdefghij")) == "abcdef"


def test_a_key_looks_as_its_dialect_wants_it() -> None:
    """After its prefix stand forty letters and digits, or 32 random bytes in base64; the hint goes three beyond it."""
    assert len(KeyForm("k_").mint(os.urandom).reveal()) == len("k_") + 40
    form = KeyForm("ptr_", in_base64=True)
    key = form.mint(lambda length: bytes(range(length)))
    assert key.reveal() == "ptr_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert form.hint(key) == "ptr_AAE"


@given(st.integers(1, 200), st.text(ALPHABET, max_size=8), st.integers())
def test_a_minted_secret_is_letters_and_digits(length: int, prefix: str, seed: int) -> None:
    """A secret is as long as asked, after its prefix, and needs no escape: it never starts with a hyphen."""
    minted = mint(Random(seed).randbytes, length=length, prefix=prefix).reveal()
    assert minted.startswith(prefix)
    assert len(minted) == len(prefix) + length
    assert set(minted) <= set(ALPHABET)


def test_every_letter_is_as_likely() -> None:
    """Of all bytes the same number makes each letter, and those left over make none."""
    all_bytes = itertools.cycle(bytes(range(256)))
    minted = mint(lambda n: bytes(itertools.islice(all_bytes, n)), length=248 * 10)
    assert set(Counter(minted.reveal()).values()) == {40}
    assert len(ALPHABET) == len(set(ALPHABET)) == 62


def test_unlucky_dice_are_thrown_again() -> None:
    """Bytes that would favour the first letters are thrown away, and others asked for."""
    throws = iter([b"\xff\xf8\x00", b"\xfe\x01\x02", b"\x3d\x3e\x3f"])
    assert mint(lambda _: next(throws), length=3).reveal() == "012"


def test_S_01_a_secret_has_238_bits() -> None:
    """Unless told otherwise a secret is 40 characters long, and no two of ten thousand are alike."""
    minted = {mint(os.urandom).reveal() for _ in range(10_000)}
    assert len(minted) == 10_000
    assert {len(each) for each in minted} == {40}
