"""Our own client at Portainer: which credential it shows, and what it makes of refusals (contract §1.1, §2.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.contract.portainer.speech import House
from tests.fakes import PASSWORD
from tests.speaking import KINDS, Canned, Opener, opening, stub

from dragoman.dialects import portainer


@pytest.fixture(params=KINDS)
def opener(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """Makes clients of each kind."""
    with opening(portainer, request.param) as open_client:
        yield open_client


def test_a_client_shows_a_token_or_a_key(house: House, opener: Opener) -> None:
    """What it is made with, or what it got by signing in; never the two, which Portainer refuses."""
    account = house.account()
    base = f"{house.served.url}/portainer"
    for shown in ({"token": house.token(account)}, {"api_key": house.key(account)}):
        assert opener(f"{base}/api", **shown).do("current_user_inspect").id == account.number
    with pytest.raises(ValueError, match="a token or an api_key, not both"):
        opener(base, token="t", api_key="k")


def test_a_token_that_was_signed_in_for_counts_before_a_key(house: House, opener: Opener) -> None:
    """A client with a key that signs in shows its token from then on, and its key again after signing out."""
    keyed, signed_in = house.account(), house.account()
    speaker = opener(f"{house.served.url}/portainer", api_key=house.key(keyed))
    assert speaker.do("current_user_inspect").id == keyed.number
    answer = speaker.do("authenticate_user", username=signed_in.username, password=PASSWORD)
    assert speaker.client.token == answer.jwt
    assert speaker.do("current_user_inspect").id == signed_in.number
    speaker.do("logout")
    assert speaker.client.token is None
    assert speaker.do("current_user_inspect").id == keyed.number


def test_a_refusal_has_its_message_and_its_details(house: House, opener: Opener) -> None:
    """Both sentences where they differ, one where the details repeat the message."""
    account = house.account()
    speaker = opener(f"{house.served.url}/portainer")
    with pytest.raises(portainer.Refused) as refused:
        speaker.do("authenticate_user", username=account.username, password="wrong-horse-7")
    assert (refused.value.status, refused.value.messages) == (422, ("Invalid credentials", "Unauthorized"))
    with pytest.raises(portainer.Forbidden) as off:
        speaker.do("validate_o_auth", code="c0de")
    assert off.value.messages == ("OAuth authentication is not enabled",)


# What a real Portainer says where our server says null (contract §3, §6).
DAY = {"Title": "News", "Message": "<p>x</p>", "ContentLayout": {"a": "b"}, "Style": "", "Hash": "3q2+7w=="}
CALLER = {
    "Id": 2,
    "Username": "bob",
    "Role": 2,
    "TokenIssueAt": 0,
    "ThemeSettings": {"color": ""},
    "UseCache": False,
    "PortainerAuthorizations": {"PortainerMOTD": True, "PortainerUserList": False},
    "EndpointAuthorizations": {"1": {"DockerContainerList": True}},
    "forceChangePassword": False,
}


def test_a_real_portainers_answers_are_read(opener: Opener) -> None:
    """Hash, layout and authorizations are read as the product writes them, where our server has nothing to say."""
    with stub(Canned(200, json.dumps(DAY).encode(), (("content-type", "application/json"),))) as server:
        day = opener(server.url, token="t").do("motd")
    assert (day.content_layout, day.hash) == ({"a": "b"}, "3q2+7w==")
    with stub(Canned(200, json.dumps(CALLER).encode(), (("content-type", "application/json"),))) as server:
        caller = opener(server.url, token="t").do("current_user_inspect")
    assert caller.portainer_authorizations == {"PortainerMOTD": True, "PortainerUserList": False}
    assert caller.endpoint_authorizations == {"1": {"DockerContainerList": True}}


def test_the_limiters_answer_says_when_to_come_back(own: House, opener: Opener) -> None:
    """A 403 for now alone is told apart from one for good."""
    own.account(username="victim")
    speaker = opener(f"{own.served.url}/portainer")
    for _ in range(11):
        with pytest.raises(portainer.Refused):
            speaker.do("authenticate_user", username="victim", password="wrong-horse-7")
    with pytest.raises(portainer.TryLater) as later:
        speaker.do("authenticate_user", username="victim", password=PASSWORD)
    assert later.value.status == 403
    assert later.value.retry_after
