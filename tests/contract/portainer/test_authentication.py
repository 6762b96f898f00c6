"""POST /api/auth: who is let in, by what token and cookie, and each way of being refused (contract §1.1, §2.1)."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import MASTER_KEY
from tests.contract.portainer.speech import (
    INVALID,
    House,
    assert_refused,
    assert_says,
    claims_of,
    visiting,
)
from tests.fakes import PASSWORD, FakeClock, cheap_hasher, do
from tests.running import configured, running

from dragoman.core import accounts

WRONG = "wrong-horse-7-battery"
REFUSED = (422, "Invalid credentials", "Unauthorized")


def test_a_sign_in_gives_a_token_and_the_same_as_a_cookie(house: House) -> None:
    """The body has `jwt` alone; the cookie has it, too, and ends with it, for pages of this site alone (§1.1)."""
    account = house.account()
    response = house.log_in(account.username)
    jwt = response.json()["jwt"]
    assert_says(response, 200, {"jwt": jwt})
    expires = (house.clock.now + timedelta(hours=8)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    cookie = f"portainer_api_key={jwt}; Path=/; Expires={expires}; HttpOnly; SameSite=Strict"
    assert response.headers.get_list("set-cookie") == [cookie]
    assert response.headers["x-csrf-token"] == ""
    assert "vary" not in response.headers
    assert house.is_good(jwt)


def test_a_token_says_what_portainers_does(house: House) -> None:
    """HS256, the eight claims and no other; a number for whoever it is, a UUID for the session (§2.1)."""
    account = house.account(username="Claire", is_admin=True)
    header, claims = claims_of(house.log_in("claire").json()["jwt"])
    now = int(house.clock.now.timestamp())
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert uuid.UUID(claims["jti"]).version == 4
    assert {name: value for name, value in claims.items() if name != "jti"} == {
        "id": account.number,
        "username": "claire",
        "role": 1,
        "scope": "default",
        "forceChangePassword": False,
        "exp": now + 8 * 3600,
        "iat": now,
    }


def test_a_standard_user_has_another_role(house: House) -> None:
    """Administrators are role 1, everybody else 2."""
    _, claims = claims_of(house.log_in(house.account().username).json()["jwt"])
    assert claims["role"] == 2


@pytest.mark.parametrize("name", ["Username", "USERNAME", "userName"])
def test_keys_count_in_any_case(house: House, name: str) -> None:
    """Several clients write `Username` and `Password`, and are understood (§0)."""
    account = house.account()
    assert house.ask("POST", "/auth", json={name: account.username, "PassWord": PASSWORD}).status_code == 200


def test_of_two_spellings_the_last_counts(house: House) -> None:
    """As Go reads an object from its beginning to its end, so a later key replaces an earlier one."""
    account = house.account()
    body = {"username": "nobody", "USERNAME": account.username, "password": PASSWORD}
    assert house.ask("POST", "/auth", json=body).status_code == 200


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", None]
)
def test_the_content_type_is_not_looked_at(house: House, kind: str | None) -> None:
    """A body of JSON is one, whatever the header says (§0)."""
    account = house.account()
    body = json.dumps({"username": account.username, "password": PASSWORD, "remember": {"me": True}}).encode()
    headers = {} if kind is None else {"content-type": kind}
    assert house.ask("POST", "/auth", content=body, headers=headers).status_code == 200
    assert (
        house.ask("POST", "/auth", content=b"\n " + body + b"} trailing", headers=headers).status_code == 200
    )


@pytest.mark.parametrize("spelt", ["ADA-1", "ada-1", "Ada-1@Example.org"])
def test_names_count_in_any_case(house: House, spelt: str) -> None:
    """A username is looked up whatever its case (§2.7); an e-mail address will do."""
    if house.log_in("ada-1").status_code != 200:
        house.account(username="ada-1", email="ada-1@example.org")
    assert house.log_in(spelt).status_code == 200


BODIES: Mapping[str, tuple[bytes, str]] = {
    "no username": (b'{"password":"x"}', "Invalid username"),
    "empty username": (b'{"username":"","password":""}', "Invalid username"),
    "null username": (b'{"username":null,"password":"x"}', "Invalid username"),
    "no password": (b'{"username":"admin"}', "Invalid password"),
    "empty password": (b'{"username":"admin","password":""}', "Invalid password"),
    "null": (b"null", "Invalid username"),
    "empty object": (b"{}", "Invalid username"),
    "empty body": (b"", "EOF"),
    "blank body": (b" \n", "EOF"),
}


@pytest.mark.parametrize("given", BODIES)
def test_what_is_missing_is_named(house: House, given: str) -> None:
    """The username is asked for before the password; an empty body is Go's end of file (§1.1)."""
    body, details = BODIES[given]
    assert_refused(house.ask("POST", "/auth", content=body), 400, INVALID, details)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"username=admin",
        b"[]",
        b'"admin"',
        b"7",
        b'{"username":5,"password":"x"}',
        b'{"username":"","password":true}',
        b'{"username":{},"password":"x"}',
        b"\xff\xfe",
        b"[" * 9000,
    ],
)
def test_what_is_no_json_or_of_another_type_is_named_so(house: House, body: bytes) -> None:
    """Types are judged before values; the text is the parser's, and begins with its name (§1.1)."""
    response = house.ask("POST", "/auth", content=body)
    assert response.status_code == 400
    assert response.json()["message"] == INVALID
    assert response.json()["details"].startswith("Json: ")


def test_what_is_too_large_is_not_read(house: House) -> None:
    """A body that is longer than any is refused before it is read."""
    response = house.ask("POST", "/auth", content=b" " * (2 << 20))
    assert response.status_code == 413
    assert response.json()["message"] == INVALID


def test_unknown_names_and_wrong_passwords_are_refused_alike(house: House) -> None:
    """422, never 401, for a wrong password, an unknown name, and an account that is disabled (§1.1)."""
    account, disabled, bare = house.account(), house.account(), house.account(password=None)
    do(house.core, accounts.disable, disabled.number)
    assert_refused(house.log_in(account.username, WRONG), *REFUSED)
    assert_refused(house.log_in("nobody-at-all", WRONG), *REFUSED)
    assert_refused(house.log_in(disabled.username), *REFUSED)
    assert_refused(house.log_in(bare.username), *REFUSED)


def test_P_05_a_password_beyond_measure_is_not_hashed(house: House) -> None:
    """More than four KiB are refused unhashed, in the payload's words."""
    assert_refused(house.log_in("admin", "x" * 5000), 400, INVALID, "Invalid password")


def test_guessing_ends_in_the_limiters_answer(own: House) -> None:
    """Whoever guesses too often is told what Portainer's limiter tells, and when to come back (§2.5)."""
    own.account(username="victim")
    answers = [own.log_in("victim", WRONG) for _ in range(12)]
    assert {answer.status_code for answer in answers[:11]} == {422}
    assert_refused(answers[11], 403, "Access denied", "Access denied to resource")
    assert int(answers[11].headers["retry-after"]) >= 1
    own.clock.forward(minutes=5)
    assert own.log_in("victim").status_code == 200


@pytest.mark.parametrize(("length", "forced"), [(11, True), (12, False)])
def test_a_short_password_is_to_be_changed(house: House, length: int, *, forced: bool) -> None:
    """It signs in with full power, and token and profile say that it is to be changed (§2.1)."""
    password = "zebra-4-lamp"[:length]
    account = house.account(password=password)
    jwt = house.log_in(account.username, password).json()["jwt"]
    assert claims_of(jwt)[1]["forceChangePassword"] == forced
    assert house.ask("GET", "/users/me", jwt).json()["forceChangePassword"] == forced


def test_whoever_must_change_their_password_is_told_so(house: House) -> None:
    """What another dialect or the operator asked for is said here, too."""
    account = house.account(must_change_password=True)
    assert claims_of(house.log_in(account.username).json()["jwt"])[1]["forceChangePassword"] is True


CREDENTIALS = {"x-api-key": "ptr_x", "authorization": "Bearer x"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/auth"), ("POST", "/auth/logout"), ("GET", "/users/me"), ("GET", "/status"), ("GET", "/nope")],
)
def test_two_credentials_are_one_too_many(house: House, method: str, path: str) -> None:
    """`X-API-KEY` and `Authorization` together are refused on every path, sign-in and nowhere included (§1.1)."""
    refusal = "api key and auth header are not allowed at the same time"
    response = house.ask(method, path, headers=CREDENTIALS)
    assert_refused(response, 403, refusal, "Api key and auth header are not allowed at the same time")
    for one in CREDENTIALS:
        alone = house.ask(method, path, headers={**CREDENTIALS, one: ""})
        assert alone.status_code != 403


@pytest.mark.parametrize(
    ("told", "headers", "is_secure"),
    [
        ({}, {}, False),
        ({}, {"x-forwarded-proto": "https"}, False),
        ({"server": {"trusted_proxies": "127.0.0.0/8"}}, {"x-forwarded-proto": "https"}, True),
        ({"dialects": {"portainer": {"force_secure_cookies": True}}}, {}, True),
    ],
)
def test_S_02_the_cookie_is_for_tls_alone_where_there_is_tls(
    tmp_path: Path, told: dict[str, Any], headers: dict[str, str], *, is_secure: bool
) -> None:
    """`Secure` is there over TLS, also behind a proxy that is trusted, and where settings force it (§1.1 [N])."""
    settings = configured(f"sqlite:///{tmp_path}/dragoman.db", master_key=MASTER_KEY, **told)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        house.account(username="admin")
        (cookie,) = house.log_in("admin", headers=headers).headers.get_list("set-cookie")
        assert ("; HttpOnly; Secure; SameSite=Strict" in cookie) == is_secure
        (gone,) = house.ask("POST", "/auth/logout", headers=headers).headers.get_list("set-cookie")
        assert ("; HttpOnly; Secure; SameSite=Strict" in gone) == is_secure


def test_a_session_is_as_long_as_settings_say(tmp_path: Path) -> None:
    """`session_hours` is the token's life and the session's; when it is over, the token is refused (§2.1)."""
    told = {"dialects": {"portainer": {"session_hours": 2}}}
    settings = configured(f"sqlite:///{tmp_path}/dragoman.db", master_key=MASTER_KEY, **told)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        house.account(username="admin", is_admin=True)
        jwt = house.log_in("admin").json()["jwt"]
        _, claims = claims_of(jwt)
        assert claims["exp"] - claims["iat"] == 7200
        assert house.ask("GET", "/settings", jwt).json()["UserSessionTimeout"] == "2h"
        house.clock.forward(hours=2, seconds=-1)
        assert house.is_good(jwt)
        house.clock.forward(seconds=1)
        assert not house.is_good(jwt)


def test_while_people_sign_in_elsewhere_one_password_is_left(tmp_path: Path) -> None:
    """With a provider only account 1 signs in by password; nobody else is even looked up to a hash (§1.1, §2.7)."""
    told = {"dialects": {"portainer": {"authentication_method": "oauth"}}}
    settings = configured(f"sqlite:///{tmp_path}/dragoman.db", master_key=MASTER_KEY, **told)
    with running(settings, cheap_hasher(), FakeClock()) as served, visiting(served) as house:
        house.account(username="admin", is_admin=True)
        house.account(username="other")
        assert house.log_in("admin").status_code == 200
        for name in ("other", "nobody"):
            assert_refused(
                house.log_in(name),
                422,
                "Only initial admin is allowed to login without oauth",
                "Unauthorized",
            )


def test_a_token_is_spelt_as_a_cookie_and_a_header_can_carry_it(house: House) -> None:
    """Three parts of base64url and two dots, and nothing that would end a cookie."""
    jwt = house.log_in(house.account().username).json()["jwt"]
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", jwt, re.ASCII)
