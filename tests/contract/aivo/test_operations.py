"""Aivo's operations, to the field: what a sign-in, a refresh, a logout and a profile answer (contract §1, §3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwk, jwt
from tests.contract.aivo.speech import (
    JSON,
    NO_SIGN_IN,
    ORIGIN,
    UNAUTHORIZED,
    House,
    pair,
    refused,
)
from tests.fakes import NEW_PASSWORD, PASSWORD, do
from tests.people import opened

from dragoman.core import accounts, keys, password_change
from dragoman.core.accounts import Changes
from dragoman.core.keys import Signing
from dragoman.core.secrets import Secret

USER: dict[str, Any] = {
    "id": "",
    "email": "ada@example.org",
    "firstName": "Ada",
    "lastName": "King Lovelace",
    "role": "super_admin",
    "tenantId": "00000000-0000-4000-8000-000000000001",
    "status": "active",
    "avatar": None,
    "lastLoginAt": "2026-01-05T09:30:00Z",
    "createdAt": "2026-01-05T09:30:00Z",
    "updatedAt": "2026-01-05T09:30:00Z",
}


def claims_of(house: House, token: str) -> dict[str, Any]:
    """What a token claims to somebody who knows the published keys alone."""
    published: Any = house.ask("GET", "/.well-known/jwks.json").json()
    read = jwt.decode(token, jwk.KeySet.import_key_set(published), algorithms=["ES256"])
    assert read.header == {"alg": "ES256", "typ": "JWT", "kid": read.header["kid"]}
    return dict(read.claims)


# --- answers --------------------------------------------------------------------------------------------


def test_each_answer_has_exactly_its_fields(own: House) -> None:
    """Sign-in and refresh give both tokens, the user and whole seconds, in camelCase; logout gives nothing."""
    ada = own.person(email="ada@example.org", display_name="Ada King Lovelace", is_admin=True)
    user = {**USER, "id": str(ada.id)}
    entered = own.call("login", body={"email": "ada@example.org", "password": PASSWORD})
    assert (entered.status_code, entered.headers["content-type"]) == (200, JSON)
    assert entered.headers["cache-control"] == "no-store"
    first = pair(entered)
    assert list(first.answer) == ["accessToken", "refreshToken", "user", "expiresIn"]
    assert first.answer["user"] == user
    assert list(first.answer["user"]) == list(USER)
    assert entered.text.endswith('"expiresIn":900}')

    own.clock.forward(minutes=20)
    renewed = own.refresh(first)
    assert (renewed.status_code, renewed.headers["cache-control"]) == (200, "no-store")
    second = pair(renewed)
    assert list(second.answer) == list(first.answer)
    assert second.answer["user"] == user, "a refresh is no sign-in: lastLoginAt stays"

    me = own.call("me", second.access)
    assert (me.status_code, me.json()) == (200, user)

    gone = own.call("logout", second.access)
    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-type" not in gone.headers


def test_a_later_sign_in_is_shown(house: House) -> None:
    """`lastLoginAt` is the sign-in whose answer it stands in."""
    person = house.person()
    house.log_in(person)
    house.clock.forward(hours=1)
    shown = house.log_in(person).answer["user"]
    assert shown["lastLoginAt"].startswith("2026-01-05T")
    assert shown["lastLoginAt"] > shown["createdAt"]


SAID = {
    "role": "instructor",
    "tenantId": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "avatar": "https://example.org/ada.png",
    "firstName": "Augusta Ada",
    "lastName": "King",
}


def test_what_the_account_says_for_aivo_is_shown(house: House) -> None:
    """Role, tenant, avatar and both names come from the account's attributes where they are there."""
    person = house.person(display_name="Ada", attributes={"aivo": SAID})
    held = house.log_in(person)
    assert SAID.items() <= held.answer["user"].items()
    claims = claims_of(house, held.access)
    assert (claims["role"], claims["tenant_id"]) == (SAID["role"], SAID["tenantId"])


@pytest.mark.parametrize("said", [{}, {"role": "owner"}, {"role": None, "tenantId": None}])
def test_what_it_does_not_say_is_valid_all_the_same(house: House, said: dict[str, Any]) -> None:
    """A role outside the four, a tenant or a last name that is missing: a client is shown something it accepts."""
    shown = house.log_in(house.person(display_name="Ada", attributes={"aivo": said})).answer["user"]
    assert (shown["role"], shown["tenantId"]) == ("learner", USER["tenantId"])
    assert (shown["firstName"], shown["lastName"]) == ("Ada", "")


@pytest.mark.parametrize("name", ["{}", "{} ", " {}\t"])
def test_an_address_is_trimmed_and_read_in_any_case(house: House, name: str) -> None:
    """Who types blanks around their address, or capitals in it, signs in."""
    person = house.person()
    for spelt in (person.address, person.address.upper()):
        body = {"email": name.format(spelt), "password": PASSWORD}
        assert house.call("login", body=body).status_code == 200


def test_an_account_without_an_address_signs_in_by_what_it_is_shown_with(house: House) -> None:
    """A username alone is shown as an address, and that address signs in."""
    robot = house.person(email=None, username="robot-of-aivo")
    assert house.log_in(robot).answer["user"]["email"] == "robot-of-aivo@local"


# --- the access token -----------------------------------------------------------------------------------


def test_an_access_token_is_verified_by_the_published_keys(house: House) -> None:
    """Another service learns account, session, role, tenant and life from the token; no e-mail address is in it."""
    person = house.person()
    held = house.log_in(person)
    claims = claims_of(house, held.access)
    assert list(claims) == ["iss", "aud", "sub", "sid", "jti", "role", "tenant_id", "iat", "exp"]
    assert (claims["iss"], claims["aud"], claims["sub"]) == ("dragoman", "aivo", str(person.id))
    now = int(house.clock.now.timestamp())
    assert (claims["iat"], claims["exp"]) == (now, now + 900)
    renewed = claims_of(house, pair(house.refresh(held)).access)
    assert renewed["sid"] == claims["sid"]
    assert renewed["jti"] != claims["jti"]


def test_the_key_set_may_be_kept_for_a_while(house: House) -> None:
    """The key set is for everybody, holds public halves alone, and says how long it may be kept."""
    house.log_in(house.person())
    answer = house.ask("GET", "/.well-known/jwks.json")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=300")
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_an_access_token_expires_to_the_second(house: House) -> None:
    """It is let in until the second it says, and refused from then on."""
    held = house.log_in(house.person())
    house.clock.forward(seconds=899)
    assert house.lives(held)
    house.clock.forward(seconds=1)
    refused(house.call("me", held.access), 401, UNAUTHORIZED)


def test_an_access_token_does_not_outlive_its_session(house: House) -> None:
    """Near the end of the thirty days `expiresIn` is what is left, and so is the token's life."""
    held = house.log_in(house.person())
    for _ in range(2):
        house.clock.forward(days=13)
        held = pair(house.refresh(held))
    house.clock.forward(days=4, seconds=-60)
    last = pair(house.refresh(held))
    assert last.answer["expiresIn"] == 60
    claims = claims_of(house, last.access)
    assert claims["exp"] - claims["iat"] == 60
    house.clock.forward(seconds=60)
    assert house.refresh(last).status_code == 401


ELSEWHERE = {"iss": "somebody", "aud": "aivo"}, {"iss": "dragoman", "aud": "another"}


@pytest.mark.parametrize("claimed", ELSEWHERE, ids=["issuer", "audience"])
def test_a_token_for_others_is_refused(house: House, claimed: dict[str, str]) -> None:
    """A token that our key signed for another issuer or audience is let in nowhere."""
    session, _ = opened(house.core, house.person(), origin=ORIGIN)
    facts = {**claimed, "sid": str(session.id)}
    token = do(house.core, keys.sign, Signing("ES256", timedelta(minutes=15)), facts, origin=ORIGIN)
    refused(house.call("me", token.reveal()), 401, UNAUTHORIZED)
    good = {"iss": "dragoman", "aud": "aivo", "sid": str(session.id)}
    token = do(house.core, keys.sign, Signing("ES256", timedelta(minutes=15)), good, origin=ORIGIN)
    assert house.call("me", token.reveal()).status_code == 200


# --- how it ends ----------------------------------------------------------------------------------------


def test_S_05_a_logout_ends_both_tokens_at_once(house: House) -> None:
    """After a logout neither token of the session is good, whoever holds it; another session goes on."""
    person = house.person()
    first, other = house.log_in(person), house.log_in(person)
    second = pair(house.refresh(first))
    assert house.call("logout", first.access).status_code == 204
    for held in (first, second):
        refused(house.call("me", held.access), 401, UNAUTHORIZED)
        assert house.refresh(held).status_code == 401
    refused(house.call("logout", second.access), 401, UNAUTHORIZED)
    assert house.lives(other)


def test_a_new_password_ends_every_session(house: House) -> None:
    """Whoever signed in by the old password is out, by both tokens, and the new one lets in."""
    person = house.person()
    held = house.log_in(person)
    new = Secret(NEW_PASSWORD)
    password_change.set_password(house.core, ORIGIN, person, new, sign_out=False)
    assert not house.lives(held)
    assert house.refresh(held).status_code == 401
    old = house.call("login", body={"email": person.address, "password": PASSWORD})
    refused(old, 401, NO_SIGN_IN)
    assert house.lives(house.log_in(person, NEW_PASSWORD))


def test_a_disabled_account_is_out_at_once(house: House) -> None:
    """Neither token of a disabled account is good; enabled again, both are, if they have not ended meanwhile."""
    person = house.person()
    held = house.log_in(person)
    do(house.core, accounts.disable, person.number, origin=ORIGIN)
    refused(house.call("me", held.access), 401, UNAUTHORIZED)
    assert house.refresh(held).status_code == 401
    do(house.core, accounts.enable, person.number, origin=ORIGIN)
    assert house.lives(held)
    assert house.refresh(held).status_code == 200


def test_a_rename_is_seen_at_once(house: House) -> None:
    """The profile is the account's as it is now, not as the token's sign-in found it."""
    person = house.person()
    held = house.log_in(person)
    do(house.core, accounts.change, person.number, Changes(display_name="Grace Hopper"), origin=ORIGIN)
    assert house.call("me", held.access).json()["lastName"] == "Hopper"
