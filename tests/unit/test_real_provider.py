"""A code of a real OpenID provider, from its sign-in page to whom it stands for, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from tests.oidc_provider import REDIRECT_URI, OidcProvider, oidc_provider

from dragoman.core.code_exchange import Identity, ProviderAddresses, exchange
from dragoman.core.errors import UpstreamFailed
from dragoman.core.secrets import Secret
from dragoman.outgoing import OutgoingHttp

WEB = OutgoingHttp(private=[ip_network("127.0.0.0/8")])


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    """One provider for all."""
    with oidc_provider() as started:
        yield started


def addresses(provider: OidcProvider, client_id: str, **more: Any) -> ProviderAddresses:
    """How it is spoken to, by a client of it."""
    return ProviderAddresses(
        client_id=client_id,
        client_secret=Secret(provider.secret_of(client_id)),
        token_uri=f"{provider.issuer}/token",
        resource_uri=f"{provider.issuer}/me",
        redirect_uri=REDIRECT_URI,
        **{"user_identifier": "preferred_username", **more},
    )


def found_out(web: OutgoingHttp, to: ProviderAddresses, code: str) -> Identity:
    """Whom a code stands for."""
    return exchange(web, to, Secret(code), datetime.now(UTC))


@pytest.mark.parametrize(
    ("client_id", "style"),
    [("by-header", "header"), ("by-header", "auto"), ("by-form", "params"), ("by-form", "auto")],
)
def test_a_code_stands_for_who_signed_in(provider: OidcProvider, client_id: str, style: str) -> None:
    """Whichever way the provider wants our secret, and with the id token verified by its own keys."""
    to = addresses(provider, client_id, auth_style=style, issuer=provider.issuer)
    identity = found_out(WEB, to, provider.sign_in("verified-carol", client_id))
    assert (identity.issuer, identity.subject) == (provider.issuer, "verified-carol")
    assert (identity.name, identity.verified_email) == ("verified-carol", "verified-carol@example.org")
    assert {"aud", "exp", "iss"} <= identity.claims.keys()


def test_without_an_issuer_the_resource_alone_is_believed(provider: OidcProvider) -> None:
    """The id token that comes along is passed over; a number may be the name."""
    to = addresses(provider, "by-header", user_identifier="number")
    identity = found_out(WEB, to, provider.sign_in("carol", "by-header"))
    assert (identity.name, identity.verified_email) == ("5", None)
    assert identity.issuer == f"{provider.issuer}/token"
    assert "aud" not in identity.claims


@pytest.mark.parametrize(
    "more",
    [
        {"client_secret": Secret("another")},
        {"redirect_uri": "https://elsewhere.example.org/"},
        {"user_identifier": "nickname"},
        {"issuer": "http://127.0.0.1:9"},
    ],
    ids=["secret", "redirection", "claim", "issuer"],
)
def test_what_the_provider_does_not_vouch_for_fails(provider: OidcProvider, more: dict[str, Any]) -> None:
    """A wrong secret, address, claim or issuer: nobody."""
    right = addresses(provider, "by-header")
    code = provider.sign_in("carol", "by-header")
    with pytest.raises(UpstreamFailed):
        found_out(WEB, ProviderAddresses(**{**vars(right), **more}), code)


def test_a_code_is_good_once(provider: OidcProvider) -> None:
    """The provider sees to that, and a code of its own making is needed."""
    to, code = addresses(provider, "by-header"), provider.sign_in("carol", "by-header")
    assert found_out(WEB, to, code).name == "carol"
    with pytest.raises(UpstreamFailed, match="invalid_grant"):
        found_out(WEB, to, code)


def test_a_provider_in_ones_own_network_is_not_asked_by_chance(provider: OidcProvider) -> None:
    """Loopback is reached only where settings allow it."""
    with pytest.raises(UpstreamFailed, match="not public"):
        found_out(OutgoingHttp(), addresses(provider, "by-header"), "any")
