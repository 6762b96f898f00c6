"""The product's own tests of its OAuth service, line by line (portainer.md §5), over our exchange of a code.

Where it differs on purpose: an id token without a signature gives no claims, and fails the sign-in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.fakes import START
from tests.providers import ADDRESSES, CODE, OPENID, Provider, answered, signed

from dragoman.core.code_exchange import Identity, ProviderAddresses, exchange, name_in
from dragoman.core.errors import UpstreamFailed
from dragoman.core.secrets import Secret

USERNAME = replace(ADDRESSES, user_identifier="username")
OURS = {"sub": "id-of-user", "username": "test-oauth-user"}


def authenticated(
    provider: Provider, addresses: ProviderAddresses = USERNAME, code: str = CODE
) -> Identity | None:
    """Who a code stands for; None for an error."""
    try:
        return exchange(provider, addresses, Secret(code), START)
    except UpstreamFailed:
        return None


def unsigned() -> str:
    """An id token that nobody signed."""
    return f"eyJhbGciOiJub25lIn0.{signed(OURS).split('.')[1]}."


LINES: dict[str, tuple[Provider, ProviderAddresses, str, bool]] = {
    "token: wrong code / error": (Provider(OURS), USERNAME, "wrong", False),
    "token: right code / token": (Provider(OURS), USERNAME, CODE, True),
    "resource: no token / error": (
        Provider(OURS, answers={"/token": answered({"access_token": ""})}),
        USERNAME,
        CODE,
        False,
    ),
    "resource: wrong token / error": (
        Provider(OURS, answers={"/token": answered({"access_token": "incorrect"})}),
        USERNAME,
        CODE,
        False,
    ),
    "resource: right token / ok": (Provider(OURS), USERNAME, CODE, True),
    "authenticate: identifier not in resource / error": (Provider({"sub": "1"}), USERNAME, CODE, False),
    "authenticate: username / test-oauth-user": (Provider(OURS), USERNAME, CODE, True),
    "id_token: signed / claims": (
        Provider({}, id_token=signed(OURS)),
        replace(OPENID, user_identifier="username"),
        CODE,
        True,
    ),
    "id_token: unsigned / no claims": (
        Provider(OURS, id_token=unsigned()),
        replace(OPENID, user_identifier="username"),
        CODE,
        False,
    ),
    "id_token: absent / none needed": (
        Provider(OURS),
        replace(OPENID, user_identifier="username"),
        CODE,
        True,
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_the_service_does_as_the_products_tests_expect(line: str) -> None:
    """Each line of the list, but for tokens that nobody signed."""
    provider, addresses, code, is_somebody = LINES[line]
    identity = authenticated(provider, addresses, code)
    assert (None if identity is None else identity.name) == ("test-oauth-user" if is_somebody else None)


NAMES: dict[str, tuple[dict[str, Any], str | None]] = {
    "missing key / error": ({}, None),
    "empty string / error": ({"username": ""}, None),
    "int 0 / error": ({"username": 0}, None),
    "string / ok": ({"username": "john"}, "john"),
    "float 1.1 / ok": ({"username": 1.1}, "1"),
}


@pytest.mark.parametrize("line", NAMES)
def test_a_username_is_read_as_the_products_tests_expect(line: str) -> None:
    """As it comes over the wire; its integers of Go's own type never do."""
    claims, name = NAMES[line]
    assert name_in(claims, "username") == name
