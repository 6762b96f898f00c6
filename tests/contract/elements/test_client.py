"""Our own clients of ELEMENTS, at once and awaited: lists that page by themselves, and what refusals come to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.contract.elements.speech import House
from tests.fakes import PASSWORD
from tests.speaking import KINDS, Canned, opening, stub

from dragoman.dialects import elements
from dragoman.dialects.elements.paging import PAGE

EVERYBODY = PAGE * 2 + 1


@pytest.fixture(scope="module")
def crowd(house: House) -> str:
    """The key of a session on a server with two pages of users and one more."""
    reader = house.account()
    for _ in range(EVERYBODY - 1):
        house.account(password=None)
    return house.token(reader)


def client_of(house: House, key: str) -> elements.Client:
    """A client that holds a session's key."""
    return elements.Client(f"{house.served.url}/elements", token=key)


def test_a_list_pages_by_itself(house: House, crowd: str) -> None:
    """`each` gives everything once, by id, whatever the size of a page."""
    with client_of(house, crowd) as client:
        for size in (PAGE, 7):
            numbers = [user.id for user in client.each(client.get_all_users, limit=size)]
            assert numbers == list(range(1, EVERYBODY + 1))


def test_a_list_is_read_in_the_order_and_from_the_place_asked_for(house: House, crowd: str) -> None:
    """What a list operation takes, its iterator takes, too."""
    with client_of(house, crowd) as client:
        found = client.each(client.get_all_users, ordering="-id", offset=EVERYBODY - 2, limit=1)
        assert [user.id for user in found] == [2, 1]
        assert [user.id for user in client.each(client.get_all_users, username="nobody")] == []


def test_a_list_is_fetched_only_as_far_as_it_is_read() -> None:
    """Whoever stops after a page has asked for one."""
    page = Canned(body=b'[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]')
    with stub(page) as server, elements.Client(server.url, token="key") as client:
        tokens = client.each(client.get_all_api_tokens, limit=2)
        assert [next(tokens).id, next(tokens).id] == [1, 2]
        assert len(server.heard) == 1
        assert next(tokens).id == 1
        assert [heard.path.partition("?")[2] for heard in server.heard] == [
            "ordering=id&limit=2&offset=0",
            "ordering=id&limit=2&offset=2",
        ]


def test_a_list_is_awaited_page_by_page(house: House, crowd: str) -> None:
    """The awaiting client's `each` is gone through with `async for`, and gives the same."""

    async def numbers() -> list[int]:
        async with elements.AsyncClient(f"{house.served.url}/elements", token=crowd) as client:
            return [user.id async for user in client.each(client.get_all_users)]

    assert asyncio.run(numbers()) == list(range(1, EVERYBODY + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_is_kept_until_it_is_signed_out_of(house: House, kind: str) -> None:
    """A sign-in's key is sent from then on, and forgotten after the sign-out that it is good for nothing after."""
    account = house.account()
    with opening(elements, kind) as open_client:
        speaker = open_client(f"{house.served.url}/elements")
        speaker.do("login", username=account.username, password=PASSWORD)
        key: str = speaker.client.token
        assert speaker.do("get_profile").id == account.number
        speaker.do("logout")
        assert speaker.client.token is None
    assert not house.is_good(key)


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (b'{"detail": "Not found."}', ["Not found."]),
        (
            b'{"username": ["Taken.", "Too long."], "uid": ["A valid integer is required."]}',
            ["username: Taken.", "username: Too long.", "uid: A valid integer is required."],
        ),
        (
            b'{"permissions": {"1": ["This field may not be null."]}}',
            ["permissions: This field may not be null."],
        ),
        (b'{"reason": "otp_required", "detail": "Send a code along."}', ["Send a code along."]),
        (b'{"error": "the host is not known"}', ["the host is not known"]),
        (b"[1]", ["Not Found"]),
        (b'{"odd": 5}', ["Not Found"]),
    ],
)
def test_a_refusals_sentences_are_found(body: bytes, messages: Any) -> None:
    """The detail, or what is said of each field, however deep it stands; else the status says it."""
    with stub(Canned(404, body)) as server, elements.Client(server.url) as client:
        with pytest.raises(elements.Refused) as raised:
            client.get_profile()
        assert list(raised.value.messages) == messages


def test_filters_of_several_numbers_have_commas_between_them() -> None:
    """A list of numbers, or the text of one, goes as the product's own SDK sends it (§1)."""
    with stub(Canned(body=b"[]")) as server, elements.Client(server.url, token="key") as client:
        client.get_all_access_tokens(shared_bundles=[5, 6], user=7)
        assert server.heard[0].path.partition("?")[2] == "shared_bundles=5%2C6&user=7"
