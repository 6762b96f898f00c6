"""Tokens outlive restarts and no session: what ends one, on every node, and what is none (contract §2.1, §5)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.conftest import MASTER_KEY
from tests.contract.portainer.speech import (
    BAD_TOKEN,
    House,
    assert_empty,
    assert_refused,
    claims_of,
    visiting,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, cheap_hasher, do
from tests.running import configured, running

from dragoman.core import accounts, keys, session_ends, sessions
from dragoman.core.accounts import Account, Changes
from dragoman.core.sealing import Sealer
from dragoman.core.work import Origin
from dragoman.dialects.portainer import tokens
from dragoman.dialects.portainer.configuration import PortainerSettings

HERE = Origin("portainer")
SIGNING = tokens.signing(PortainerSettings(path="/portainer"))


def test_a_restart_ends_nobodys_session(owns: House, database_url: str) -> None:
    """A second server on the same database takes the tokens of the first: there is one key, and it is kept."""
    jwt = owns.token(owns.account())
    with (
        running(configured(database_url, master_key=MASTER_KEY), cheap_hasher(), owns.clock) as served,
        visiting(served) as other,
    ):
        assert other.is_good(jwt)
        by_cookie(other, jwt)
        assert not other.is_good(jwt)
        assert not owns.is_good(jwt)


def by_cookie(house: House, jwt: str) -> None:
    """Sign out as a page does that has read its token in the last answer (§1.2)."""
    cookie = f"portainer_api_key={jwt}"
    seen = house.ask("GET", "/users/me", headers={"cookie": cookie})
    forgery = seen.headers["set-cookie"].partition(";")[0]
    headers = {"cookie": f"{cookie}; {forgery}", "x-csrf-token": seen.headers["x-csrf-token"]}
    assert_empty(house.ask("POST", "/auth/logout", headers=headers), 204)


FATES: Mapping[str, Callable[[House, Account], object]] = {
    "password changed": lambda house, account: house.ask(
        "PUT",
        f"/users/{account.number}/passwd",
        house.token(account),
        json={"password": PASSWORD, "newPassword": NEW_PASSWORD},
    ),
    "password changed elsewhere": lambda house, account: do(
        house.core, session_ends.end_all, account.number, dialects=["portainer"]
    ),
    "role changed": lambda house, account: house.ask(
        "PUT", f"/users/{account.number}", house.token(house.admin()), json={"role": 1}
    ),
    "disabled": lambda house, account: do(house.core, accounts.disable, account.number),
    "deleted": lambda house, account: house.ask(
        "DELETE", f"/users/{account.number}", house.token(house.admin())
    ),
    "eight hours later": lambda house, _: house.clock.forward(hours=8),
}


@pytest.mark.parametrize("fate", FATES)
def test_what_ends_a_token(house: House, fate: str) -> None:
    """A token is void as soon as its session is, in the same second, whatever its claims say."""
    account = house.account()
    jwt = house.token(account)
    assert house.is_good(jwt)
    FATES[fate](house, account)
    assert_refused(house.ask("GET", "/users/me", jwt), 401, *BAD_TOKEN)


def test_what_a_token_says_of_its_owner_is_not_believed(house: House) -> None:
    """Role and name are read again with each request: who was made an administrator by another way is one."""
    account = house.account()
    jwt = house.token(account)
    do(house.core, accounts.change, account.number, Changes(username="renamed", is_admin=True))
    me = house.ask("GET", "/users/me", jwt).json()
    assert (me["Username"], me["Role"]) == ("renamed", 1)
    assert house.ask("GET", "/users", jwt).status_code == 200


def test_two_sessions_are_two_tokens(house: House) -> None:
    """Each sign-in has a `jti` of its own, and signing one out leaves the other (§5, JWT revocation)."""
    account = house.account()
    one, other = (house.log_in(account.username).json()["jwt"] for _ in range(2))
    assert claims_of(one)[1]["jti"] != claims_of(other)[1]["jti"]
    by_cookie(house, one)
    assert not house.is_good(one)
    assert house.is_good(other)


def test_an_older_key_verifies_what_it_signed(house: House) -> None:
    """After a rotation older tokens are good until they expire; new ones are signed by the new key."""
    account = house.account()
    before = house.token(account)
    do(house.core, keys.rotate, "portainer", SIGNING, origin=HERE)
    after = house.token(account)
    assert house.is_good(before)
    assert house.is_good(after)


def test_a_key_that_got_out_is_good_for_nothing(house: House) -> None:
    """A rotation at once voids all that the older keys signed, within a second on every node."""
    jwt = house.token(house.account())
    do(house.core, keys.rotate, "portainer", SIGNING, at_once=True, origin=HERE)
    house.clock.forward(seconds=1)
    assert not house.is_good(jwt)


def encoded(value: Any) -> str:
    """A part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def private_key(house: House) -> bytes:
    """The key that signs, as the database alone has it."""

    def unsealed(uow: Any) -> bytes:
        row = uow.db.execute(keys.signing_keys.select().order_by(keys.signing_keys.c.number.desc())).first()
        sealer: Sealer = uow.sealer
        return sealer.open(uow, row.private, table="signing_keys", column="private", row=row.kid)

    return do(house.core, unsealed, origin=HERE)


def forged(header: Mapping[str, Any], claims: Mapping[str, Any], key: bytes, digest: str = "sha256") -> str:
    """A token that is signed as told."""
    text = f"{encoded(header)}.{encoded(claims)}"
    signature = hmac.new(key, text.encode(), digest).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


FORGERIES: Mapping[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "no algorithm": ({"alg": "none"}, {}, None),
    "another key": ({}, {}, "another"),
    "HS384, though signed by the key": ({"alg": "HS384"}, {}, "sha384"),
    "HS512, though signed by the key": ({"alg": "HS512"}, {}, "sha512"),
    "expired": ({}, {"exp": 0}, "sha256"),
    "issued in the future": ({}, {"iat": 2**33}, "sha256"),
    "a scope of another kind": ({}, {"scope": "kubeconfig"}, "sha256"),
    "an unknown scope": ({}, {"scope": "testing"}, "sha256"),
    "a session that never was": ({}, {"jti": "00000000-0000-4000-8000-000000000000"}, "sha256"),
}


@pytest.mark.parametrize("how", FORGERIES)
def test_what_is_no_token_of_ours(house: House, how: str) -> None:
    """One algorithm, one key, this scope, now: everything else is refused, and alike (§2.1, §5)."""
    jwt = house.token(house.account())
    header, claims = claims_of(jwt)
    other_header, other_claims, signed = FORGERIES[how]
    key = hashlib.sha256(b"another").digest() if signed in (None, "another") else private_key(house)
    digest = signed if signed in ("sha384", "sha512") else "sha256"
    made = forged({**header, **other_header}, {**claims, **other_claims}, key, digest)
    if signed is None:
        made = made.rpartition(".")[0] + "."
    assert_refused(house.ask("GET", "/users/me", made), 401, *BAD_TOKEN)


def test_a_forgery_would_be_let_in_if_it_were_none(house: House) -> None:
    """What the forgeries are made by makes a good token, or they would prove nothing."""
    jwt = house.token(house.account())
    header, claims = claims_of(jwt)
    assert house.is_good(forged(header, claims, private_key(house)))


def test_a_token_of_another_dialect_is_none_here(house: House) -> None:
    """A session of another dialect is named by no token of this one."""
    account = house.account()

    def foreign(uow: Any) -> str:
        session, _ = sessions.open_session(uow, account.number, sessions.Device())
        claims = {"scope": "default", "jti": str(session.id)}
        return keys.sign(uow, SIGNING, claims).reveal()

    assert not house.is_good(do(house.core, foreign, origin=Origin("immich")))
