"""Generated requests: whatever arrives, Immich's own shape leaves, and never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.immich.speech import (
    NEIGHBOURS,
    OPERATIONS,
    OTHER_PIN,
    PIN,
    House,
    Person,
    assert_immich,
)
from tests.fakes import NEW_PASSWORD, PASSWORD

pytestmark = pytest.mark.fuzz

# What makes a field good, so that some generated bodies get past the rules and into the handlers.
GOOD: Mapping[str, Sequence[Any]] = {
    "email": ["nobody@example.com", "new@example.com"],
    "password": [PASSWORD, NEW_PASSWORD],
    "newPassword": [PASSWORD, NEW_PASSWORD],
    "pinCode": [PIN, OTHER_PIN],
    "newPinCode": [PIN, OTHER_PIN],
    "name": ["Ada"],
    "avatarColor": ["red", None],
    "invalidateSessions": [True],
}
PATHS = sorted({*OPERATIONS.values(), *NEIGHBOURS.values()})
MEDIA = [
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=latin1",
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=x",
]
CREDENTIALS = [
    "authorization",
    "cookie",
    "x-immich-user-token",
    "x-immich-session-token",
    "x-api-key",
    "x-immich-share-key",
]
SAID = [
    "user-agent",
    "devicemodel",
    "devicetype",
    "x-request-id",
    "x-forwarded-for",
    "x-forwarded-proto",
    "origin",
]

any_text = st.text(st.characters(), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
fields = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(good) | values for name, good in GOOD.items()}
)
bodies = st.one_of(
    fields.map(lambda body: json.dumps(body).encode("utf-8", "surrogatepass")),
    values.map(lambda body: json.dumps(body).encode("utf-8", "surrogatepass")),
    st.binary(max_size=200),
    st.text(st.sampled_from('{}[]":,0123456789.eE+-\\u truefalsn&=%'), max_size=80).map(str.encode),
)
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40).map(
    str.encode
)
bytes_of_a_header = st.binary(min_size=1, max_size=40).filter(
    lambda value: all(byte > 0x20 and byte != 0x7F for byte in value)
)


@dataclass(frozen=True)
class Sent:
    """A generated request."""

    method: str
    path: str
    content: bytes
    headers: dict[str, bytes]


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """A request to an operation, with headers that say who is calling and what is sent, some of them nonsense."""
    method, path = draw(st.sampled_from(PATHS))
    names = draw(st.lists(st.sampled_from(SAID + CREDENTIALS), max_size=3))
    headers = {name: draw(bytes_of_a_header) for name in names}
    if draw(st.booleans()):
        headers["x-immich-cid"] = draw(visible)
    if draw(st.integers(0, 3)):
        headers["content-type"] = draw(st.sampled_from(MEDIA)).encode()
    return Sent(method, path, draw(bodies), headers)


def sound(house: House, method: str, path: str, **named: Any) -> httpx2.Response:
    """The answer to a request, which is in Immich's shape, and shows nothing of our insides."""
    response = house.ask(method, path, **named)
    assert_immich(response)
    assert "Traceback" not in response.text
    return response


@given(
    sent=requests(),
    query=st.dictionaries(st.sampled_from(["sessionKey", "apiKey", "key", "slug"]), any_text, max_size=2),
)
def test_strangers_meet_no_accident(house: House, sent: Sent, query: dict[str, str]) -> None:
    """Any body, headers and query on any operation end in an answer of Immich's."""
    readable = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    sound(house, sent.method, sent.path, content=sent.content, headers=sent.headers, params=readable)


@pytest.fixture(scope="module")
def somebody(house: House) -> Person:
    """Somebody whose account the generated requests may change."""
    return house.person(must_change_password=True)


@given(sent=requests(), by_key=st.booleans(), has_pin=st.booleans())
def test_callers_meet_no_accident(
    house: House, somebody: Person, sent: Sent, by_key: bool, has_pin: bool
) -> None:
    """Nor does anything that somebody signed in may send, by session or key, PIN or none."""
    token = house.token(somebody.account)
    if has_pin:
        house.call("setup_pin_code", token, {"pinCode": PIN})
    headers = {name: value for name, value in sent.headers.items() if name not in CREDENTIALS}
    headers["content-type"] = b"application/json"
    if by_key:
        headers["x-api-key"] = house.key(somebody.account)[1].encode()
    else:
        headers["x-immich-user-token"] = token.encode()
    response = sound(house, sent.method, sent.path, content=sent.content, headers=headers)
    assert response.status_code != 401 or sent.path == "/auth/login"


@given(parts=st.lists(any_text, max_size=4), method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]))
def test_paths_meet_no_accident(house: House, parts: list[str], method: str) -> None:
    """Any path below Immich's is found or not, in Immich's words."""
    path = "".join(f"/{quote(part.encode('utf-8', 'surrogatepass'), safe='')}" for part in parts)
    response = house.ask(method, path)
    assert response.status_code in (200, 400, 401, 404)
    if method != "HEAD":
        assert_immich(response)
