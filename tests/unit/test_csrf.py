"""Tokens against forged requests: what a signature holds for, what a mask gives away, whose page is trusted."""

from __future__ import annotations

import base64
import os
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import START

from dragoman.csrf import is_trusted_page, key_for, masked, matches, mistrusted, opened, signed

KEY = key_for("a session's secret")
TOKEN = bytes(range(32))
COOKIE = signed(TOKEN, KEY, "csrf", START)


def test_a_signed_token_is_the_wire_form_of_the_go_library() -> None:
    """144 characters: base64url of the instant, the token as a JSON string, and an HMAC-SHA256 (contract §2.4)."""
    assert len(COOKIE) == 144
    instant, text, _ = base64.urlsafe_b64decode(COOKIE).split(b"|", 2)
    assert int(instant) == int(START.timestamp())
    assert base64.urlsafe_b64decode(text) == b'"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="\n'


def test_a_token_opens_for_its_session_its_name_and_twelve_hours() -> None:
    """A cookie is good with the secret, under the name and in the time that it was made for, and else it is none."""
    assert opened(COOKIE, KEY, "csrf", START) == TOKEN
    assert opened(COOKIE, KEY, "csrf", START + timedelta(hours=12, seconds=-1)) == TOKEN
    assert opened(COOKIE, KEY, "csrf", START + timedelta(hours=12)) is None
    assert opened(COOKIE, key_for("another"), "csrf", START) is None
    assert opened(COOKIE, KEY, "other", START) is None


@given(st.integers(0, 143), st.characters(codec="ascii"))
def test_a_cookie_that_was_tampered_with_opens_nothing(place: int, letter: str) -> None:
    """Whatever character is changed, the cookie is none; unless it still spells the same bytes."""
    changed = COOKIE[:place] + letter + COOKIE[place + 1 :]
    token = opened(changed, KEY, "csrf", START)
    assert token is None or (
        token == TOKEN and base64.urlsafe_b64decode(changed) == base64.urlsafe_b64decode(COOKIE)
    )


@given(st.text(max_size=300))
def test_nonsense_is_neither_cookie_nor_token(text: str) -> None:
    """Whatever a stranger sends is refused, and breaks nothing."""
    assert opened(text, KEY, "csrf", START) is None
    assert not matches(text, TOKEN)


def test_a_cookie_beyond_measure_is_not_looked_at() -> None:
    """What is longer than any cookie of ours is none."""
    assert opened(COOKIE + " " * 5000, KEY, "csrf", START) is None


@given(st.binary(min_size=32, max_size=32))
def test_a_token_is_told_otherwise_each_time_and_always_known_again(token: bytes) -> None:
    """Each mask makes another 88 characters of it; each of them is the token, and no other's."""
    first, second = masked(token, os.urandom), masked(token, os.urandom)
    assert first != second
    assert len(first) == len(second) == 88
    assert matches(first, token)
    assert matches(second, token)
    assert not matches(first, os.urandom(32))


def test_half_a_token_is_none() -> None:
    """A token without its mask, or with more behind it, is not taken for one."""
    assert not matches(base64.b64encode(TOKEN).decode(), TOKEN)
    assert not matches(masked(TOKEN, os.urandom) + "AAAA", TOKEN)
    assert not matches("", TOKEN)


@pytest.mark.parametrize(
    ("page", "is_ours"),
    [
        ("https://id.example.org", True),
        ("https://id.example.org:443/portainer/#!/home", True),
        ("https://ID.example.org", True),
        ("https://friend.example.org", True),
        ("https://friend.example.org:8443", False),
        ("http://id.example.org", False),
        ("https://id.example.org:8443", False),
        ("https://id.example.org.evil.example", False),
        ("https://evil.example/https://id.example.org", False),
        ("https://id.example.org@evil.example", False),
        ("null", False),
        ("", False),
        ("https://", False),
        ("https://id.example.org:port", False),
        ("https://[::1", False),
        ("javascript:alert(1)", False),
    ],
)
def test_pages_are_told_apart_by_origin(page: str, *, is_ours: bool) -> None:
    """Scheme, host and port make an origin (RFC 6454 §4): ours, and those that settings trust, and no others."""
    assert is_trusted_page(page, "https://id.example.org", ["https://friend.example.org"]) == is_ours


@pytest.mark.parametrize(
    ("origin", "referer", "secure", "why"),
    [
        (None, None, False, None),
        ("http://id.example.org", None, False, None),
        ("https://evil.example", None, False, "origin invalid"),
        ("https://friend.example.org", "https://evil.example/x", True, None),
        (None, None, True, "referer not supplied"),
        (None, "https://evil.example/x", True, "referer invalid"),
        (None, "https://id.example.org/x", True, None),
    ],
)
def test_a_page_is_known_by_what_the_browser_says(
    origin: str | None, referer: str | None, *, secure: bool, why: str | None
) -> None:
    """The Origin decides where there is one; over TLS else the Referer, which is then always there."""
    trusted = ["https://friend.example.org"]
    found = mistrusted(origin, referer, secure=secure, host="id.example.org", trusted=trusted)
    assert found == why
