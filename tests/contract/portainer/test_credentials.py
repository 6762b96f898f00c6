"""Which credential a request holds up, and what bad ones are answered with (contract §2.2, and its list in §5)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.contract.portainer.speech import (
    BAD_TOKEN,
    NO_TOKEN,
    NOT_ADMIN,
    House,
    assert_refused,
)
from tests.fakes import do

from dragoman.core import accounts

# What is held up, in the order in which it is looked for: `good` and `bad` stand for a credential.
FIRST_DECIDES = {
    "mwAuthenticateFirst: no lookups": ({}, None),
    "mwAuthenticateFirst: lookup succeeds": ({"authorization": "good"}, True),
    "mwAuthenticateFirst: lookup errors": ({"authorization": "bad"}, False),
    "mwAuthenticateFirst: success then error": ({"x-api-key": "good", "cookie": "bad"}, True),
    "mwAuthenticateFirst: error then success": ({"x-api-key": "bad", "cookie": "good"}, False),
    "mwAuthenticateFirst: empty then error then success": (
        {"cookie": "bad", "authorization": "good"},
        False,
    ),
    "cookie extraction: good": ({"cookie": "good"}, True),
    "cookie extraction: empty": ({"cookie": "empty", "authorization": "good"}, False),
    "bearer extraction: no header": ({}, None),
    "bearer extraction: without the scheme": ({"authorization": "bare"}, True),
    "bearer extraction: another scheme": ({"authorization": "basic"}, False),
    "bearer extraction: the scheme in lower case": ({"authorization": "lower"}, False),
    "bearer extraction: a misspelt header": ({"authorisation": "good"}, None),
    "API key header: X-API-KEY": ({"X-API-KEY": "good"}, True),
    "API key header: x-api-key": ({"x-api-key": "good"}, True),
    "API key header: api-key": ({"api-key": "good"}, None),
}


@pytest.fixture(scope="module")
def held(house: House) -> Mapping[str, Mapping[str, str]]:
    """What each header is, by the word for it."""
    account = house.account()
    jwt, key = house.token(account), house.key(account)
    cookie = "portainer_api_key="
    return {
        "cookie": {"good": cookie + jwt, "bad": cookie + "bad", "empty": cookie},
        "authorization": {
            "good": f"Bearer {jwt}",
            "bad": "Bearer bad",
            "bare": jwt,
            "basic": f"Basic {jwt}",
            "lower": f"bearer {jwt}",
        },
        "authorisation": {"good": f"Bearer {jwt}"},
        "x-api-key": {"good": key, "bad": "ptr_bad"},
        "api-key": {"good": key},
    }


@pytest.mark.parametrize("case", FIRST_DECIDES)
def test_the_first_one_there_decides(house: House, held: Mapping[str, Mapping[str, str]], case: str) -> None:
    """A bad credential before a good one is refused, an empty cookie, too; nothing at all is said to be missing."""
    words, is_good = FIRST_DECIDES[case]
    headers = {name: held[name.lower()][word] for name, word in words.items()}
    response = house.ask("GET", "/users/me", headers=headers)
    if is_good:
        assert response.status_code == 200, response.text
    else:
        assert_refused(response, 401, *(NO_TOKEN if is_good is None else BAD_TOKEN))


@pytest.mark.parametrize("name", ["X-API-KEY", "x-api-key", "X-Api-Key"])
def test_a_key_may_stand_in_the_query(house: House, name: str) -> None:
    """A query parameter of the header's name counts in any case, and even empty before everything else."""
    account = house.account()
    key = house.key(account)
    assert house.ask("GET", "/users/me", params={name: key}).json()["Id"] == account.number
    for value in ("", "ptr_bad"):
        response = house.ask("GET", "/users/me", house.token(account), params={name: value})
        assert_refused(response, 401, *BAD_TOKEN)


def test_a_parameter_of_another_name_is_no_key(house: House) -> None:
    """`api-key` in the query is as little a key as it is in a header."""
    key = house.key(house.account())
    assert_refused(house.ask("GET", "/users/me", params={"api-key": key}), 401, *NO_TOKEN)


def test_K_06_a_token_may_stand_in_the_query(house: House) -> None:
    """`?token=` counts before the header, unless it is empty, and after the cookie."""
    account, other = house.account(), house.account()
    jwt = house.token(account)
    in_query = house.ask("GET", "/users/me", house.token(other), params={"token": jwt})
    assert in_query.json()["Id"] == account.number
    assert house.ask("GET", "/users/me", jwt, params={"token": ""}).json()["Id"] == account.number
    twice = house.ask("GET", "/users/me", params=[("token", jwt), ("token", "bad")])
    assert twice.json()["Id"] == account.number
    cookie = {"cookie": f"portainer_api_key={house.token(other)}"}
    in_cookie = house.ask("GET", "/users/me", headers=cookie, params={"token": jwt})
    assert in_cookie.json()["Id"] == other.number


def test_an_empty_header_is_none(house: House) -> None:
    """`Authorization` that is empty holds nothing up; the scheme alone is a token, and no good one."""
    assert_refused(house.ask("GET", "/users/me", headers={"authorization": ""}), 401, *NO_TOKEN)
    assert_refused(house.ask("GET", "/users/me", headers={"authorization": "Bearer"}), 401, *BAD_TOKEN)


def test_a_key_of_one_who_is_gone_is_told_apart(house: House) -> None:
    """A key that is good, but whose owner may not sign in any more, has an answer of its own (§2.2)."""
    account = house.account()
    key = house.key(account)
    do(house.core, accounts.disable, account.number)
    gone = house.ask("GET", "/users/me", headers={"x-api-key": key})
    assert_refused(gone, 401, "An authorization token is invalid", "Unauthorized")
    do(house.core, accounts.enable, account.number)
    assert house.ask("GET", "/users/me", headers={"x-api-key": key}).status_code == 200


ADMINISTRATORS = [
    ("GET", "/users"),
    ("POST", "/users"),
    ("DELETE", "/users/999"),
    ("GET", "/settings"),
]


@pytest.mark.parametrize(("method", "path"), ADMINISTRATORS)
def test_what_is_for_administrators_is_refused_to_others(house: House, method: str, path: str) -> None:
    """403 in the same words everywhere, whatever the body (§2.2)."""
    assert_refused(house.ask(method, path, house.token(house.account())), 403, *NOT_ADMIN)


def test_who_is_calling_comes_before_what_is_asked(house: House) -> None:
    """A bad credential is refused before a bad body or a bad path parameter is."""
    assert_refused(house.ask("PUT", "/users/x/passwd", content=b"{"), 401, *NO_TOKEN)
    assert_refused(house.ask("PUT", "/users/x/passwd", "bad", content=b"{"), 401, *BAD_TOKEN)
