"""From a code to who it stands for: what is asked, what is believed, and what is no answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk
from tests.fakes import START
from tests.providers import (
    ADDRESSES,
    CODE,
    ISSUER,
    KEY,
    OPENID,
    Provider,
    answered,
    claims_of,
    signed,
)

from dragoman.core.code_exchange import FORM, Identity, ProviderAddresses, exchange, name_in
from dragoman.core.errors import UpstreamFailed
from dragoman.core.secrets import Secret

OTHER_KEY = jwk.RSAKey.generate_key(2048, {"kid": "one"}, private=True)
EC_KEY = jwk.ECKey.generate_key("P-256", {"kid": "two"}, private=True)
ED_KEY = jwk.OKPKey.generate_key("Ed25519", {"kid": "three"}, private=True)


def found_out(provider: Provider, addresses: ProviderAddresses = ADDRESSES, code: str = CODE) -> Identity:
    """Who a code stands for."""
    return exchange(provider, addresses, Secret(code), START)


def test_a_code_stands_for_somebody() -> None:
    """The code buys an access token, and that the claims: the subject and the name among them."""
    provider = Provider()
    identity = found_out(provider)
    assert (identity.issuer, identity.subject, identity.name) == (ADDRESSES.token_uri, "id-of-carol", "carol")
    bought, asked = provider.heard
    assert (bought.method, bought.url, bought.headers["content-type"]) == ("POST", ADDRESSES.token_uri, FORM)
    assert parse_qs(bought.body.decode()) == {
        "grant_type": ["authorization_code"],
        "code": [CODE],
        "redirect_uri": [ADDRESSES.redirect_uri],
    }
    assert (asked.method, asked.url, asked.body) == ("GET", ADDRESSES.resource_uri, b"")


def test_no_print_out_of_an_identity_shows_its_claims() -> None:
    """What a provider says of somebody is theirs, and not the log's."""
    assert "secret" not in repr(found_out(Provider(claims_of(phone="secret"))))


@pytest.mark.parametrize(
    ("style", "takes", "requests"),
    [("header", "header", 1), ("params", "params", 1), ("auto", "header", 1), ("auto", "params", 2)],
)
def test_our_credentials_are_told_as_the_provider_wants(style: Any, takes: str, requests: int) -> None:
    """In a header, in the form, or first one and then the other."""
    provider = Provider(takes=takes)
    assert found_out(provider, replace(ADDRESSES, auth_style=style)).name == "carol"
    assert [each.url for each in provider.heard].count(ADDRESSES.token_uri) == requests


@pytest.mark.parametrize(("style", "takes"), [("header", "params"), ("params", "header")])
def test_a_style_that_is_set_is_not_guessed(style: Any, takes: str) -> None:
    """Credentials told otherwise than the provider wants are refused, and not tried otherwise."""
    provider = Provider(takes=takes)
    with pytest.raises(UpstreamFailed, match="401 invalid_client"):
        found_out(provider, replace(ADDRESSES, auth_style=style))
    assert len(provider.heard) == 1


def test_a_code_that_was_refused_is_not_shown_again() -> None:
    """RFC 6749 §4.1.2: a code that is used twice looks stolen."""
    provider = Provider()
    with pytest.raises(UpstreamFailed, match="400 invalid_grant"):
        found_out(provider, code="another")
    assert len(provider.heard) == 1


def test_a_public_client_sends_no_secret() -> None:
    """Without a secret of ours there is none in the form."""
    provider = Provider(takes="params")
    with pytest.raises(UpstreamFailed):
        found_out(provider, replace(ADDRESSES, client_secret=Secret(""), auth_style="params"))
    assert "client_secret" not in provider.heard[0].body.decode()


@pytest.mark.parametrize("media", [FORM, "text/plain"])
def test_a_form_is_an_answer_too(media: str) -> None:
    """Token endpoint and resource may answer with a form, which they call one, or plain text."""
    token = answered(b"access_token=access&scope=a%20b", media=media)
    me = answered(b"sub=7&preferred_username=dave+d", media=media)
    assert found_out(Provider(answers={"/token": token, "/me": me})).name == "dave d"


@pytest.mark.parametrize("code", ["", "x" * 4097])
def test_what_can_be_no_code_is_not_shown_to_the_provider(code: str) -> None:
    """Nothing, or more than four thousand characters."""
    provider = Provider()
    with pytest.raises(UpstreamFailed):
        found_out(provider, code=code)
    assert provider.heard == []


NO_USE = {
    "an error of the server": ("/token", answered({}, 500)),
    "a redirection": ("/token", answered({"access_token": "access"}, 302)),
    "no access token": ("/token", answered({"token_type": "bearer"})),
    "an empty access token": ("/token", answered({"access_token": ""})),
    "a number for an access token": ("/token", answered({"access_token": 7})),
    "an access token for no header": ("/token", answered({"access_token": "not\nin a header"})),
    "an array": ("/token", answered([])),
    "a page": ("/token", answered(b"<html>")),
    "a form of no text": ("/token", answered(b"\xff", media=FORM)),
    "a long form": ("/token", answered(b"&".join([b"a=b"] * 1001), media=FORM)),
    "a deep answer": ("/token", answered(b"[" * 100_000)),
    "another success": ("/me", answered(claims_of(), 201)),
    "a refusal": ("/me", answered(claims_of(), 401)),
    "a text": ("/me", answered("carol")),
    "nothing": ("/me", answered(b"")),
    "no name": ("/me", answered({"sub": "1"})),
    "an empty name": ("/me", answered({"sub": "1", "preferred_username": ""})),
    "a zero for a name": ("/me", answered({"sub": "1", "preferred_username": 0})),
    "a truth for a name": ("/me", answered({"sub": "1", "preferred_username": True})),
    "an array for a name": ("/me", answered({"sub": "1", "preferred_username": ["carol"]})),
    "a subject of no text": ("/me", answered({"sub": "a\x00", "preferred_username": "carol"})),
    "half a character": ("/me", answered({"sub": "\ud800", "preferred_username": "carol"})),
    "a long subject": ("/me", answered({"sub": "x" * 256, "preferred_username": "carol"})),
}


@pytest.mark.parametrize("what", NO_USE)
def test_no_usable_answer_is_a_failure(what: str) -> None:
    """Whatever is not exactly what was asked for vouches for nobody."""
    path, answer = NO_USE[what]
    with pytest.raises(UpstreamFailed):
        found_out(Provider(answers={path: answer}))


def test_no_answer_is_a_failure() -> None:
    """A provider that cannot be reached vouches for nobody."""
    with pytest.raises(UpstreamFailed, match="nobody is there"):
        found_out(Provider(), replace(ADDRESSES, token_uri=f"{ISSUER}/elsewhere"))


@pytest.mark.parametrize(
    ("value", "name"),
    [("Carol", "Carol"), (7, "7"), (7.9, "7"), (-1, "-1"), (1.1, "1"), (float("nan"), None), (float("inf"), None)],
)  # fmt: skip
def test_names_are_texts_or_numbers(value: Any, name: str | None) -> None:
    """A number is cut to an integer (contract §2.9)."""
    assert name_in({"id": value}, "id") == name


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text())))
def test_claims_of_any_kind_are_judged(claims: dict[str, Any]) -> None:
    """Whatever claims hold, each of them is a name that is not empty, or none."""
    for claim in claims:
        name = name_in(claims, claim)
        assert name is None or name


@pytest.mark.parametrize("subject", [None, "", True, 1.5, ["carol"]], ids=str)
def test_who_has_no_subject_is_nobody(subject: object) -> None:
    """A name that is given up is given to somebody else: nobody is known by it in place of a subject."""
    claims = {"preferred_username": "carol"} | ({} if subject is None else {"sub": subject})
    with pytest.raises(UpstreamFailed, match="no usable sub"):
        found_out(Provider(claims))


def test_a_verified_address_is_the_one_that_was_verified() -> None:
    """What an id token says of its own e-mail address is not said of another one that the resource tells."""
    token = signed({"email": "a@example.org", "email_verified": True})
    told = {"sub": "id-of-carol", "preferred_username": "carol"}
    assert found_out(Provider(told, id_token=token), OPENID).verified_email == "a@example.org"
    other = {**told, "email": "b@example.org"}
    assert found_out(Provider(other, id_token=token), OPENID).verified_email is None
    verified = {**other, "email_verified": True}
    assert found_out(Provider(verified, id_token=token), OPENID).verified_email == "b@example.org"


def test_the_claim_that_never_changes_can_be_chosen() -> None:
    """Where it is not `sub`: a number, say."""
    provider = Provider({"preferred_username": "carol", "id": 583231})
    assert found_out(provider, replace(ADDRESSES, subject_claim="id")).subject == "583231"


@pytest.mark.parametrize(
    ("more", "email"),
    [
        ({"email": "c@example.org", "email_verified": True}, "c@example.org"),
        ({"email": "c@example.org", "email_verified": "true"}, "c@example.org"),
        ({"email": "c@example.org", "email_verified": False}, None),
        ({"email": "c@example.org", "email_verified": 1.5}, None),
        ({"email": "c@example.org"}, None),
        ({"email_verified": True}, None),
    ],
    ids=str,
)
def test_an_e_mail_address_counts_when_the_provider_has_verified_it(
    more: dict[str, Any], email: str | None
) -> None:
    """And says so in so many words."""
    assert found_out(Provider(claims_of(**more))).verified_email == email


# --- id tokens ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "alg"),
    [(KEY, "RS256"), (KEY, "PS384"), (EC_KEY, "ES256"), (ED_KEY, "Ed25519")],
    ids=["RS256", "PS384", "ES256", "Ed25519"],
)
def test_claims_of_a_verified_id_token_count(key: Any, alg: str) -> None:
    """What the provider signed for us is believed, by any of the usual signatures."""
    token = signed({"preferred_username": "from the token"}, key=key, alg=alg)
    provider = Provider({"sub": "id-of-carol"}, id_token=token, keys=[key.as_dict(private=False)])
    identity = found_out(provider, OPENID)
    assert (identity.issuer, identity.name) == (ISSUER, "from the token")


def test_the_resource_has_the_last_word() -> None:
    """Where both say something, the resource wins (contract §2.9)."""
    provider = Provider(id_token=signed({"preferred_username": "from the token"}))
    assert found_out(provider, OPENID).name == "carol"


def test_an_id_token_of_a_provider_without_an_issuer_is_passed_over() -> None:
    """Nobody could say whether it is right, so nothing in it is believed, and no key is asked for."""
    provider = Provider({"sub": "id-of-carol"}, id_token=signed({"preferred_username": "carol"}))
    with pytest.raises(UpstreamFailed, match="no usable preferred_username"):
        found_out(provider)
    assert len(provider.heard) == 2


def test_an_id_token_may_be_missing() -> None:
    """A provider that gives none is believed at its resource."""
    provider = Provider()
    assert found_out(provider, OPENID).name == "carol"
    assert len(provider.heard) == 2


SOON, PAST = START.timestamp() + 30, START.timestamp() - 61


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://other.test"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "somebody"}, "somebody else"),
        ({"aud": None}, "somebody else"),
        ({"aud": ["somebody"]}, "somebody else"),
        ({"aud": ["dragoman", "somebody"]}, "somebody else"),
        ({"aud": ["dragoman"], "azp": "somebody"}, "somebody else"),
        ({"exp": PAST}, "expired"),
        ({"exp": None}, "no exp"),
        ({"exp": "tomorrow"}, "no exp"),
        ({"iat": START.timestamp() + 61}, "future"),
        ({"iat": None}, "no iat"),
        ({"iat": True}, "no iat"),
        ({"sub": "id-of-mallory"}, "different people"),
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_us_now_fails(claims: dict[str, Any], why: str) -> None:
    """Issuer, audience, expiry and subject are judged; what fails is not merely passed over."""
    with pytest.raises(UpstreamFailed, match=why):
        found_out(Provider(id_token=signed(claims)), OPENID)


@pytest.mark.parametrize(
    "claims",
    [{"aud": ["dragoman"]}, {"aud": ["dragoman", "x"], "azp": "dragoman"}, {"iat": SOON}, {"exp": PAST + 30}],
    ids=str,
)
def test_clocks_and_audiences_have_some_room(claims: dict[str, Any]) -> None:
    """Others may be named besides us if we are who it was made for; clocks may differ by a minute."""
    assert found_out(Provider(id_token=signed(claims)), OPENID).name == "carol"


def unsigned() -> str:
    """A token that nobody signed."""
    header, payload, _ = signed({}).split(".")
    del header
    return f"eyJhbGciOiJub25lIn0.{payload}."


def by_shared_secret() -> str:
    """A token signed with our own secret, as if it were the provider's."""
    return signed({}, key=jwk.OctKey.import_key("s3cret/of:ours" * 3), alg="HS256")


@pytest.mark.parametrize(
    "token",
    ["", "a.b.c", "not a token", "é", signed({}, key=OTHER_KEY), unsigned(), by_shared_secret(), signed({})[:-5]],
    ids=["empty", "no header", "text", "not ASCII", "another key", "unsigned", "shared secret", "cut off"],
)  # fmt: skip
def test_what_the_provider_did_not_sign_is_not_believed(token: str) -> None:
    """No signature, one by another key of that name, and one that anybody can make are no signatures."""
    provider = Provider({"sub": "id-of-carol"}, id_token=token)
    with pytest.raises(UpstreamFailed):
        found_out(provider, OPENID)


@pytest.mark.parametrize(
    "more",
    [
        [{"kty": "unheard-of", "kid": "one"}, "text", {}, {"kty": "oct", "k": "AAAA", "kid": "one"}],
        [{"kty": "RSA", "kid": "one"}, {"kty": "EC", "kid": "one", "crv": "P-999", "x": "A", "y": "A"}],
        [OTHER_KEY.as_dict(private=False), EC_KEY.as_dict(private=False)],
    ],
    ids=["strange", "broken", "others"],
)
def test_keys_that_do_not_fit_are_passed_over(more: list[Any]) -> None:
    """A provider may have keys of kinds and uses that we do not know; the one that signed is found."""
    provider = Provider(id_token=signed({}), keys=[*more, KEY.as_dict(private=False)])
    assert found_out(provider, OPENID).name == "carol"


def test_a_key_for_encryption_signs_nothing() -> None:
    """A key's declared use counts."""
    key = {**KEY.as_dict(private=False), "use": "enc"}
    with pytest.raises(UpstreamFailed, match="no key"):
        found_out(Provider(id_token=signed({}), keys=[key]), OPENID)


def test_a_token_that_names_no_key_is_tried_with_all() -> None:
    """`kid` is optional."""
    key = jwk.ECKey.generate_key("P-256", private=True)
    provider = Provider(
        id_token=signed({}, key=key, alg="ES256"),
        keys=[KEY.as_dict(private=False), key.as_dict(private=False)],
    )
    assert found_out(provider, OPENID).name == "carol"


DISCOVERY = "/.well-known/openid-configuration"


NO_KEYS = {
    "no description": (DISCOVERY, answered({}, 404)),
    "an array for one": (DISCOVERY, answered([])),
    "a page for one": (DISCOVERY, answered(b"<html>")),
    "another's": (DISCOVERY, answered({"issuer": "https://other.test", "jwks_uri": f"{ISSUER}/keys"})),
    "one without an address of keys": (DISCOVERY, answered({"issuer": ISSUER})),
    "nothing for keys": ("/keys", answered({})),
    "an object for keys": ("/keys", answered({"keys": {}})),
    "too many keys": ("/keys", answered({"keys": [{}] * 101})),
    "no keys": ("/keys", answered({"keys": []})),
}


@pytest.mark.parametrize("what", NO_KEYS)
def test_without_the_issuers_keys_no_id_token_is_believed(what: str) -> None:
    """Keys that cannot be found, or are somebody else's, verify nothing."""
    path, answer = NO_KEYS[what]
    with pytest.raises(UpstreamFailed):
        found_out(Provider(id_token=signed({}), answers={path: answer}), OPENID)
