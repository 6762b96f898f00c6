"""Every way to hold up a credential, and which of two counts (contract §0.5)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx2
import pytest
from tests.contract.immich.speech import NEIGHBOURS, OPERATIONS, PROTECTED, House, assert_refused

WRONG = "nobodys-credential"
NOTHING = "Authentication required"
BAD_SESSION = "Invalid user token"
BAD_KEY = "Invalid API key"
BAD_LINK = "Invalid share key"


@dataclass(frozen=True)
class Place:
    """One place in a request where a credential can stand, and what is said of a bad one there."""

    name: str
    kind: str
    refusal: str

    def __str__(self) -> str:
        return self.name

    def sent(self, credential: str) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and query parameters that hold the credential up."""
        match self.name.partition(" "):
            case ("header", _, "authorization"):
                return {"authorization": f"Bearer {credential}".strip()}, {}
            case ("header", _, name):
                return {name: credential}, {}
            case ("cookie", _, name):
                return {"cookie": f"{name}={credential}"}, {}
            case (_, _, name):
                return {}, {name: credential}


# In the order of their precedence.
PLACES = [
    Place("header x-immich-share-key", "link", BAD_LINK),
    Place("query key", "link", BAD_LINK),
    Place("header x-immich-user-token", "session", BAD_SESSION),
    Place("header x-immich-session-token", "session", BAD_SESSION),
    Place("query sessionKey", "session", BAD_SESSION),
    Place("header authorization", "session", BAD_SESSION),
    Place("cookie immich_access_token", "session", BAD_SESSION),
    Place("header x-api-key", "key", BAD_KEY),
    Place("query apiKey", "key", BAD_KEY),
]
GOOD_PLACES = [place for place in PLACES if place.kind != "link"]
PAIRS = list(itertools.combinations(PLACES, 2))


@dataclass(frozen=True)
class Visitor:
    """Somebody with a good session and a good key."""

    house: House
    credentials: Mapping[str, str]

    def ask(self, *held: tuple[Place, str], path: str = "/users/me") -> httpx2.Response:
        """A request that holds these up, each in its place."""
        headers: dict[str, str] = {}
        query: dict[str, str] = {}
        for place, credential in held:
            more_headers, more_query = place.sent(credential)
            headers |= more_headers
            query |= more_query
        return self.house.ask("GET", path, headers=headers, params=query)


@pytest.fixture(scope="module")
def visitor(house: House) -> Visitor:
    """Somebody with a good session and a good key, who changes nothing."""
    person = house.person()
    _, key = house.key(person.account, "tag.read")
    # No link is good yet: what stands for one is whatever is good elsewhere.
    return Visitor(house, {"session": person.token, "key": key, "link": person.token})


@pytest.mark.parametrize("place", GOOD_PLACES, ids=str)
def test_good_credential_is_taken_everywhere_it_may_stand(visitor: Visitor, place: Place) -> None:
    """A session or a key is good in each of its places alone."""
    assert visitor.ask((place, visitor.credentials[place.kind])).status_code == 200


@pytest.mark.parametrize("operation", [*PROTECTED, *NEIGHBOURS])
def test_nothing_held_up_is_401(house: House, operation: str) -> None:
    """A protected operation asks for authentication, and names no scheme to do it by."""
    assert_refused(house.call(operation), 401, NOTHING)


@pytest.mark.parametrize("operation", [*PROTECTED, *NEIGHBOURS])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_bad_credential_is_401_in_the_words_of_its_place(house: House, operation: str, place: Place) -> None:
    """What is unknown is refused by the kind of credential that the place is for, on every operation."""
    method, path = {**OPERATIONS, **NEIGHBOURS}[operation]
    headers, query = place.sent(WRONG)
    assert_refused(house.ask(method, path, headers=headers, params=query), 401, place.refusal)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_credential_of_another_kind_is_bad(visitor: Visitor, place: Place) -> None:
    """A session token is no key, a key is no session token, and neither is a link."""
    for kind in ("session", "key"):
        if kind != place.kind:
            assert_refused(visitor.ask((place, visitor.credentials[kind])), 401, place.refusal)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_empty_credential_is_none(visitor: Visitor, place: Place) -> None:
    """A place that is there and empty is passed over."""
    assert_refused(visitor.ask((place, "")), 401, NOTHING)


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=str)
def test_first_that_is_not_empty_counts(visitor: Visitor, first: Place, second: Place) -> None:
    """Of two credentials the one in the earlier place decides, good or bad, and the other is not looked at."""
    good = visitor.credentials
    bad_then_good = visitor.ask((first, WRONG), (second, good[second.kind]))
    assert_refused(bad_then_good, 401, first.refusal)
    good_then_bad = visitor.ask((first, good[first.kind]), (second, WRONG))
    if first.kind == "link":
        assert_refused(good_then_bad, 401, BAD_LINK)
    else:
        assert good_then_bad.status_code == 200
    empty_then_good = visitor.ask((first, ""), (second, good[second.kind]))
    if second.kind == "link":
        assert_refused(empty_then_good, 401, BAD_LINK)
    else:
        assert empty_then_good.status_code == 200


def test_all_at_once_is_what_a_generated_client_sends(visitor: Visitor) -> None:
    """Cookie, key and bearer token together, as the SDK sends them, are judged by the bearer token alone."""
    bearer, cookie, key = (PLACES[n] for n in (5, 6, 7))
    good = visitor.credentials
    assert visitor.ask((bearer, good["session"]), (cookie, WRONG), (key, WRONG)).status_code == 200
    refused = visitor.ask((bearer, WRONG), (cookie, good["session"]), (key, good["key"]))
    assert_refused(refused, 401, BAD_SESSION)


@pytest.mark.parametrize("name", ["x-immich-share-slug", "slug"])
def test_slugs_are_not_known_yet(visitor: Visitor, name: str) -> None:
    """Slugs came after 1.134: one is no credential, and stands in nobody's way."""
    good = visitor.credentials["session"]
    for place in (Place(f"header {name}", "slug", ""), Place(f"query {name}", "slug", "")):
        assert_refused(visitor.ask((place, WRONG)), 401, NOTHING)
        assert visitor.ask((place, WRONG), (PLACES[5], good)).status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_bearer_scheme_has_no_case(visitor: Visitor, scheme: str) -> None:
    """The scheme is compared without case."""
    headers = {"authorization": f"{scheme} {visitor.credentials['session']}"}
    assert visitor.house.ask("GET", "/users/me", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer  {token}",
        "Bearer\t{token}",
        "Basic {token}",
        "Token {token}",
        "{token}",
        "Bearer,{token}",
        "Bearer:{token}",
        "xBearer {token}",
        "",
        "Digest Bearer {token}",
    ],
)
def test_other_authorization_is_passed_over(visitor: Visitor, header: str) -> None:
    """An empty token (the header is split at single blanks) and other schemes fall through to what follows."""
    headers = {"authorization": header.format(token=visitor.credentials["session"])}
    assert_refused(visitor.house.ask("GET", "/users/me", headers=headers), 401, NOTHING)
    also = {**headers, "x-api-key": visitor.credentials["key"]}
    assert visitor.house.ask("GET", "/users/me", headers=also).status_code == 200


def test_bearer_token_ends_at_the_next_blank(visitor: Visitor) -> None:
    """What follows the token after a blank is not part of it."""
    headers = {"authorization": f"Bearer {visitor.credentials['session']} and more"}
    assert visitor.house.ask("GET", "/users/me", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "line",
    [
        "immich_access_token={token}",
        "a=b; immich_access_token={token}",
        "a=b;immich_access_token={token};c=d",
        'immich_access_token="{token}"',
        "immich_access_token={escaped}",
        "; ;; immich_access_token = {token} ; x",
        "=; broken; %%%=%zz; immich_access_token={token}",
        "immich_auth_type=password; immich_is_authenticated=true; immich_access_token={token}",
        # The browser lists the more specific cookie first (RFC 6265 §5.4).
        "immich_access_token={token}; immich_access_token=wrong",
    ],
)
def test_cookie_is_found_among_others(visitor: Visitor, line: str) -> None:
    """The token's cookie may be quoted, percent-encoded, and among cookies that nobody can read."""
    token = visitor.credentials["session"]
    escaped = "".join(f"%{ord(letter):02x}" for letter in token)
    headers = {"cookie": line.format(token=token, escaped=escaped)}
    assert visitor.house.ask("GET", "/users/me", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("{token}", NOTHING),
        ("immich_access_token", NOTHING),
        ("immich_access_token=", NOTHING),
        ('immich_access_token=""', NOTHING),
        ("IMMICH_ACCESS_TOKEN={token}", NOTHING),
        ("xximmich_access_token={token}", NOTHING),
        ("immich_access_token[]={token}", NOTHING),
        ("immich_auth_type={token}", NOTHING),
        ("immich_access_token=%zz", BAD_SESSION),
        ("immich_access_token=%ff%fe", BAD_SESSION),
        ("immich_access_token=%00", BAD_SESSION),
        ("immich_access_token==", BAD_SESSION),
        ('immich_access_token="{token}', BAD_SESSION),
        ("immich_access_token={token}%20", BAD_SESSION),
        ("immich_access_token=wrong; immich_access_token={token}", BAD_SESSION),
        ("immich_access_token={token},{token}", BAD_SESSION),
    ],
)
def test_broken_cookie_is_401(visitor: Visitor, line: str, refusal: str) -> None:
    """A cookie that is not the token's is none; one that cannot be a token is a bad one."""
    headers = {"cookie": line.format(token=visitor.credentials["session"])}
    assert_refused(visitor.house.ask("GET", "/users/me", headers=headers), 401, refusal)


def test_cookies_in_several_lines_are_one(visitor: Visitor) -> None:
    """HTTP/2 clients may send each cookie in a line of its own (RFC 9113 §8.2.3)."""
    url = f"{visitor.house.served.immich}/users/me"
    lines = [("cookie", "a=b"), ("cookie", f"immich_access_token={visitor.credentials['session']}")]
    assert httpx2.get(url, headers=lines, trust_env=False).status_code == 200


@pytest.mark.parametrize("place", GOOD_PLACES, ids=str)
def test_credential_is_compared_exactly(visitor: Visitor, place: Place) -> None:
    """One letter more, less, or in another case makes another credential."""
    good = visitor.credentials[place.kind]
    for near in (good.upper(), good.swapcase(), good[:-1], f"{good}x", f"{good}=", f"{good}%00"):
        assert_refused(visitor.ask((place, near)), 401, place.refusal)


def test_tokens_stand_in_urls_unescaped(houses: House) -> None:
    """Widgets put the token into URLs as it is (§0.5), so it has letters and digits only, and no "-" first."""
    for _ in range(20):
        token = houses.person().token
        assert quote(token, safe="") == token
        assert token.isalnum()
        assert token.isascii()
        assert 32 <= len(token) <= 64
        assert houses.ask("GET", f"/users/me?sessionKey={token}").status_code == 200


def test_credentials_belong_to_one_dialect(houses: House) -> None:
    """A session or key of another dialect's is refused here as if it did not exist."""
    account = houses.account()
    token = houses.token(account, dialect="portainer")
    _, key = houses.key(account, "all", dialect="shoko")
    assert_refused(houses.call("get_my_user", token), 401, BAD_SESSION)
    assert_refused(houses.call("get_my_user", headers={"x-api-key": key}), 401, BAD_KEY)


@pytest.mark.parametrize("operation", ["login", "sign_up_admin"])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_public_operations_do_not_look_at_credentials(house: House, operation: str, place: Place) -> None:
    """A bad credential does not stop whoever comes to sign in."""
    method, path = OPERATIONS[operation]
    headers, query = place.sent(WRONG)
    response = house.ask(method, path, headers=headers, params=query, json={})
    assert response.status_code == 400
    assert response.json()["message"][-1] == "password must be a string"
