"""Signing keys: what is signed is verified by exactly its algorithm, keys change, and nobody else signs."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws, jwt
from sqlalchemy import update
from tests.fakes import ORIGIN, FakeClock, do
from tests.people import events, opened, rows, sealing, somebody
from tests.racing import at_once

from dragoman.core import accounts, keys, session_ends, sessions, sweep
from dragoman.core.errors import SessionRefused, TooMany
from dragoman.core.keys import Signing, signing_keys
from dragoman.core.principals import Named, Presented, identify
from dragoman.core.sealing import SealBroken
from dragoman.core.secrets import Secret
from dragoman.core.work import Core

ASYMMETRIC = Signing("ES256", timedelta(minutes=15))
SYMMETRIC = Signing("HS256", timedelta(hours=8), names_key=False)
EACH = pytest.mark.parametrize("signing", [ASYMMETRIC, SYMMETRIC], ids=lambda s: s.algorithm)
ELSEWHERE = replace(ORIGIN, dialect="strict")


@pytest.fixture
def sealed(core: Core) -> Core:
    """A core on each engine that can seal."""
    return sealing(core)


@pytest.fixture
def sealed_sqlite(sqlite_core: Core) -> Core:
    """A core that can seal, for what no engine can change."""
    return sealing(sqlite_core)


@pytest.fixture(scope="module")
def kept_core(kept_core: Core) -> Core:
    """The same, with a key that signs."""
    signed(kept_core)
    return kept_core


def signed(core: Core, signing: Signing = ASYMMETRIC, *, origin: Any = ORIGIN, **claims: Any) -> Secret:
    """A token, signed in a unit of its own."""
    return do(core, keys.sign, signing, claims or {"sub": "alice"}, origin=origin)


def verified(core: Core, token: Secret, signing: Signing = ASYMMETRIC, **named: Any) -> dict[str, Any]:
    """Its claims, as a unit of its own that reads finds them."""
    with core.begin(named.pop("origin", ORIGIN), writes=False) as uow:
        return dict(keys.verify(uow, signing, token, **named))


def published(core: Core) -> list[dict[str, Any]]:
    """The public keys."""
    with core.begin(ORIGIN, writes=False) as uow:
        return [dict(key) for key in keys.public_keys(uow)]


def header(token: Secret) -> dict[str, Any]:
    """What a token says of itself."""
    segment = token.reveal().partition(".")[0]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=="))
    return decoded


def another_process(core: Core) -> Core:
    """A core on the same database that remembers nothing."""
    return Core(core.database, core.tools, core.rules)


# --- signing and verifying ------------------------------------------------------------------------------


@EACH
def test_what_is_signed_is_verified(sealed: Core, signing: Signing, clock: FakeClock) -> None:
    """A token holds the claims it was given, dated, and every process on the database verifies it."""
    token = signed(sealed, signing, sub="alice", id=7)
    now = int(clock.now.timestamp())
    claims = {"sub": "alice", "id": 7, "iat": now, "exp": now + int(signing.lifetime.total_seconds())}
    assert verified(sealed, token, signing) == claims
    assert verified(another_process(sealed), token, signing) == claims


def test_a_token_names_its_key_where_the_product_s_does(sealed_sqlite: Core) -> None:
    """The header is the product's own to the letter: with the key's id, or without."""
    made = [header(signed(sealed_sqlite, signing)) for signing in (ASYMMETRIC, SYMMETRIC)]
    kids = [row["kid"] for row in rows(sealed_sqlite, signing_keys) if row["algorithm"] == "ES256"]
    assert made == [{"alg": "ES256", "typ": "JWT", "kid": kids[0]}, {"alg": "HS256", "typ": "JWT"}]


@EACH
def test_a_token_ends(sealed: Core, signing: Signing, clock: FakeClock) -> None:
    """It is good until the second it says, by the unit's own instant; who asks may still read what it named."""
    token = signed(sealed, signing)
    clock.now += signing.lifetime - timedelta(microseconds=1)
    assert verified(sealed, token, signing)["sub"] == "alice"
    clock.now += timedelta(microseconds=1)
    with pytest.raises(SessionRefused):
        verified(sealed, token, signing)
    assert verified(sealed, token, signing, even_expired=True)["sub"] == "alice"


def test_anybody_can_verify_by_the_public_keys(sealed_sqlite: Core) -> None:
    """A JWT library that is given the published key set, and nothing else, accepts a token."""
    token = signed(sealed_sqlite)
    key_set: Any = {"keys": published(sealed_sqlite)}
    read = jwt.decode(token.reveal(), jwk.KeySet.import_key_set(key_set), algorithms=["ES256"])
    assert read.claims["sub"] == "alice"


def test_the_public_keys_hold_nothing_private(sealed_sqlite: Core) -> None:
    """A published key has its public half and its name; a key that both signs and verifies is not published."""
    signed(sealed_sqlite)
    signed(sealed_sqlite, SYMMETRIC, origin=ELSEWHERE)
    (shown,) = published(sealed_sqlite)
    assert shown.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    with sealed_sqlite.begin(ELSEWHERE, writes=False) as uow:
        assert list(keys.public_keys(uow)) == []


# --- what is refused ------------------------------------------------------------------------------------


def forged(core: Core, token: Secret) -> dict[str, str]:
    """What others could make of a good token and of what is published."""
    head, payload, signature = token.reveal().split(".")
    (public,) = published(core)
    stranger = jwk.ECKey.generate_key("P-256")
    kid = public["kid"]
    text = json.dumps(public).encode()

    def by(key: Any, protected: dict[str, Any]) -> str:
        registry = jws.JWSRegistry(algorithms=[protected["alg"]], strict_check_header=False)
        return jws.serialize_compact(protected, b'{"sub":"mallory","exp":9999999999}', key, registry=registry)

    def unsigned(protected: dict[str, Any]) -> str:
        first = base64.urlsafe_b64encode(json.dumps(protected).encode()).rstrip(b"=").decode()
        return f"{first}.{payload}."

    last = "A" if signature[-1] != "A" else "B"
    return {
        "nothing": "",
        "dots": "..",
        "no signature": f"{head}.{payload}.",
        "an altered signature": f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "a signature spelt otherwise": f"{head}.{payload}.{signature[:-1]}{last}",
        "a padded signature": f"{head}.{payload}.{signature}==",
        "other claims": f"{head}.{payload[:-4]}AAAA.{signature}",
        "no algorithm": unsigned({"alg": "none"}),
        "no algorithm, and the key's name": unsigned({"alg": "none", "kid": kid}),
        "a header that is a list": f"{base64.urlsafe_b64encode(b'[1]').decode()}.{payload}.{signature}",
        "a header as deep as a well": f"{base64.urlsafe_b64encode(b'[' * 2400).decode()}.{payload}.x",
        "a stranger's key": by(stranger, {"alg": "ES256"}),
        "a stranger's key under our name": by(stranger, {"alg": "ES256", "kid": kid}),
        "a key it brings along": by(
            stranger, {"alg": "ES256", "kid": kid, "jwk": stranger.as_dict(private=False)}
        ),
        "a key's name that is none": by(stranger, {"alg": "ES256", "kid": "0" * 32}),
        "the public key as a shared secret": by(jwk.OctKey.import_key(text), {"alg": "HS256", "kid": kid}),
        "too much": f"{head}.{'A' * 5000}.{signature}",
        "not ASCII": f"{head}.{payload}.\u017fignature",
        "half a pair": "\ud800",
    }


def test_what_others_made_is_refused(sealed_sqlite: Core) -> None:
    """No altered, unsigned or foreign token is verified, by whatever algorithm or key it asks to be."""
    token = signed(sealed_sqlite)
    for how, text in forged(sealed_sqlite, token).items():
        for even_expired in (False, True):
            with pytest.raises(SessionRefused):
                pytest.fail(f"{how}: {verified(sealed_sqlite, Secret(text), even_expired=even_expired)}")
    assert verified(sealed_sqlite, token)["sub"] == "alice"


def test_a_token_is_of_one_dialect_and_one_algorithm(sealed_sqlite: Core) -> None:
    """A dialect's keys verify nothing of another's, and nothing that another algorithm signed."""
    token = signed(sealed_sqlite)
    signed(sealed_sqlite, origin=ELSEWHERE)
    with pytest.raises(SessionRefused):
        verified(sealed_sqlite, token, origin=ELSEWHERE)
    with pytest.raises(SessionRefused):
        verified(sealed_sqlite, token, SYMMETRIC)


@given(st.text(alphabet=st.characters(max_codepoint=0x250), max_size=40), st.integers(0, 3))
def test_nothing_made_up_is_verified_or_breaks_anything(kept_core: Core, text: str, dots: int) -> None:
    """Whatever stands where a token should is refused, and never an accident."""
    for each in (text + "." * dots + text, f"eyJhbGciOiJFUzI1NiJ9.{text}.{text}"):
        with pytest.raises(SessionRefused):
            verified(kept_core, Secret(each))


# --- keys change ----------------------------------------------------------------------------------------


def test_the_first_key_is_made_once(sealed: Core) -> None:
    """Of many who need a key where there is none, one makes it, and all sign by it."""
    made = at_once(*[lambda: signed(another_process(sealed)) for _ in range(8)])
    tokens = [token for token in made if isinstance(token, Secret)]
    assert len(tokens) == 8, made
    assert len(rows(sealed, signing_keys)) == 1
    assert [verified(sealed, token)["sub"] for token in tokens] == ["alice"] * 8
    assert events(sealed).count("signing key made") == 1


def rotated(core: Core, **named: Any) -> str:
    """The next key, made in a unit of its own."""
    return do(core, keys.rotate, "immich", ASYMMETRIC, **named)


def test_after_a_rotation_the_new_key_signs_and_the_old_one_verifies(sealed: Core, clock: FakeClock) -> None:
    """What was signed before stays good until it ends; then the old key is gone, and swept."""
    before, other = signed(sealed), another_process(sealed)
    assert verified(other, before)["sub"] == "alice"
    kid = rotated(sealed)
    after = signed(other)
    assert header(after)["kid"] == kid != header(before)["kid"]
    # The other process has not seen the new key yet, and reads the keys anew for a name it does not know.
    assert verified(other, after)["sub"] == verified(other, before)["sub"] == "alice"
    assert [key["kid"] for key in published(sealed)] == [header(before)["kid"], kid]
    clock.forward(minutes=16)
    assert [key["kid"] for key in published(other)] == [kid]
    assert sweep.sweep(sealed, ORIGIN)["signing_keys"] == 1
    assert [row["kid"] for row in rows(sealed, signing_keys)] == [kid]


def test_a_key_that_got_out_is_refused_at_once(sealed: Core, clock: FakeClock) -> None:
    """What a withdrawn key signed is refused here at once, and within a second by every other process."""
    stolen, other = signed(sealed), another_process(sealed)
    assert verified(other, stolen)["sub"] == "alice"
    rotated(sealed, at_once=True)
    clock.forward(seconds=1)
    for each in (sealed, other):
        with pytest.raises(SessionRefused):
            verified(each, stolen, even_expired=True)
    assert verified(other, signed(other))["sub"] == "alice"
    # A key that was retired before, and was still good, goes with it.
    rotated(sealed)
    old = signed(sealed)
    rotated(sealed)
    rotated(sealed, at_once=True)
    with pytest.raises(SessionRefused):
        verified(sealed, old)


def test_who_rotates_at_the_same_instant_makes_one_key(sealed: Core) -> None:
    """Both are told of the same key, and it signs."""
    signed(sealed)
    made = at_once(*[lambda: rotated(another_process(sealed)) for _ in range(2)])
    newest = header(signed(sealed))["kid"]
    assert newest in made
    assert len(rows(sealed, signing_keys)) == 1 + len(set(map(str, made)))


def test_keys_do_not_pile_up(sealed_sqlite: Core) -> None:
    """No more than sixteen keys of a dialect verify; a withdrawal is never refused for that."""
    for _ in range(keys.MOST):
        rotated(sealed_sqlite)
    with pytest.raises(TooMany):
        rotated(sealed_sqlite)
    rotated(sealed_sqlite, at_once=True)
    with sealed_sqlite.begin(ORIGIN, writes=False) as uow:
        assert len(keys.listed(uow)) == len(keys.listed(uow, "immich")) == 1
        assert keys.listed(uow, "strict") == []


def test_a_dialect_that_signs_otherwise_gets_a_key_for_it(sealed_sqlite: Core) -> None:
    """Where the algorithm is another than the newest key's, a key is made for it, and the old one retires."""
    before = signed(sealed_sqlite)
    after = signed(sealed_sqlite, SYMMETRIC)
    assert verified(sealed_sqlite, before)["sub"] == verified(sealed_sqlite, after, SYMMETRIC)["sub"]
    retired = {row["algorithm"]: row["retired_at"] is not None for row in rows(sealed_sqlite, signing_keys)}
    assert retired == {"ES256": True, "HS256": False}


# --- what is stored -------------------------------------------------------------------------------------


def test_private_halves_are_sealed(sealed_sqlite: Core) -> None:
    """What lies in the database opens by the master key alone, and only in its own place."""
    signed(sealed_sqlite)
    signed(sealed_sqlite, origin=ELSEWHERE)
    first, second = rows(sealed_sqlite, signing_keys)
    swap = update(signing_keys).where(signing_keys.c.kid == first["kid"]).values(private=second["private"])
    with sealed_sqlite.begin(ORIGIN, writes=True) as uow:
        uow.db.execute(swap)
    dialect = replace(ORIGIN, dialect=first["dialect"])
    with pytest.raises(SealBroken):
        signed(another_process(sealed_sqlite), origin=dialect)


def test_a_core_without_a_master_key_signs_nothing(sqlite_core: Core) -> None:
    """A core that cannot seal says so, and makes no key that would lie open."""
    with pytest.raises(RuntimeError, match="without a master key"):
        signed(sqlite_core)
    assert rows(sqlite_core, signing_keys) == []


# --- what a token names ---------------------------------------------------------------------------------


def named(core: Core, session: sessions.Session, origin: Any = ORIGIN) -> str | None:
    """Who is calling by a session's name."""
    with core.begin(origin, writes=False) as uow:
        return identify(uow, Named(session.id, uow.now)).account.email


def test_a_token_names_a_session_and_lives_by_it(core: Core, clock: FakeClock) -> None:
    """Whoever a name leads to is found while the session lives, in its own dialect, and while its owner may."""
    account = somebody(core)
    session, _ = opened(core, account)
    assert named(core, session) == account.email
    with pytest.raises(SessionRefused):
        named(core, session, ELSEWHERE)
    do(core, accounts.disable, account.number)
    with pytest.raises(SessionRefused):
        named(core, session)
    do(core, accounts.enable, account.number)
    assert named(core, session) == account.email
    do(core, session_ends.end_all, account.number)
    with pytest.raises(SessionRefused):
        named(core, session)
    idle, _ = opened(core, account)
    clock.forward(days=90)
    with pytest.raises(SessionRefused):
        named(core, idle)


def test_nobody_is_let_in_by_a_token_that_was_not_verified(sqlite_core: Core) -> None:
    """A signed token as it was held up identifies nobody: its dialect has to say first what it names."""
    _, secret = opened(sqlite_core, somebody(sqlite_core))
    with sqlite_core.begin(ORIGIN, writes=False) as uow, pytest.raises(TypeError):
        identify(uow, Presented("signed", secret))
